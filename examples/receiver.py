"""A service that receives Truto's events and trusts only the signed ones. Standard library and pulumi_truto.signature.

WEBHOOK_SECRET=$(pulumi stack output webhookSecret --show-secrets) python receiver.py
"""

import json
import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pulumi_truto import signature

LARGEST_BODY = 1024 * 1024


def make_server(port: int, secrets: list[str], on_event: Callable[[dict], None]) -> ThreadingHTTPServer:
    """A server on this machine that calls ``on_event`` for each delivery with a right signature.

    ``secrets`` is looked at anew for each delivery, so a rotation only has to append the new secret.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= LARGEST_BODY:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            try:
                signature.verify(body, self.headers.get(signature.HEADER), secrets)
            except signature.SignatureError as error:
                self.send_error(401, str(error))
                return
            on_event(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing for each request."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    if not os.environ.get("WEBHOOK_SECRET"):
        raise SystemExit("set WEBHOOK_SECRET to the webhook's secret: the stack's output of that name")
    server = make_server(int(os.environ.get("PORT", "8080")), [os.environ["WEBHOOK_SECRET"]], print)
    print(f"listening on http://127.0.0.1:{server.server_port}")
    server.serve_forever()
