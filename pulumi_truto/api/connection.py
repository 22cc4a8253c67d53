"""How requests travel: what is retried, how long a call may take, how much is read. Knows nothing of webhooks.

The one table of retries:

=================================  ==========================  ==========================
what happened                      GET, PATCH, DELETE          POST
=================================  ==========================  ==========================
no connection                      retried                     retried
429                                retried                     retried
408, 425, 499, 500, 502, 503, 504  retried                     not: it may have succeeded
broken off or timed out            retried                     not: it may have succeeded
every other status                 not                         not
=================================  ==========================  ==========================

Here a POST is retried only where the request surely never reached Truto or was surely refused: what else a create may
do is decided in `pulumi_truto.webhook.create_once`. Between two attempts there is a wait, for ``Retry-After`` or an
exponential backoff with jitter. All of it, waiting included, ends at the deadline of the call.
"""

from __future__ import annotations

import io
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPResponse as RawResponse
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, NewConnectionError, ResponseError
from urllib3.response import BaseHTTPResponse, HTTPResponse
from urllib3.util.retry import Retry

from pulumi_truto.errors import ConfigurationError, InvalidResponseError

__all__ = ["RETRYABLE_STATUSES", "Adapter", "Call", "RequestPolicy", "call_deadline"]

_TRANSIENT: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504})
#: For each method the statuses after which the request is sent again.
RETRYABLE_STATUSES: Final[dict[str, frozenset[int]]] = {
    "GET": _TRANSIENT,
    "PATCH": _TRANSIENT,
    "DELETE": _TRANSIENT,
    "POST": frozenset({429}),
}
#: The methods that are sent again after the connection broke off or timed out.
IDEMPOTENT_METHODS: Final = frozenset({"GET", "PATCH", "DELETE"})
_LONGEST_BACKOFF_SECONDS: Final = 10.0


@dataclass(frozen=True)
class RequestPolicy:
    """How long and how much. All durations in seconds.

    Attributes:
        connect_seconds: to make a connection, with everything that a proxy has to do for it.
        read_seconds: from the request to the last byte of its response. That of a POST may take until the deadline:
            giving a create up early only makes its outcome unknown.
        total_seconds: for a call with all its attempts and waiting.
        max_attempts: how often a request is sent at most. A 429 does not count: waiting for it is no failure.
        backoff_seconds: the first wait, doubled with every further one up to ten seconds, plus up to as much
            again at random.
        max_body_bytes: the largest size of a response.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    max_attempts: int = 5
    backoff_seconds: float = 0.5
    max_body_bytes: int = 8 * 1024 * 1024

    def wait_seconds(self, retry: int) -> float:
        """The wait before the first, second, ... retry, without the jitter."""
        return min(_LONGEST_BACKOFF_SECONDS, self.backoff_seconds * 2.0 ** min(retry - 1, 30))

    def leaves_time(self, deadline: float, *, after_seconds: float) -> bool:
        """Whether an attempt after that wait makes sense: with a tenth of the time it would only end in a time-out."""
        return after_seconds < deadline - time.monotonic() - self.total_seconds / 10


@dataclass
class Call:
    """A call in flight: its limits, and when its last request was sent and responded to.

    Attributes:
        deadline: when it has to end, on this machine's monotonic clock.
        cancelled: set when nothing new may be sent any more.
        sent_at: when the last request was sent, on the same clock; ``None`` where none was.
        responded_at: when the head of the last response was there.
    """

    policy: RequestPolicy
    deadline: float
    cancelled: threading.Event = field(default_factory=threading.Event)
    sent_at: float | None = None
    responded_at: float | None = None

    @property
    def remaining_seconds(self) -> float:
        """What is left until the deadline, never nothing: a timeout of 0 would make a socket non-blocking."""
        return max(0.001, self.deadline - time.monotonic())

    def may_attempt(self, *, after_seconds: float = 0.0) -> bool:
        """Whether an attempt may begin after that wait."""
        return not self.cancelled.is_set() and self.policy.leaves_time(self.deadline, after_seconds=after_seconds)

    def wait(self, seconds: float) -> None:
        """Waits, unless the call is cancelled."""
        self.cancelled.wait(seconds)


_call: ContextVar[Call] = ContextVar("call")


@contextmanager
def call_deadline(policy: RequestPolicy, deadline: float, cancelled: threading.Event) -> Iterator[Call]:
    """What is sent inside ends at the deadline, in all its attempts together."""
    call = Call(policy, deadline, cancelled)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


class _Retry(Retry):
    """urllib3's machinery, with the table above and within the deadline."""

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
    ) -> _Retry:
        counted: _Retry = self
        if response is not None and response.status == 429:
            counted = self.new(total=self.total + 1)
        next_one = super(_Retry, counted).increment(method, url, response, error, _pool, _stacktrace)
        if not _call.get().may_attempt(after_seconds=next_one._wait_seconds(response)):
            # Better this error now than a time-out, which says less, or the same error after a wait. urllib3 returns
            # the response, where there is one, and raises this otherwise.
            raise MaxRetryError(_pool, url or "", error or ResponseError("no time left"))  # type: ignore[arg-type]
        return next_one

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        _call.get().wait(self._wait_seconds(response))

    def _wait_seconds(self, response: BaseHTTPResponse | None) -> float:
        # Once only: the jitter must be the same for the check in `increment` and for the sleep after it.
        if not hasattr(self, "_wait"):
            asked = None
            if response is not None:
                try:
                    asked = self.get_retry_after(response)
                except (InvalidHeader, ValueError, TypeError, OverflowError):
                    asked = None  # nonsense in the header is as good as no header
            backoff = _call.get().policy.wait_seconds(len(self.history))
            # A Retry-After of nothing, or of a time long ago, must not become a storm.
            enough = asked is not None and asked >= backoff
            self._wait: float = asked if enough else backoff * (1.0 + random.random())  # type: ignore[assignment]  # noqa: S311
        return self._wait


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline: its own timeout would start anew with every byte that drips in."""

    def __init__(self, sock: Any, deadline: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no whole response in time")
        self._sock.settimeout(remaining)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass
class _DeadlineFile:
    """What `http.client` makes the file of a response from, instead of the socket itself."""

    sock: Any
    deadline: float

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self.sock, self.deadline))


class _OuterTlsSocket:
    """The TLS socket to an ``https://`` proxy, inside which there is a second TLS (urllib3's `SSLTransport`).

    For one record of the inner TLS that object may receive many times; each time gets what is left, and no more.
    """

    def __init__(self, sock: ssl.SSLSocket, connection: _BufferedConnection) -> None:
        self.__dict__.update(_sock=sock, _connection=connection)

    def recv(self, size: int, flags: int = 0) -> bytes:
        sock: ssl.SSLSocket = self.__dict__["_sock"]
        remaining = self.__dict__["_connection"].io_deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no whole response in time")
        sock.settimeout(remaining)
        return sock.recv(size, flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_sock"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_sock"], name, value)  # the count of its files, which decides when it is closed


class _BufferedResponse(HTTPResponse):
    """A response whose body is here already, so that its connection can go back without more reading."""

    def drain_conn(self) -> None:
        self.release_conn()


class _BufferedConnection(HTTPConnection):
    """A connection that reads a response as a whole, within a time and a size.

    Reading the body here, and not later, also lets urllib3 retry a request whose response broke off in its body.
    """

    # http.client prints every header, the token among them, where a program raises its global debuglevel.
    debuglevel = 0
    #: When what is being read now has to be there, on this machine's monotonic clock.
    io_deadline: float

    def response_class(  # type: ignore[override]  # called like the class that it is in http.client
        self, sock: Any, *args: Any, **kwargs: Any
    ) -> RawResponse:
        """What `http.client` reads a response with: that of a proxy to CONNECT, and the response itself."""
        return RawResponse(_DeadlineFile(sock, self.io_deadline), *args, **kwargs)  # type: ignore[arg-type]

    def _new_conn(self) -> Any:
        # urllib3 gives each address of a host the whole timeout.
        self.timeout = self._start_timeout() / self._count_addresses()
        sock = super()._new_conn()
        sock.settimeout(max(0.001, self.io_deadline - time.monotonic()))
        return sock

    def _count_addresses(self) -> int:
        try:
            return len(socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)) or 1
        except (OSError, UnicodeError):
            return 1  # which is reported where the connection is made

    def _start_timeout(self) -> float:
        """Starts the time for what comes next, as long as `timeout` and the call allow; returns it."""
        assert isinstance(self.timeout, (int, float))  # the client always sets one
        seconds = min(float(self.timeout), _call.get().remaining_seconds)
        self.io_deadline = time.monotonic() + seconds
        return seconds

    def connect(self) -> None:
        _call.get().sent_at = None  # what was sent on another connection before this one was refused
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, TimeoutError) as error:
            # Nothing was sent on a connection that never came to be; urllib3 would leave that open.
            reason = error.reason if isinstance(error, ssl.SSLError) else "it does not respond in time"
            raise NewConnectionError(self, f"no TLS connection: {reason}") from error
        if not _call.get().may_attempt() and not _call.get().cancelled.is_set():
            raise NewConnectionError(self, "no time left")

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        if _call.get().cancelled.is_set():
            _call.get().sent_at = None
            raise NewConnectionError(self, "the run was cancelled")
        # Only now: until here there was no request, whatever went wrong.
        _call.get().sent_at = time.monotonic()
        super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        call = _call.get()
        self.timeout = self._start_timeout()
        largest = call.policy.max_body_bytes
        response = super().getresponse()
        call.responded_at = time.monotonic()
        body = response.read(largest + 1, decode_content=False)
        if len(body) > largest:
            self.close()
            raise InvalidResponseError(f"the response is larger than {largest:,} bytes")
        response.read(1, decode_content=False)  # to its end, so that the connection can serve again
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            self.close()
            raise InvalidResponseError("the response is compressed, which was not asked for")
        return _BufferedResponse(
            body=io.BytesIO(body),
            headers=response.headers,
            status=response.status,
            version=response.version,
            reason=response.reason,
            preload_content=False,
            decode_content=False,
        )


class _BufferedTlsConnection(_BufferedConnection, HTTPSConnection):
    debuglevel = 0

    def _connect_tls_proxy(self, hostname: str, sock: Any) -> Any:
        outer = super()._connect_tls_proxy(hostname, sock)
        return outer if self.proxy_is_forwarding else _OuterTlsSocket(outer, self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _BufferedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _BufferedTlsConnection


class Adapter(HTTPAdapter):
    """What a `requests.Session` sends through, with all of the above."""

    def __init__(self, policy: RequestPolicy) -> None:
        # other=0: an error of another kind, as a wrong certificate, does not heal by retrying.
        retry = _Retry(
            total=policy.max_attempts - 1,
            redirect=0,
            other=0,
            allowed_methods=IDEMPOTENT_METHODS,
            raise_on_status=False,
        )
        # One connection a thread: 64 is more than any engine's parallelism needs at once.
        super().__init__(pool_connections=1, pool_maxsize=64, max_retries=retry)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if proxy.lower().startswith("socks"):
            raise ConfigurationError(
                "nothing was sent: the environment names a SOCKS proxy, which is not supported. Set HTTPS_PROXY to an "
                "http:// or https:// proxy, or NO_PROXY"
            )
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS: Final = {"http": _Pool, "https": _TlsPool}
