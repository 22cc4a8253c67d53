"""Where the API token and the base URL come from, and what makes them valid. Must not import pulumi or requests."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Settings:
    """What a provider instance runs with.

    Attributes:
        api_token: the token; empty where ``problems`` says that it is missing.
        base_url: without a slash at its end.
        problems: what is wrong, each in words that say how to mend it. Nothing may be sent while there is one.
    """

    api_token: str = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    problems: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this machine, as the sandbox is."""
        return is_loopback(urlsplit(self.base_url).hostname)


def resolve(config: Callable[[str], object], environ: Mapping[str, str]) -> Settings:
    """Finds the settings: the configuration first, then the environment variables, then the default.

    Never raises: a fault becomes one of ``Settings.problems``, so that it can be reported like a fault of an
    argument, in a preview already.
    """
    problems: list[str] = []
    token, source = _first(config, environ, API_TOKEN_KEY, API_TOKEN_VARIABLE)
    if token is None:
        problems.append(
            f"no Truto API token is set. Run `pulumi config set --secret {API_TOKEN_KEY}` or set the environment "
            f"variable {API_TOKEN_VARIABLE}. Tokens are made in Truto's dashboard, one environment each"
        )
    elif not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        # Not stripped in silence: a token with a line break was copied wrongly, and perhaps not only there.
        problems.append(
            f"the API token in {source} holds white space or characters that no token has, perhaps a line break "
            "at its end. Set it again without them"
        )
        token = None
    base_url, source = _first(config, environ, BASE_URL_KEY, BASE_URL_VARIABLE)
    if base_url is None:
        base_url = DEFAULT_BASE_URL
    else:
        fault = _base_url_fault(base_url)
        if fault is not None:
            problems.append(f"the base URL in {source} {fault}. The usual one is {DEFAULT_BASE_URL}")
            base_url = DEFAULT_BASE_URL
    return Settings(
        api_token=token if isinstance(token, str) else "",
        base_url=str(base_url).rstrip("/"),
        problems=tuple(problems),
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
    """The first value that is set, and where. An empty text counts as not set, as in a shell."""
    value = config(key)
    if value is not None and value != "":
        return value, key
    return environ.get(variable) or None, variable


def _base_url_fault(base_url: object) -> str | None:
    if not isinstance(base_url, str):
        return "is not a text"
    if not base_url.isprintable() or " " in base_url:
        return "holds white space"
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an https:// URL"
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://, or the token would travel in plain text"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    if parts.query or parts.fragment or base_url.endswith(("?", "#")):
        return "must not have a query or fragment"
    return None
