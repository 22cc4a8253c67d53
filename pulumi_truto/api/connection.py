"""Connections that return a whole response, within a deadline and a maximum size.

The deadline covers each address of a host, a proxy's CONNECT, TLS, TLS within TLS, head and body. Only a lookup of a
name cannot be interrupted.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPResponse as RawResponse
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

from pulumi_truto.api.retry import IDEMPOTENT_METHODS, DeadlineRetry, NoTimeLeftError, RequestPolicy, current_call
from pulumi_truto.errors import ConfigurationError, InvalidResponseError

__all__ = ["Adapter"]


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline. The socket's own timeout would restart with every byte that arrives."""

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
    """Replaces the socket from which `http.client` makes the file of a response."""

    sock: Any
    deadline: float

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self.sock, self.deadline))


class _OuterTlsSocket:
    """The TLS socket to an ``https://`` proxy, inside which there is a second TLS (urllib3's `SSLTransport`).

    That may receive many times for one record of the inner TLS; each time may take only what is left of the deadline.
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
        setattr(self.__dict__["_sock"], name, value)  # the count of its files, which determines when it is closed


class _BufferedResponse(HTTPResponse):
    """A response whose body has been read, so that its connection can return to the pool without more reading."""

    def drain_conn(self) -> None:
        self.release_conn()


class _BufferedConnection(HTTPConnection):
    """A connection that reads whole responses.

    As the body is read here and not later, urllib3 can retry a request whose response broke off in its body.
    """

    # http.client prints every header, including the token, if a program raises its global debuglevel.
    debuglevel = 0
    #: The deadline of what is being read now, in seconds of `time.monotonic`.
    io_deadline: float

    def response_class(  # type: ignore[override]  # a class in http.client, and only ever called
        self, sock: Any, *args: Any, **kwargs: Any
    ) -> RawResponse:
        """Reads the response of a proxy to CONNECT, and the response itself."""
        return RawResponse(_DeadlineFile(sock, self.io_deadline), *args, **kwargs)  # type: ignore[arg-type]  # it uses makefile only

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
        """Sets the deadline for what comes next, within `timeout` and the call; returns the time left for it."""
        assert isinstance(self.timeout, (int, float))  # the client always sets one
        seconds = min(float(self.timeout), current_call().remaining_seconds)
        self.io_deadline = time.monotonic() + seconds
        return seconds

    def connect(self) -> None:
        current_call().sent_at = None  # an earlier attempt may have been sent
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, TimeoutError) as error:
            # Without a connection nothing was sent; urllib3 would leave that open.
            reason = error.reason if isinstance(error, ssl.SSLError) else "it does not respond in time"
            raise NewConnectionError(self, f"no TLS connection: {reason}") from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        if not current_call().may_attempt():
            current_call().sent_at = None
            if current_call().cancelled.is_set():
                raise NewConnectionError(self, "the run was cancelled")
            raise NoTimeLeftError(self, "no time left")
        # Not earlier: until here nothing was sent, whatever went wrong.
        current_call().sent_at = time.monotonic()
        super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        call = current_call()
        self.timeout = self._start_timeout()
        largest = call.policy.max_body_bytes
        response = super().getresponse()
        call.responded_at = time.monotonic()
        body = response.read(largest + 1, decode_content=False)
        if len(body) > largest:
            self.close()
            raise InvalidResponseError(f"the response is larger than {largest:,} bytes")
        response.read(1, decode_content=False)  # to its end, so that the connection can be used again
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            self.close()
            raise InvalidResponseError("the response is compressed, which was not requested")
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
    """The adapter of a `requests.Session` that uses these connections and retries."""

    def __init__(self, policy: RequestPolicy) -> None:
        # other=0: retrying does not help against other errors, such as an untrusted certificate.
        retry = DeadlineRetry(
            total=policy.max_attempts - 1,
            redirect=0,
            other=0,
            allowed_methods=IDEMPOTENT_METHODS,
            raise_on_status=False,
        )
        # One connection per thread: 64 is more than the parallelism of any engine.
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
