"""The exceptions of calls to Truto, with the remedy in their messages.

    TrutoError
    ├── ConfigurationError         a setting is missing or invalid; nothing was sent
    ├── TransportError             no whole response arrived
    │   └── ConnectError           the request certainly never reached Truto
    ├── InvalidResponseError       the response does not match Truto's API
    ├── APIError                   Truto returned an error status
    │   ├── BadRequestError        400, 405, 422 and every other 4xx without its own class
    │   ├── AuthenticationError    401
    │   ├── PermissionDeniedError  403
    │   ├── NotFoundError          404
    │   ├── ConflictError          409
    │   ├── RateLimitedError       429
    │   └── ServerError            5xx, and 408, 425, 499: Truto or a proxy did not finish
    ├── WrongEnvironmentError      the token belongs to another Truto environment than the resource
    ├── UnconfirmedDeletionError   a 404 that may only mean that the token is one of another environment
    ├── AmbiguousCreateError       a create failed, and may have left an orphan behind that is switched off
    ├── NotSwitchedOnError         a resource was created, and could not be switched on
    ├── UpdateFailedError          an update failed, but Truto may have applied it
    └── WebhookTestFailedError     the receiver did not accept the test event

"Resource" stands for a webhook or a notification destination. Every message is one line, made for the last line of a
failed pipeline's log: the attempt, the failure, the remedy. No message contains the API token or a secret.
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
    "NotSwitchedOnError",
    "PermissionDeniedError",
    "RateLimitedError",
    "ServerError",
    "TransportError",
    "TrutoError",
    "UnconfirmedDeletionError",
    "UpdateFailedError",
    "WebhookTestFailedError",
    "WrongEnvironmentError",
    "error_class",
    "is_ambiguous",
]


class TrutoError(Exception):
    """The base of every exception of a call to Truto, and of its settings.

    Attributes:
        may_have_succeeded: Truto may have processed the request although it failed here.
        is_transient: another attempt may succeed.
        retry_after_seconds: the wait before another attempt that Truto asks for, in seconds; ``None`` if it asks for
            none.
    """

    may_have_succeeded: bool = False
    is_transient: bool = False
    retry_after_seconds: float | None = None


class ConfigurationError(TrutoError):
    """A setting is missing or invalid. Nothing was sent."""


class TransportError(TrutoError):
    """No whole response arrived: the connection broke off, timed out or was too slow."""

    may_have_succeeded = True
    is_transient = True


class ConnectError(TransportError):
    """There was no connection, so Truto certainly never got the request."""

    may_have_succeeded = False


class InvalidResponseError(TrutoError):
    """The response does not match Truto's API, so it is not used.

    Attributes:
        id: the id in the response to a create; ``None`` if it has none.
    """

    id: str | None = None

    may_have_succeeded = True


class APIError(TrutoError):
    """Truto returned an error status.

    Attributes:
        status (int): the HTTP status.
        detail (str): Truto's message, on one line, shortened; empty if there is none.
    """

    remedy = "Try again, and if the error persists, contact Truto's support with the time and the request above."

    def __init__(self, message: str, *, status: int, detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.may_have_succeeded = is_ambiguous(status)


class BadRequestError(APIError):
    """Truto rejects the request (400, 422 or another 4xx)."""

    remedy = "Fix the fields named in Truto's message; retrying will not help."


class AuthenticationError(APIError):
    """Truto does not accept the API token (401)."""

    remedy = "Set a valid API token: this one is wrong, expired or revoked, or it is for another API than the base URL."


class PermissionDeniedError(APIError):
    """The API token is valid but not allowed to do this (403)."""

    remedy = (
        "The token is valid but not allowed to do this: use a token of this environment that is, and check the limits "
        "of your Truto plan."
    )


class NotFoundError(APIError):
    """The token's environment does not have this resource (404)."""

    remedy = "Check the id, and that the API token belongs to the resource's environment."


class ConflictError(APIError):
    """The request conflicts with an existing resource or another request (409)."""

    remedy = (
        "Something else is changing the same resource, or an earlier request for it is still in flight: try again, "
        "and if the error persists, run `pulumi up --refresh`."
    )


class RateLimitedError(APIError):
    """More requests than Truto's limit of 500 per 10 seconds and token, even after waits (429)."""

    is_transient = True

    remedy = (
        "The token's limit of 500 requests per 10 seconds is used up, by this run or by something else: wait a "
        "minute, or run with a lower `--parallel`."
    )


class ServerError(APIError):
    """Truto, or a proxy in front of it, failed or gave up (5xx, 408, 425, 499)."""

    is_transient = True

    remedy = "Truto, or a proxy in front of it, has a problem: try again in a few minutes."


class WrongEnvironmentError(TrutoError):
    """The API token belongs to another Truto environment than the resource. The message says what was changed."""


class UnconfirmedDeletionError(TrutoError):
    """Truto does not find the resource, and nothing proves that the token belongs to its environment."""


class AmbiguousCreateError(TrutoError):
    """A create failed, and may have left an orphan behind. It is switched off and delivers nothing."""

    may_have_succeeded = True


class NotSwitchedOnError(TrutoError):
    """A resource was created, and could not be switched on.

    Attributes:
        id (str): its id at Truto.
        state (Mapping[str, Any]): its state, with its secret.
        kept_message (str): the message for a provider that keeps the state.
    """

    def __init__(self, message: str, kept_message: str, id_: str, state: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.kept_message = kept_message
        self.id = id_
        self.state = state


class UpdateFailedError(TrutoError):
    """An update failed, but Truto may have applied it."""

    may_have_succeeded = True


class WebhookTestFailedError(TrutoError):
    """The receiver of a webhook did not accept Truto's test event. Nothing was changed."""


def is_ambiguous(status: int) -> bool:
    """Whether Truto may have processed a request to which it, or a proxy in front of it, responded with this status."""
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
