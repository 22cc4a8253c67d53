"""Receives the test events that Truto delivers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.support.http_server import QuietHandler, http_server

__all__ = ["Delivery", "Receiver", "running_receiver"]

_MAX_BODY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Delivery:
    """A request to the receiver. The names of the headers are in lower case."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Receiver:
    """What the receiver got, and what it responds.

    Attributes:
        url: where Truto reaches it, without a trailing slash.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._statuses: dict[str, int] = {}
        self._deliveries: list[Delivery] = []

    def respond(self, path: str, status: int) -> None:
        """From now on a delivery to this path gets this status; without it 200."""
        with self._lock:
            self._statuses[path] = status

    def deliveries(self, path: str) -> list[Delivery]:
        """The deliveries to this path, oldest first. A tunnel may put something before it."""
        with self._lock:
            return [each for each in self._deliveries if each.path.endswith(path)]

    def receive(self, delivery: Delivery) -> int:
        """Records a delivery; returns the status of the response."""
        with self._lock:
            self._deliveries.append(delivery)
            return next((self._statuses[path] for path in self._statuses if delivery.path.endswith(path)), 200)


@contextmanager
def running_receiver(port: int = 0, public_url: str | None = None) -> Iterator[Receiver]:
    """A receiver on loopback.

    Args:
        port: its port; 0 takes a free one.
        public_url: the URL of a tunnel that leads to the port. Default: the loopback address itself.

    Raises:
        OSError: the port is not free.
    """

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802  # the base class's name
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(min(int(length), _MAX_BODY_BYTES) if length.isdigit() else 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.receive(Delivery(self.path, headers, body)))
            self.send_header("Content-Length", "0")
            self.end_headers()

    with http_server(Handler, port) as url:
        receiver = Receiver((public_url or url).rstrip("/"))
        yield receiver
