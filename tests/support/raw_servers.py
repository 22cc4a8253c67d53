"""TCP servers that send arbitrary bytes: broken responses, slow responses and proxies."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: Sends the response to one request. Its arguments are the connection and the head of the request.
Responder = Callable[[socket.socket, bytes], None]


@contextlib.contextmanager
def raw_server(respond: Responder, certificate: Path | None = None) -> Iterator[int]:
    """Runs a server on 127.0.0.1 and yields its port.

    Args:
        respond: called for every request, in the thread of its connection.
        certificate: a PEM file with a certificate and its key. With one, the server speaks TLS.
    """
    with _Server(respond, certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def full_backlog() -> Iterator[tuple[str, int]]:
    """Yields the address of a listener whose backlog is full. On Linux, further connection attempts hang."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address: tuple[str, int] = listener.getsockname()
        for _ in range(4):
            pending = stack.enter_context(socket.socket())
            pending.setblocking(False)
            pending.connect_ex(address)
        yield address


def http_response(body: bytes, *headers: str, status: int = 200) -> bytes:
    """A complete HTTP response."""
    lines = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def empty_page(*, next_cursor: str | None = None, padding: int = 0) -> bytes:
    """The body of a page of the list without webhooks, followed by spaces."""
    return json.dumps({"result": [], "next_cursor": next_cursor}).encode() + b" " * padding


def drip(connection: socket.socket, start: bytes = b"") -> None:
    """Sends `start` and then one byte every 20 ms until the client closes the connection."""
    connection.sendall(start)
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def tunnel_to(port: int) -> Responder:
    """A proxy's response to CONNECT: a tunnel to a port of this machine, whatever host the client asked for."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def respond(connection: socket.socket, _: bytes) -> None:
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=copy, args=(upstream, connection), daemon=True).start()
            copy(connection, upstream)

    return respond


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, respond: Responder, certificate: Path | None) -> None:
        self.respond = respond
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores errors: a client may close its connection at any time."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while head := self._read_head():
            length = re.search(rb"Content-Length: (\d+)", head)
            self.rfile.read(int(length[1]) if length else 0)
            self.server.respond(self.request, head)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.request.close()  # the server itself closes only the TCP socket, not the TLS socket around it

    def _read_head(self) -> bytes:
        head = b""
        while (line := self.rfile.readline()) not in (b"", b"\r\n"):
            head += line
        return head
