"""Every exception of this package, and what each asks the user to do. Imports nothing but the standard library.

::

    TrutoError
    ├── ConfigurationError        a setting is missing or wrong; nothing was sent
    ├── TransportError            no whole answer came back
    │   └── ConnectError     the request surely never reached Truto
    ├── InvalidResponseError        an answer came back that cannot be understood or believed
    ├── APIError                  Truto answered with an error status
    │   ├── BadRequestError       400, 405, 422 and every other 4xx without a class of its own
    │   ├── AuthenticationError   401
    │   ├── PermissionDeniedError 403
    │   ├── NotFoundError         404
    │   ├── ConflictError         409
    │   ├── RateLimitedError      429
    │   └── ServerError           5xx
    ├── WrongEnvironmentError     the token belongs to another Truto environment than the webhook
    └── AmbiguousCreateError      it cannot be known whether a create happened

Every message is one line, made for the last line of a failed pipeline's log: what was tried, what came back,
what to do. No message holds the API token or a webhook's secret.
"""

from __future__ import annotations

__all__ = [
    "RECORDED_SETTINGS",
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "InvalidResponseError",
    "ConnectError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "ServerError",
    "TransportError",
    "TrutoError",
    "AmbiguousCreateError",
    "WrongEnvironmentError",
    "error_class",
]


#: Why a token that was just set may not be the one in use: these commands take the provider inputs in the state.
RECORDED_SETTINGS = (
    "If you have just changed truto:apiToken: `pulumi refresh`, `destroy`, `import` and `up --refresh` still use the "
    "token recorded by the last `pulumi up`, so run a plain `pulumi up` first or add `--run-program`"
)


class TrutoError(Exception):
    """The base of every exception that this package raises on purpose."""

    #: True where Truto may have carried out the request although it failed here.
    may_have_succeeded: bool = False


class ConfigurationError(TrutoError):
    """A setting is missing or wrong. Nothing was sent."""


class TransportError(TrutoError):
    """No whole answer came back: the connection broke, timed out or was too slow."""

    may_have_succeeded = True


class ConnectError(TransportError):
    """No connection could be made, so Truto surely never saw the request."""

    may_have_succeeded = False


class InvalidResponseError(TrutoError):
    """An answer came back that is not what the API promises, so nothing was concluded from it."""

    may_have_succeeded = True


class APIError(TrutoError):
    """Truto answered with an error status.

    Attributes:
        status: the HTTP status.
        detail: what Truto said, on one line, shortened; empty where it said nothing readable.
    """

    remedy = "Try again; if it stays, ask Truto's support with the time and the request above."

    def __init__(self, message: str, *, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class BadRequestError(APIError):
    """Truto refuses the request as it is (400, 422 or another 4xx)."""

    remedy = "Mend what Truto names here; repeating the same request cannot help."


class AuthenticationError(APIError):
    """Truto does not accept the API token (401)."""

    remedy = (
        "The API token is wrong, expired or revoked, or it belongs to another Truto installation than the base "
        "URL. Set a valid one with `pulumi config set --secret truto:apiToken` or TRUTO_API_TOKEN, or where the "
        f"program makes this provider. {RECORDED_SETTINGS}."
    )


class PermissionDeniedError(APIError):
    """The API token is valid and not allowed to do this (403)."""

    remedy = (
        "The token is valid but not allowed to do this: use a token of this environment that may manage webhooks, "
        "and check the limit of webhooks in your Truto plan."
    )


class NotFoundError(APIError):
    """No such webhook, or none that this token's environment may see (404)."""

    remedy = "Check the id, and that the API token belongs to the webhook's environment."


class ConflictError(APIError):
    """The request conflicts with what exists (409)."""

    remedy = "Something else is changing the same webhook: run `pulumi refresh`, then `pulumi up` again."


class RateLimitedError(APIError):
    """More requests than Truto's limit of 500 per 10 seconds and token, even after waiting (429)."""

    remedy = "Other users of the same API token take up the limit: wait a minute, or run with a lower `--parallel`."


class ServerError(APIError):
    """Truto, or a proxy before it, failed (5xx)."""

    may_have_succeeded = True
    remedy = "Truto or a proxy before it has a problem: try again in a few minutes."


class WrongEnvironmentError(TrutoError):
    """The API token belongs to another Truto environment than the webhook, so nothing was concluded."""


class AmbiguousCreateError(TrutoError):
    """It cannot be known whether a failed create made a webhook. The message names the ids to look at."""


_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitedError,
}


def error_class(status: int) -> type[APIError]:
    """The exception for an error status, whatever the body says."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return BadRequestError
    return ServerError
