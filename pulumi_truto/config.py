"""The settings: the API token, the base URL and the environment, where they come from, and what makes them valid."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pulumi_truto.errors import WrongEnvironmentError
from pulumi_truto.urls import ID, is_loopback

__all__ = ["DEFAULT_BASE_URL", "Settings", "resolve_settings"]

DEFAULT_BASE_URL = "https://api.truto.one"
API_TOKEN_KEY = "truto:apiToken"  # noqa: S105 - the name of a setting
API_TOKEN_VARIABLE = "TRUTO_API_TOKEN"  # noqa: S105 - the name of a setting
BASE_URL_KEY = "truto:baseUrl"
BASE_URL_VARIABLE = "TRUTO_BASE_URL"
ENVIRONMENT_ID_KEY = "truto:environmentId"
ENVIRONMENT_ID_VARIABLE = "TRUTO_ENVIRONMENT_ID"
#: The name of the `truto.Provider` with its own token; set by `pulumi_truto.resources`.
PROVIDER_KEY = "truto:providerName"
_KEYS = (API_TOKEN_KEY, BASE_URL_KEY, ENVIRONMENT_ID_KEY)

#: A refresh, a destroy and an import use the settings in the state, which the last `pulumi up` recorded there.
_RECORDED = "if you have just changed {}, run a plain `pulumi up` first, or add `--run-program`"


@dataclass(frozen=True)
class Settings:
    """The settings of one provider instance.

    Attributes:
        api_token: the token; empty if it is missing or invalid, which ``errors`` says.
        base_url: without a trailing slash.
        errors: the mistakes, and how to fix them. No request is sent while there is one.
        token_source: where the token comes from, for messages.
        token_is_recorded: the token is part of Pulumi's state, so some commands use the one of the last `up`.
        base_url_is_recorded: the same for the base URL.
        environment_id: the Truto environment that the token must belong to; empty if the settings do not say.
    """

    api_token: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    errors: tuple[str, ...] = ()
    token_source: str = f"the environment variable {API_TOKEN_VARIABLE}"
    token_is_recorded: bool = False
    base_url_is_recorded: bool = False
    environment_id: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this machine, like the sandbox."""
        return is_loopback(urlsplit(self.base_url).hostname)

    @property
    def token_hint(self) -> str:
        """The token to check when Truto rejects it or does not find an item: the end of a sentence, in brackets."""
        recorded = f"; {_RECORDED.format('it')}" if self.token_is_recorded else ""
        return f"(the token in use comes from {self.token_source}{recorded})"

    @property
    def base_url_hint(self) -> str:
        """The same for the base URL, after a space: empty if it is not recorded."""
        return f" ({_RECORDED.format(BASE_URL_KEY)})" if self.base_url_is_recorded else ""

    def check_environment(self, actual: str | None, subject: str, outcome: str = "nothing was changed") -> None:
        """Checks that something belongs to the environment of the settings.

        Args:
            actual: its environment; ``None`` if Truto did not say.
            subject: its name, as in "webhook X".
            outcome: its state now, for the message.

        Raises:
            WrongEnvironmentError: it belongs to another environment.
        """
        if self.is_other_environment(actual):
            raise WrongEnvironmentError(
                f"{subject} belongs to the Truto environment {actual}, but {ENVIRONMENT_ID_KEY} is "
                f"{self.environment_id}; {outcome}. Correct the setting, or use a token of that environment "
                f"{self.token_hint}"
            )

    def is_other_environment(self, actual: str | None) -> bool:
        """Whether this is another environment than that of the settings; ``None`` is not known."""
        return bool(self.environment_id and actual and actual != self.environment_id)

    def fingerprint(self, webhook_id: str) -> str:
        """Shows whether two runs used the same token and base URL for a webhook, and nothing else.

        It is keyed with the webhook's id, so that equal tokens do not have equal fingerprints, and so short that
        countless other tokens have the same one: it does not help to guess the token.
        """
        credential = f"{self.base_url}\n{self.api_token}".encode()
        return hmac.new(webhook_id.encode(), credential, hashlib.sha256).hexdigest()[:8]


def resolve_settings(
    config: Callable[[str], object],
    environ: Mapping[str, str],
    *,
    provider: str = "",
    argument: str = "apiToken",
    place: str = "",
    keys: Collection[str] = (),
) -> Settings:
    """Resolves the settings: configuration first, then environment variables, then the default.

    Never raises. An error becomes one of ``Settings.errors``, so that it is reported like an error of an input, already
    in a preview.

    Args:
        config: looks up a key such as ``truto:apiToken``.
        environ: the environment variables.
        provider: the name of the explicit provider that ``config`` belongs to; empty for the stack's configuration.
        argument: that provider's name for the token.
        place: where the token in ``config`` comes from, for messages, if it is neither of the two.
        keys: the keys of the configuration, which are checked for misspelt ones.
    """
    token, source = _first(config, environ, API_TOKEN_KEY, API_TOKEN_VARIABLE)
    if source == API_TOKEN_VARIABLE:
        token_source = f"the environment variable {API_TOKEN_VARIABLE}"
    elif provider and not place:
        token_source = f'the argument {argument} of the provider "{provider}"'
    else:
        token_source = place or f"the stack's configuration, {API_TOKEN_KEY}"
    base_url, base_url_source = _first(config, environ, BASE_URL_KEY, BASE_URL_VARIABLE)
    token_error = _token_error(token, token_source, provider, argument)
    base_url_error = None if base_url is None else _base_url_error(base_url)
    # The variable belongs to the stack's token, and not to that of an explicit provider of another environment.
    variables = {} if provider and source == API_TOKEN_KEY else environ
    environment_id, environment_source = _first(config, variables, ENVIRONMENT_ID_KEY, ENVIRONMENT_ID_VARIABLE)
    errors = [*unknown_settings(keys)]
    if token_error:
        errors.append(token_error)
    if base_url_error:
        errors.append(
            f"the base URL in {base_url_source} {base_url_error}. Set it to Truto's, {DEFAULT_BASE_URL}, or remove it"
        )
    if environment_id is not None and not (isinstance(environment_id, str) and ID.fullmatch(environment_id)):
        errors.append(f"the environment in {environment_source} is not the id of a Truto environment")
    return Settings(
        api_token="" if token_error else str(token),
        base_url=DEFAULT_BASE_URL if base_url is None or base_url_error else str(base_url).rstrip("/"),
        environment_id=str(environment_id or ""),
        errors=tuple(errors),
        token_source=token_source,
        token_is_recorded=source == API_TOKEN_KEY and not place,
        base_url_is_recorded=base_url_source == BASE_URL_KEY and not place,
    )


def unknown_settings(keys: Collection[str]) -> Iterator[str]:
    """The errors for keys such as ``truto:base_url`` that look like a setting and are none.

    Others may be the program's own, in a project that is called "truto".
    """
    names = {key.removeprefix("truto:").lower(): key for key in _KEYS}
    for key in sorted(keys):
        namespace, _, name = key.partition(":")
        if namespace == "truto" and key not in (*_KEYS, PROVIDER_KEY):
            import difflib  # seldom needed, and the provider starts sooner without it

            normalized_name = name.replace("_", "").replace("-", "").lower()
            if matches := difflib.get_close_matches(normalized_name, names, n=1, cutoff=0.55):
                yield f"{key} is not a setting: did you mean {names[matches[0]]}?"


def _first(config: Callable[[str], object], environ: Mapping[str, str], key: str, variable: str) -> tuple[object, str]:
    """The first value that is set, and the name it is set under. An empty string counts as not set, as in a shell."""
    value = config(key)
    if value is not None and value != "":
        return value, key
    return environ.get(variable) or None, variable


def _token_error(token: object, source: str, provider: str, argument: str) -> str | None:
    if token is None and provider:
        return (
            f'the provider "{provider}" has no API token: an explicit provider does not use the stack\'s '
            f"{API_TOKEN_KEY}. Give it {argument}, or set the environment variable {API_TOKEN_VARIABLE}"
        )
    if token is None:
        return (
            f"no Truto API token is set. Create one in Truto's dashboard, then run `pulumi config set --secret "
            f"{API_TOKEN_KEY}` or set the environment variable {API_TOKEN_VARIABLE}"
        )
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        # Not stripped silently: a token with a line break was copied wrongly, perhaps elsewhere too.
        return (
            f"the API token in {source} contains whitespace or other characters that no token has, perhaps a trailing "
            "line break or a leading `Bearer`. Set it again without them"
        )
    return None


def _base_url_error(base_url: object) -> str | None:
    if not isinstance(base_url, str):
        return "is not a string"
    if not base_url.isprintable() or " " in base_url:
        return "contains whitespace"
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is not a number
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an https:// URL"
    if parts.scheme == "http" and not is_loopback(host):
        return "must start with https://, or the token would be sent in plain text"
    if "@" in parts.netloc:
        return "must not contain a user name or password"
    if parts.query or parts.fragment or base_url.endswith(("?", "#")):
        return "must not have a query or fragment"
    return None
