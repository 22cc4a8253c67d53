"""Receives Truto's events while a secret is rotated: accepts several secrets, and handles each event once.

    python receiver.py secrets.json

``secrets.json`` is the stack's output webhookSecrets, a JSON list. It is read for each delivery, so replacing the file
with ``mv`` is enough: no delivery meets a receiver that restarts, or half a file. Deliveries with files, which are
multipart, are not supported.
"""

import argparse
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pulumi_truto import signature

MAX_BODY_BYTES = 1024 * 1024
# Truto's retries end within a minute, and two webhooks deliver an event at the same time.
REMEMBER_SECONDS = 300

Event = dict[str, Any]


class HandledEvents:
    """Recognises an event that was handled before: by its ``id``, or by its content as well.

    ``compare_content`` is for the case that two webhooks deliver one event with different ids. An event is then also a
    duplicate if *another* webhook delivered the same `event` and `payload` within the last minutes. Use it only while
    two webhooks are active: two events with equal content, one from each webhook, count as one.

    It is kept in memory, for one process. Several processes share a table with a unique column instead.
    """

    def __init__(self, *, compare_content: bool = False) -> None:
        self._compare_content = compare_content
        self._handled: dict[str, tuple[float, str]] = {}  # when, and from which webhook; oldest first

    def __contains__(self, event: Event) -> bool:
        self._forget()
        if event["id"] in self._handled:
            return True
        _, webhook_id = self._handled.get(_content(event), (0, event["webhook_id"]))
        return self._compare_content and webhook_id != event["webhook_id"]

    def add(self, event: Event) -> None:
        """Remembers an event."""
        for key in (event["id"], _content(event)):
            self._handled.pop(key, None)  # so that it becomes the newest
            self._handled[key] = (time.monotonic(), event["webhook_id"])

    def _forget(self) -> None:
        oldest = time.monotonic() - REMEMBER_SECONDS
        while self._handled and next(iter(self._handled.values()))[0] < oldest:
            del self._handled[next(iter(self._handled))]


def _content(event: Event) -> str:
    content = json.dumps([event["event"], event["payload"]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def make_server(
    port: int, secrets_file: Path, handle: Callable[[Event], None], handled: HandledEvents
) -> ThreadingHTTPServer:
    """A server on this machine that calls ``handle`` once for each event with a valid signature."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= MAX_BODY_BYTES:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            try:
                signature.verify(body, self.headers.get(signature.HEADER), read_secrets(secrets_file))
            except signature.SignatureError as error:
                log("refused", reason=str(error))
                self.send_error(401, str(error))
                return
            event = json.loads(body)
            try:
                # One at a time because two webhooks deliver an event at the same moment. Remembered only when it is
                # handled, so that Truto's retry of an event that failed here is not a duplicate.
                with turn:
                    duplicate = event in handled
                    if not duplicate:
                        handle(event)
                        handled.add(event)
            except Exception:
                self.send_error(500)  # Truto retries
                raise
            # Without the payload, which may hold personal data.
            fields = {name: event[name] for name in ("id", "event", "webhook_id")}
            log("duplicate" if duplicate else "handled", **fields)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: `log` has one line for each delivery."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def read_secrets(file: Path) -> list[str]:
    """The secrets that are accepted now; none before the stack's first deployment."""
    secrets: list[str] = json.loads(file.read_text()) if file.exists() else []
    return secrets


def do_your_work(event: Event) -> None:
    """Replace this. An exception makes the response a 500, and Truto retries."""


def log(outcome: str, **fields: Any) -> None:
    """Prints the outcome of a delivery, as a line of JSON."""
    line = json.dumps({"outcome": outcome, **fields})
    print(line + "\n", end="", flush=True)  # in one write, so that no other thread writes in between


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Receives Truto's events while a secret is rotated.")
    parser.add_argument("secrets_file", type=Path, help="a JSON list: the stack's output webhookSecrets")
    parser.add_argument("--compare-content", action="store_true", help="where two webhooks give an event two ids")
    arguments = parser.parse_args()
    server = make_server(
        int(os.environ.get("PORT", "8080")),
        arguments.secrets_file,
        do_your_work,
        HandledEvents(compare_content=arguments.compare_content),
    )
    log("listening", url=f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()
