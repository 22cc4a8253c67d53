"""A proxy in front of a sandbox that alters responses, as another Truto would give them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.http_server import QuietHandler, http_server

__all__ = ["Alter", "AlteringProxy", "Reply", "altering_proxy"]

_KEPT_HEADERS: Final = ("Date", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "Retry-After")


@dataclass
class Reply:
    """A response of the sandbox, which may be altered.

    Attributes:
        method: the method of the request.
        path: the path of the request.
        query: the query of the request.
        sent: the JSON of the request; None if there is none.
        body: the JSON; None if there is none.
    """

    method: str
    path: str
    query: dict[str, str]
    sent: Any
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def operation(self) -> str:
        """ "create", "read", "update", "delete", "list", "test" or "log"."""
        known = {"/webhook/test": "test", "/log": "log"}
        collection = {"POST": "create", "GET": "list"}
        single = {"GET": "read", "PATCH": "update", "DELETE": "delete"}
        return known.get(self.path) or (collection if self.path == "/webhook" else single)[self.method]


Alter = Callable[[Reply], None]


@dataclass
class AlteringProxy:
    """The running proxy.

    Attributes:
        secrets: the secrets in all responses of the sandbox.
    """

    base_url: str
    secrets: set[str] = field(default_factory=set)


@contextmanager
def altering_proxy(sandbox: Sandbox, alter: Alter) -> Iterator[AlteringProxy]:
    """Runs a proxy on loopback that forwards every request to the sandbox.

    Args:
        sandbox: the sandbox.
        alter: changes a response.
    """

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            reply = _fetch(sandbox, self)
            if isinstance(reply.body, dict) and "secret" in reply.body:
                proxy.secrets.add(reply.body["secret"])
            alter(reply)
            _send(self, reply)

        do_GET = do_POST = do_PATCH = do_DELETE = _forward  # noqa: N815  # the base class's names

    with http_server(Handler) as url:
        proxy = AlteringProxy(url)
        yield proxy


def _fetch(sandbox: Sandbox, request: BaseHTTPRequestHandler) -> Reply:
    """The sandbox's response to a request."""
    content = request.rfile.read(int(request.headers.get("Content-Length", "0")))
    headers = {
        name: value for name in ("Authorization", "Idempotency-Key") if (value := request.headers.get(name)) is not None
    }
    parts = urlsplit(request.path)
    response = requests.request(
        request.command, sandbox.base_url + request.path, data=content, headers=headers, timeout=60
    )
    return Reply(
        method=request.command,
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        sent=json.loads(content) if content else None,
        status=response.status_code,
        headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        body=response.json() if response.content else None,
    )


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    """Sends the response."""
    content = b"" if reply.body is None else json.dumps(reply.body).encode()
    if reply.headers.get("Content-Encoding") == "gzip":
        content = gzip.compress(content)
    handler.send_response_only(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if reply.status != 204:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
