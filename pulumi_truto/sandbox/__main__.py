"""The sandbox's command line: ``serve`` runs a local Truto API."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 on success, 1 on failure, 2 for invalid arguments."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_truto.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve a local Truto until stopped; prints its base URL when ready, and the URL of its console to stderr",
    )
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    serve.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    serve.add_argument("--token", help="the API token to accept (default: a random one, printed to stderr)")
    options = parser.parse_args(arguments)
    try:
        return _serve(options.host, options.port, options.token)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _serve(host: str, port: int, token: str | None) -> int:
    from pulumi_truto.sandbox.server import Sandbox

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(host=host, port=port, token=token) as sandbox:
        if token is None:
            print(f"API token: {sandbox.token}", file=sys.stderr, flush=True)
        print(f"Console: {sandbox.base_url}/__sandbox__/", file=sys.stderr, flush=True)
        print(sandbox.base_url, flush=True)
        # A loop of short waits: a signal that the operating system delivers to another thread interrupts no wait.
        while not stopped.wait(timeout=0.5):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
