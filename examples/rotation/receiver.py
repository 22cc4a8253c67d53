"""Receives Truto's events: accepts several secrets, and handles each event once.

    python receiver.py secrets.json

``secrets.json`` has the list `accepted` of the stack. It is read for each delivery, so that no restart is needed.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pulumi_truto import signature

MAX_BODY_BYTES = 1024 * 1024
REMEMBERED_EVENTS = 10_000

Event = dict[str, Any]


def make_server(port: int, secrets_file: Path, handle: Callable[[Event], None]) -> ThreadingHTTPServer:
    """A server on this machine that calls ``handle`` once for each event with a valid signature.

    Handled events are remembered in memory, for one process. Several processes share a table with a unique column.
    """
    handled: dict[str, None] = {}
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= MAX_BODY_BYTES:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            try:
                signature.verify(body, self.headers, json.loads(secrets_file.read_text()))
            except signature.SignatureError as error:
                log("refused", reason=str(error))
                self.send_error(401, str(error))
                return
            event = json.loads(body)
            try:
                # One at a time: in a rotation, two webhooks deliver an event at the same moment.
                with turn:
                    is_duplicate = event["id"] in handled
                    if not is_duplicate:
                        handle(event)
                        handled[event["id"]] = None
                        if len(handled) > REMEMBERED_EVENTS:
                            del handled[next(iter(handled))]
            except Exception:
                self.send_error(500)  # Truto retries
                raise
            log(
                "duplicate" if is_duplicate else "handled", **{key: event[key] for key in ("id", "event", "webhook_id")}
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: `log` has one line for each delivery."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def do_your_work(event: Event) -> None:
    """Replace this. An exception makes the response a 500, and Truto retries."""


def log(outcome: str, **fields: Any) -> None:
    """Prints the outcome of a delivery as a line of JSON, without the payload, which may hold personal data."""
    print(json.dumps({"outcome": outcome, **fields}) + "\n", end="", flush=True)  # one write: no other thread between


if __name__ == "__main__":
    server = make_server(int(os.environ.get("PORT", "8080")), Path(sys.argv[1]), do_your_work)
    log("listening", url=f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()
