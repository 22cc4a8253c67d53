"""The receiver of the demo: accepts only signed events. `examples/receiver` is the one to copy."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pulumi_truto import signature

MAX_BODY_BYTES = 1024 * 1024


def make_server(
    port: int, read_secrets: Callable[[], list[str]], on_event: Callable[[dict[str, Any]], None]
) -> ThreadingHTTPServer:
    """A server on this machine that calls ``on_event`` for each delivery with a valid signature.

    ``read_secrets`` is called for each delivery because a deployment can change them.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= MAX_BODY_BYTES:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            try:
                signature.verify(body, self.headers, read_secrets())
            except signature.SignatureError as error:
                self.send_error(401, str(error))
                return
            on_event(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
