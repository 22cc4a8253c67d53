"""Where the API token and the base URL come from, and what makes them valid. Must not import pulumi or requests."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["DEFAULT_BASE_URL", "Settings", "is_loopback", "resolve"]

DEFAULT_BASE_URL = "https://api.truto.one"
API_TOKEN_KEY = "truto:apiToken"  # noqa: S105 - the name of a setting
API_TOKEN_VARIABLE = "TRUTO_API_TOKEN"  # noqa: S105 - the name of a setting
BASE_URL_KEY = "truto:baseUrl"
BASE_URL_VARIABLE = "TRUTO_BASE_URL"
#: The name of the `truto.Provider` that was given a token of its own; set by the program's side.
PROVIDER_KEY = "truto:providerName"

#: Why a token that was just set may not be the one in use: these commands take the provider inputs in the state.
_RECORDED = (
    f"If you have just changed {API_TOKEN_KEY}: `pulumi refresh`, `destroy`, `import` and `up --refresh` still use the "
    "token recorded by the last `pulumi up`, so run a plain `pulumi up` first or add `--run-program`"
)


@dataclass(frozen=True)
class Settings:
    """What a provider instance runs with.

    Attributes:
        api_token: the token; empty where ``problems`` says that it is missing.
        base_url: without a slash at its end.
        problems: what is wrong, each in words that say how to fix it. Nothing may be sent while there is one.
        token_source: where the token came from, in words.
        token_is_recorded: the token is a part of Pulumi's state, so some commands use that of the last `up`.
    """

    api_token: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    problems: tuple[str, ...] = ()
    token_source: str = f"the environment variable {API_TOKEN_VARIABLE}"
    token_is_recorded: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this machine, as the sandbox is."""
        return is_loopback(urlsplit(self.base_url).hostname)

    @property
    def token_hint(self) -> str:
        """What helps where Truto does not accept the token, or does not see what it should: whole sentences."""
        recorded = f" {_RECORDED}." if self.token_is_recorded else ""
        return f"The token in use comes from {self.token_source}.{recorded}"

    def fingerprint(self, webhook_id: str) -> str:
        """Tells whether two runs used the same token and base URL for a webhook, and nothing else.

        Keyed with the webhook's id, so that equal tokens do not show as such, and so short that millions of millions
        of other tokens have the same one: it does not help to find the token.
        """
        credential = f"{self.base_url}\n{self.api_token}".encode()
        return hmac.new(webhook_id.encode(), credential, hashlib.sha256).hexdigest()[:8]


def resolve(
    config: Callable[[str], object],
    environ: Mapping[str, str],
    *,
    provider: str = "",
    argument: str = "apiToken",
    place: str = "",
) -> Settings:
    """Finds the settings: the configuration first, then the environment variables, then the default.

    Never raises: an error becomes one of ``Settings.problems``, so that it can be reported like that of an input, in a
    preview already.

    Args:
        config: the configuration by its keys, as ``truto:apiToken``.
        environ: the environment variables.
        provider: the name of the explicit provider whose arguments ``config`` has; empty for the stack's own.
        argument: what that provider calls its token.
        place: where the token in ``config`` comes from, in words, if it is neither.
    """
    problems: list[str] = []
    token, source = _first(config, environ, API_TOKEN_KEY, API_TOKEN_VARIABLE)
    if source == API_TOKEN_VARIABLE:
        where = f"the environment variable {API_TOKEN_VARIABLE}"
    elif place:
        where = place
    elif provider:
        where = f'the argument {argument} of the provider "{provider}"'
    else:
        where = f"the stack's configuration, {API_TOKEN_KEY}"
    if token is None and provider:
        problems.append(
            f'the provider "{provider}" has no API token: an explicit provider does not take the stack\'s '
            f"{API_TOKEN_KEY}. Give it {argument}, or set the environment variable {API_TOKEN_VARIABLE}"
        )
    elif token is None:
        problems.append(
            f"no Truto API token is set. Run `pulumi config set --secret {API_TOKEN_KEY}` or set the environment "
            f"variable {API_TOKEN_VARIABLE}. Tokens are made in Truto's dashboard, one environment each"
        )
    elif not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        # Not stripped in silence: a token with a line break was copied wrongly, and perhaps not only there.
        problems.append(
            f"the API token in {where} contains whitespace or characters that no token has, perhaps a line break "
            "at its end. Set it again without them"
        )
        token = None
    base_url, base_url_source = _first(config, environ, BASE_URL_KEY, BASE_URL_VARIABLE)
    if base_url is None:
        base_url = DEFAULT_BASE_URL
    else:
        error = _base_url_error(base_url)
        if error is not None:
            problems.append(f"the base URL in {base_url_source} {error}. The usual one is {DEFAULT_BASE_URL}")
            base_url = DEFAULT_BASE_URL
    return Settings(
        api_token=token if isinstance(token, str) else "",
        base_url=str(base_url).rstrip("/"),
        problems=tuple(problems),
        token_source=where,
        token_is_recorded=source == API_TOKEN_KEY and not place,
    )


def is_loopback(host: str | None) -> bool:
    """Whether the host names this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _first(config: Callable[[str], object], environ: Mapping[str, str], key: str, variable: str) -> tuple[object, str]:
    """The first value that is set, and where. An empty string counts as not set, as in a shell."""
    value = config(key)
    if value is not None and value != "":
        return value, key
    return environ.get(variable) or None, variable


def _base_url_error(base_url: object) -> str | None:
    if not isinstance(base_url, str):
        return "is not a string"
    if not base_url.isprintable() or " " in base_url:
        return "contains whitespace"
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an https:// URL"
    if parts.scheme == "http" and not is_loopback(host):
        return "must start with https://, or the token would travel in plain text"
    if "@" in parts.netloc:
        return "must not contain a user name or password"
    if parts.query or parts.fragment or base_url.endswith(("?", "#")):
        return "must not have a query or fragment"
    return None
