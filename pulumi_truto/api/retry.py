"""What is retried, how often and how long: one table.

=================================  ==========================  ==========================
what happened                      GET, PATCH, DELETE          POST
=================================  ==========================  ==========================
no connection                      retried                     retried
429                                retried                     retried
408, 425, 499, 500, 502, 503, 504  retried                     not: it may have succeeded
connection lost or timed out       retried                     not: it may have succeeded
every other status                 not                         not
=================================  ==========================  ==========================

A POST is retried here only if it certainly never reached Truto, or was certainly refused. What else a create may do is
decided in `pulumi_truto.webhook.create_once`. Between two attempts there is a wait: until Truto's rate limit resets,
for ``Retry-After``, or an exponential backoff with jitter. Everything, waits included, ends at the deadline of the
call, and within the custom timeout of the operation.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, NewConnectionError, ResponseError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from pulumi_truto.api.custom_timeout import current_timeout
from pulumi_truto.errors import is_ambiguous

__all__ = [
    "IDEMPOTENT_METHODS",
    "RETRYABLE_STATUSES",
    "Call",
    "DeadlineRetry",
    "NoTimeLeftError",
    "RequestPolicy",
    "call_deadline",
    "current_call",
]

_TRANSIENT: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504})
#: The statuses after which a request is retried, by method.
RETRYABLE_STATUSES: Final[dict[str, frozenset[int]]] = {
    "GET": _TRANSIENT,
    "PATCH": _TRANSIENT,
    "DELETE": _TRANSIENT,
    "POST": frozenset({429}),
}
#: The methods that are retried after the connection broke off or timed out.
IDEMPOTENT_METHODS: Final = frozenset({"GET", "PATCH", "DELETE"})
_MAX_BACKOFF_SECONDS: Final = 10.0


class NoTimeLeftError(NewConnectionError):
    """A request was not sent, as it could not end before its deadline."""


@dataclass(frozen=True)
class RequestPolicy:
    """The limits of time, attempts and sizes.

    Attributes:
        connect_seconds: for a connection, including everything that a proxy does for it.
        read_seconds: from the request to the last byte of its response. A POST may take until the deadline: giving a
            create up early only makes its outcome unknown.
        total_seconds: for a call with all its attempts and waits.
        max_attempts: the maximum number of attempts. A 429 does not count, as it is no failure.
        backoff_seconds: the first wait. It doubles with each retry, up to ten seconds; a random part of up to the same
            length is added.
        max_body_bytes: the maximum size of a response.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    max_attempts: int = 5
    backoff_seconds: float = 0.5
    max_body_bytes: int = 8 * 1024 * 1024

    @property
    def call_seconds(self) -> float:
        """The maximum time for a call of the operation that this thread is in."""
        return min(self.total_seconds, current_timeout().seconds)

    def wait_seconds(self, retry: int) -> float:
        """The wait before a retry, without jitter; the first retry is 1."""
        return min(_MAX_BACKOFF_SECONDS, self.backoff_seconds * 2.0 ** min(retry - 1, 30))

    def leaves_time(self, deadline: float, *, after_seconds: float) -> bool:
        """Whether an attempt after that wait makes sense: in the last tenth of the time it would only time out."""
        return after_seconds < deadline - time.monotonic() - self.call_seconds / 10


@dataclass
class Call:
    """A call in flight. Times are in seconds of `time.monotonic`.

    Attributes:
        deadline: when it has to end.
        may_retry: whether a failed attempt is retried at all.
        has_ambiguous_attempt: whether an earlier attempt may have been processed.
        cancelled: once set, no new attempt starts.
        sent_at: when the last attempt was sent; ``None`` if none was.
        responded_at: when the head of the last response arrived.
    """

    policy: RequestPolicy
    deadline: float
    cancelled: threading.Event = field(default_factory=threading.Event)
    may_retry: bool = True
    has_ambiguous_attempt: bool = False
    sent_at: float | None = None
    responded_at: float | None = None

    @property
    def remaining_seconds(self) -> float:
        """What is left until the deadline, and never 0: that timeout would make a socket non-blocking."""
        return max(0.001, self.deadline - time.monotonic())

    def may_attempt(self, *, after_seconds: float = 0.0) -> bool:
        """Whether an attempt may start after that wait."""
        return not self.cancelled.is_set() and self.policy.leaves_time(self.deadline, after_seconds=after_seconds)

    def wait(self, seconds: float) -> None:
        """Waits, unless the call is cancelled."""
        self.cancelled.wait(seconds)


_call: ContextVar[Call] = ContextVar("call")


def current_call() -> Call:
    """The call that this thread is in; see `call_deadline`."""
    return _call.get()


@contextmanager
def call_deadline(
    policy: RequestPolicy, deadline: float, cancelled: threading.Event, *, may_retry: bool = True
) -> Iterator[Call]:
    """Requests sent inside end at the deadline, with all their attempts."""
    call = Call(policy, deadline, cancelled, may_retry)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


class DeadlineRetry(Retry):
    """urllib3's retries, by the table above and within the deadline of the call."""

    total: int

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: ARG002
        return status_code in RETRYABLE_STATUSES.get(method, frozenset())

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: Any = None,
    ) -> DeadlineRetry:
        counted: DeadlineRetry = self
        if response is not None and response.status == 429:
            counted = self.new(total=self.total + 1)
        next_one = super(DeadlineRetry, counted).increment(method, url, response, error, _pool, _stacktrace)
        call = _call.get()
        if response is not None:
            call.has_ambiguous_attempt |= is_ambiguous(response.status)
        elif call.sent_at is not None:
            call.has_ambiguous_attempt = True
        if not call.may_retry or not call.may_attempt(after_seconds=next_one._wait_seconds(response)):
            # Better this error now than a timeout, which says less, or the same error after a wait. urllib3 returns the
            # response if there is one, and raises this otherwise. `_pool` is for its message only.
            raise MaxRetryError(_pool, url or "", error or ResponseError("no time left"))  # type: ignore[arg-type]
        return next_one

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        _call.get().wait(self._wait_seconds(response))

    def _wait_seconds(self, response: BaseHTTPResponse | None) -> float:
        # Computed once: the jitter must be the same for the check in `increment` and for the sleep after it.
        if not hasattr(self, "_wait"):
            requested = self._requested_seconds(response)
            backoff = _call.get().policy.wait_seconds(len(self.history))
            # A Retry-After of 0, or of a time in the past, must not cause a storm of requests.
            if requested is None or requested < backoff:
                requested = backoff * (1.0 + random.random())  # noqa: S311
            self._wait: float = requested
        return self._wait

    def _requested_seconds(self, response: BaseHTTPResponse | None) -> float | None:
        """What a response asks to wait; nonsense in a header counts as no header.

        After a 429 that is until the window of the rate limit ends: Truto's ``Retry-After`` is always a whole window.
        """
        if response is None:
            return None
        try:
            requested = self.get_retry_after(response)
        except (InvalidHeader, ValueError, TypeError, OverflowError):
            return None
        reset = response.headers.get("ratelimit-reset", "")
        if response.status == 429 and requested is not None and reset.isascii() and reset.isdigit():
            return min(requested, float(reset[:9]))
        return requested
