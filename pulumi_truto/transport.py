"""How requests travel: what is repeated when, how long it may take, how much is read. Knows nothing of webhooks.

The one table of repeats:

=================================  ==========================  ==========================
what happened                      GET, PATCH, DELETE          POST
=================================  ==========================  ==========================
no connection                      repeated                    repeated
429                                repeated                    repeated
408, 425, 500, 502, 503, 504       repeated                    not: it may have happened
broken off or timed out            repeated                    not: it may have happened
every other status                 not                         not
=================================  ==========================  ==========================

A POST is repeated only where the request surely never reached Truto or was surely refused, as the API has no
idempotency key. Between two tries it waits for ``Retry-After``, or else for an exponential backoff with jitter.
All of it, waiting included, fits into `RequestPolicy.total_seconds`.
"""

from __future__ import annotations

import io
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, NewConnectionError, ResponseError
from urllib3.response import BaseHTTPResponse, HTTPResponse
from urllib3.util.retry import Retry

from pulumi_truto.errors import InvalidResponseError
from pulumi_truto.watchdog import WATCHDOG

__all__ = ["REPEATED_STATUSES", "Adapter", "RequestPolicy", "sent_at", "within"]

_FAILED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
#: For each method the statuses after which the request is sent again.
REPEATED_STATUSES: Final[dict[str, frozenset[int]]] = {
    "GET": _FAILED,
    "PATCH": _FAILED,
    "DELETE": _FAILED,
    "POST": frozenset({429}),
}
#: The methods that are sent again after the connection broke off or timed out.
_REPEATED_BROKEN: Final = frozenset({"GET", "PATCH", "DELETE"})


@dataclass(frozen=True)
class RequestPolicy:
    """How long and how much. All durations in seconds.

    Attributes:
        connect_seconds: to make a connection.
        read_seconds: from the request to the last byte of its answer.
        total_seconds: for a call with all its repeats and waiting.
        max_attempts: how often a request is sent at the most. A 429 does not count: waiting for it is no failure.
        backoff_seconds: the first wait, doubled with every further one up to ten seconds, plus up to as much
            again at random.
        max_body_bytes: an answer's largest size.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    max_attempts: int = 5
    backoff_seconds: float = 0.5
    max_body_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True)
class _Call:
    """The call under way.

    Attributes:
        deadline: when it has to end, on this machine's monotonic clock.
        meanwhile: what to do while a connection is made.
    """

    limits: RequestPolicy
    deadline: float
    meanwhile: Callable[[], object]

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def has_time(self, *, after_seconds: float = 0.0) -> bool:
        """Whether a try may begin, after that wait: with a tenth of the time it would only end in a time-out."""
        return after_seconds < self.remaining_seconds - self.limits.total_seconds / 10


_call: ContextVar[_Call] = ContextVar("call")


@contextmanager
def within(limits: RequestPolicy, meanwhile: Callable[[], object]) -> Iterator[None]:
    """What is sent inside keeps to the limits, in all its repeats together.

    Args:
        meanwhile: called in a thread of its own while a connection is made, and done before anything is sent on it.
            What it raises ends the call.
    """
    token = _call.set(_Call(limits, time.monotonic() + limits.total_seconds, meanwhile))
    try:
        yield
    finally:
        _call.reset(token)


#: When this thread last began to send a request.
_sent = threading.local()


def sent_at() -> float:
    """When this thread last began to send a request, on this machine's monotonic clock: its waiting is over then."""
    moment: float = getattr(_sent, "at", 0.0)
    return moment


class _Retry(Retry):
    """urllib3's machinery, with the table above and within the deadline."""

    total: int

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: ARG002
        return status_code in REPEATED_STATUSES.get(method, frozenset())

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: Any = None,
    ) -> _Retry:
        counted: _Retry = self
        if response is not None and response.status == 429:
            counted = self.new(total=self.total + 1)
        next_one = super(_Retry, counted).increment(method, url, response, error, _pool, _stacktrace)
        if not _call.get().has_time(after_seconds=next_one._wait_seconds(response)):
            # Better this error now than a time-out, which says less, or the same error after a wait. urllib3 returns
            # the response, where there is one, and raises this otherwise.
            raise MaxRetryError(_pool, url or "", error or ResponseError("no time left"))  # type: ignore[arg-type]
        return next_one

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        time.sleep(self._wait_seconds(response))

    def get_backoff_time(self) -> float:
        # Without the jitter, which must be the same for the check in `increment` and for the sleep after it.
        return float(min(10.0, self.backoff_factor * 2 ** max(0, len(self.history) - 1)))

    def _wait_seconds(self, response: BaseHTTPResponse | None) -> float:
        if not hasattr(self, "_wait"):
            asked = None
            if response is not None:
                try:
                    asked = self.get_retry_after(response)
                except (InvalidHeader, ValueError, TypeError, OverflowError):
                    asked = None  # nonsense in the header is as good as no header
            backoff = self.get_backoff_time()
            # A Retry-After of nothing, or of a time long gone, must not become a storm.
            enough = asked is not None and asked >= backoff
            self._wait: float = asked if enough else backoff * (1.0 + random.random())  # type: ignore[assignment]  # noqa: S311
        return self._wait


class _ReadResponse(HTTPResponse):
    """An answer whose body is here already, so that its connection can go back without more reading."""

    def drain_conn(self) -> None:
        self.release_conn()


class _WholeAnswer(HTTPConnection):
    """A connection that reads an answer as a whole, within a time and a size.

    A socket's timeout starts anew with every byte, so a server that drips bytes could hold a deployment for days.
    Reading the body here, and not later, also lets urllib3 repeat a request whose answer broke off in its body.
    """

    # http.client prints every header, the token among them, where a program raises its global debuglevel.
    debuglevel = 0

    def connect(self) -> None:
        assert isinstance(self.timeout, (int, float))  # the client always sets one
        call = _call.get()
        self.timeout = max(0.001, min(float(self.timeout), call.remaining_seconds))
        WATCHDOG.start()  # here, as it must not fail when a request is under way
        try:
            with ThreadPoolExecutor(1) as pool:
                meanwhile = pool.submit(call.meanwhile)
                super().connect()
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            # Nothing was sent on a connection that never came to be; urllib3 would leave that open.
            raise NewConnectionError(self, f"no TLS connection: {error.reason}") from error
        meanwhile.result()
        if not call.has_time():
            raise NewConnectionError(self, "no time left")
        _sent.at = time.monotonic()

    def request(self, *args: Any, **kwargs: Any) -> None:
        _sent.at = time.monotonic()
        super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        assert isinstance(self.timeout, (int, float))  # the client always sets one
        call = _call.get()
        seconds = min(float(self.timeout), call.remaining_seconds)
        watched = WATCHDOG.watch(self.sock, seconds)
        largest = call.limits.max_body_bytes
        try:
            answer = super().getresponse()
            body = answer.read(largest + 1, decode_content=False)
            answer.read(1, decode_content=False)  # to its end, so that the connection can serve again
        except Exception:
            if not watched.shut:
                raise
        finally:
            WATCHDOG.release(watched)
        if watched.shut:  # also without an exception: a head that was cut off reads as one that has ended
            self.close()
            raise TimeoutError(f"no whole answer within {seconds:.0f} s")
        if len(body) > largest:
            self.close()
            raise InvalidResponseError(f"the answer is larger than {largest:,} bytes")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            self.close()
            raise InvalidResponseError("the answer is compressed, which was not asked for")
        return _ReadResponse(
            body=io.BytesIO(body),
            headers=answer.headers,
            status=answer.status,
            version=answer.version,
            reason=answer.reason,
            preload_content=False,
            decode_content=False,
        )


class _WholeAnswerTls(_WholeAnswer, HTTPSConnection):
    debuglevel = 0


class _Pool(HTTPConnectionPool):
    ConnectionCls = _WholeAnswer


class _PoolTls(HTTPSConnectionPool):
    ConnectionCls = _WholeAnswerTls


class Adapter(HTTPAdapter):
    """What a `requests.Session` sends through, with all of the above."""

    def __init__(self, limits: RequestPolicy) -> None:
        again = limits.max_attempts - 1
        # other=0: an error of another kind, as a wrong certificate, does not heal by repeating.
        retry = _Retry(
            total=again,
            redirect=0,
            other=0,
            allowed_methods=_REPEATED_BROKEN,
            backoff_factor=limits.backoff_seconds,
            raise_on_status=False,
        )
        # One connection a thread: 64 is more than any engine's parallelism needs at once.
        super().__init__(pool_connections=1, pool_maxsize=64, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS: Final = {"http": _Pool, "https": _PoolTls}
