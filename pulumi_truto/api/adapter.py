"""The adapter of a `requests.Session`: one attempt a request, the final response, and clear connection errors."""

from __future__ import annotations

import http.client
import ssl
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

from pulumi_truto.api.deadline import current_deadline
from pulumi_truto.errors import ConfigurationError

__all__ = ["Adapter"]

#: How long a server may send nothing in the middle of a body.
_BODY_SILENCE_SECONDS: Final = 5.0


class _FinalResponse(http.client.HTTPResponse):
    """The response after interim ones such as 103. `http.client` itself only skips 100 (RFC 9110, section 15.2)."""

    def _read_status(self) -> tuple[str, int, str]:
        read: Any = super()._read_status  # type: ignore[misc]  # typeshed leaves it out
        version, status, reason = read()
        while 101 < status < 200:
            http.client.parse_headers(self.fp)
            version, status, reason = read()
        return version, status, reason


class _Connection(HTTPConnection):
    response_class = _FinalResponse
    # http.client prints every header, including the token, if a program raises its global debuglevel.
    debuglevel = 0

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, TimeoutError, ConnectionError) as error:
            # Without a connection nothing was sent; urllib3 would leave that open.
            reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
            raise NewConnectionError(self, f"no TLS connection: {reason}") from error

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        sock = self.sock
        response = super().getresponse()
        sock.settimeout(min(_BODY_SILENCE_SECONDS, current_deadline().remaining_seconds + 0.1))
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Final = {"http": _Pool, "https": _TlsPool}


class Adapter(HTTPAdapter):
    """Uses these connections, and does not retry."""

    def __init__(self) -> None:
        # One connection per thread: 64 is more than the parallelism of any engine.
        super().__init__(pool_connections=1, pool_maxsize=64)

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
