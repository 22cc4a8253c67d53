"""Runs an HTTP server of the standard library in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["QuietHandler", "file_server", "http_server"]


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


@contextmanager
def http_server(handler: Callable[..., Any], port: int = 0) -> Iterator[str]:
    """Runs a server on 127.0.0.1 and yields its URL, without a trailing slash.

    Args:
        handler: the class of the handler.
        port: the port; 0 for any free one.
    """
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _FileHandler(QuietHandler, SimpleHTTPRequestHandler):
    """Sends files."""


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serves the files of a folder on 127.0.0.1 and yields the URL, without a trailing slash."""
    with http_server(partial(_FileHandler, directory=str(folder))) as url:
        yield url
