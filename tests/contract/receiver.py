"""Receives the test events that Truto delivers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message

from tests.support.http_server import QuietHandler, http_server

__all__ = ["Delivery", "Receiver", "running_receiver"]

_MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, repr=False)
class Delivery:
    """A request to the receiver. The case of a header's name does not matter."""

    path: str
    headers: Message
    body: bytes


@dataclass
class Receiver:
    """The received requests. A path that ends with a status gets that status, every other one 200.

    Attributes:
        url: where Truto reaches it, without a trailing slash.
    """

    url: str
    received: list[Delivery] = field(default_factory=list)

    def deliveries(self, url: str) -> list[Delivery]:
        """The deliveries to a URL, oldest first. A tunnel may add a prefix to the path."""
        path = url.removeprefix(self.url)
        return [delivery for delivery in self.received if delivery.path.endswith(path)]


@contextmanager
def running_receiver(port: int = 0, public_url: str | None = None) -> Iterator[Receiver]:
    """A receiver on loopback.

    Args:
        port: its port; 0 for any free one.
        public_url: the URL of a tunnel that leads to the port. Default: the loopback address itself.

    Raises:
        OSError: the port is not free.
    """

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802  # the base class's name
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(min(int(length), _MAX_BODY_BYTES) if length.isdigit() else 0)
            receiver.received.append(Delivery(self.path, self.headers, body))
            self.send_response(503 if self.path.endswith("/503") else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with http_server(Handler, port) as url:
        receiver = Receiver((public_url or url).rstrip("/"))
        yield receiver
