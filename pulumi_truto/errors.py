"""Every exception of this package, and what each asks the user to do. Imports nothing but the standard library.

::

    TrutoError
    ├── ConfigurationError         a setting is missing or wrong; nothing was sent
    ├── TransportError             no whole response came back
    │   └── ConnectError           the request surely never reached Truto
    ├── InvalidResponseError       a response came back that cannot be understood or believed
    ├── APIError                   Truto responded with an error status
    │   ├── BadRequestError        400, 405, 422 and every other 4xx without a class of its own
    │   ├── AuthenticationError    401
    │   ├── PermissionDeniedError  403
    │   ├── NotFoundError          404
    │   ├── ConflictError          409
    │   ├── RateLimitedError       429
    │   └── ServerError            5xx, and 408, 425, 499: Truto or a proxy did not finish
    ├── WrongEnvironmentError      the token belongs to another Truto environment than the webhook
    ├── UnconfirmedDeletionError   a 404 that may only mean that the token is one of another environment
    ├── AmbiguousCreateError       it cannot be known whether a create happened
    └── UpdateFailedError          an update failed, and Truto may have applied it all the same

Every message is one line, made for the last line of a failed pipeline's log: what was tried, what came back,
what to do. No message holds the API token or a webhook's secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "APIError",
    "AmbiguousCreateError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "InvalidResponseError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "ServerError",
    "TransportError",
    "TrutoError",
    "UnconfirmedDeletionError",
    "UpdateFailedError",
    "WrongEnvironmentError",
    "error_class",
    "is_ambiguous",
]


class TrutoError(Exception):
    """The base of every exception that this package raises on purpose.

    Attributes:
        may_have_succeeded: Truto may have carried out the request although it failed here.
        sent_at: when the request was sent, in seconds of `time.monotonic`; ``None`` where it was not.
    """

    may_have_succeeded: bool = False
    sent_at: float | None = None


class ConfigurationError(TrutoError):
    """A setting is missing or wrong. Nothing was sent."""


class TransportError(TrutoError):
    """No whole response came back: the connection broke, timed out or was too slow."""

    may_have_succeeded = True


class ConnectError(TransportError):
    """No connection could be made, so Truto surely never saw the request."""

    may_have_succeeded = False


class InvalidResponseError(TrutoError):
    """A response came back that is not what the API promises, so nothing was concluded from it."""

    may_have_succeeded = True


class APIError(TrutoError):
    """Truto responded with an error status.

    Attributes:
        status: the HTTP status.
        detail: what Truto said, on one line, shortened; empty where it said nothing readable.
    """

    remedy = "Try again. If it stays, ask Truto's support with the time and the request above."

    def __init__(self, message: str, *, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.may_have_succeeded = is_ambiguous(status)


class BadRequestError(APIError):
    """Truto refuses the request as it is (400, 422 or another 4xx)."""

    remedy = "Fix the fields named in Truto's message; retrying will not help."


class AuthenticationError(APIError):
    """Truto does not accept the API token (401)."""

    remedy = "The API token is wrong, expired or revoked, or it belongs to another Truto installation."


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

    remedy = (
        "Something else is changing the same webhook, or an earlier request for it is still in flight: try again. If "
        "it stays, run `pulumi refresh`, then `pulumi up`."
    )


class RateLimitedError(APIError):
    """More requests than Truto's limit of 500 per 10 seconds and token, even after waiting (429)."""

    remedy = "Other users of the same API token take up the limit: wait a minute, or run with a lower `--parallel`."


class ServerError(APIError):
    """Truto, or a proxy before it, failed or gave up (5xx, 408, 425, 499)."""

    remedy = "Truto or a proxy before it has a problem: try again in a few minutes."


class WrongEnvironmentError(TrutoError):
    """The API token belongs to another Truto environment than the webhook, so nothing was concluded."""


class UnconfirmedDeletionError(TrutoError):
    """Truto does not find the webhook, and nothing proves that the token is one of its environment."""


class AmbiguousCreateError(TrutoError):
    """It cannot be known whether a failed create made a webhook. The message names the ids to look at."""


class UpdateFailedError(TrutoError):
    """An update failed after Truto may have applied it; the message says whether it took effect.

    Attributes:
        state: the webhook's state as it was read afterwards; ``None`` where that failed too.
    """

    def __init__(self, message: str, state: Mapping[str, Any] | None) -> None:
        super().__init__(message)
        self.state = state


def is_ambiguous(status: int) -> bool:
    """Whether Truto may have carried out a request that it, or a proxy before it, responded to with this status."""
    return status in (408, 409, 425, 499) or status >= 500


_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ServerError,
    409: ConflictError,
    425: ServerError,
    429: RateLimitedError,
    499: ServerError,
}


def error_class(status: int) -> type[APIError]:
    """The exception for an error status, whatever the body says."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return BadRequestError
    return ServerError
