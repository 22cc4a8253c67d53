"""The sandbox's command line: ``serve`` a local Truto, or bring a Pulumi program ``up`` on one."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 if it succeeded, 1 if it failed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_truto.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a local Truto until stopped; prints its base URL when ready")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    serve.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    serve.add_argument("--token", help="the API token to accept (default: a random one, printed to stderr)")
    up = commands.add_parser("up", help="bring the Pulumi program in DIR up on a sandbox of its own, and down again")
    up.add_argument("dir", type=Path, metavar="DIR", help="the folder of Pulumi.yaml")
    up.add_argument("--config", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="a config value")
    up.add_argument("--secret", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="a secret one")
    options = parser.parse_args(arguments)
    try:
        if options.command == "serve":
            return _serve(options.host, options.port, options.token)
        return _up(options.dir, options.config, options.secret)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _serve(host: str, port: int, token: str | None) -> int:
    from pulumi_truto.sandbox.server import Sandbox

    stopped = threading.Event()
    with _on_signals(stopped.set), Sandbox(host=host, port=port, token=token) as sandbox:
        if token is None:
            print(f"API token: {sandbox.token}", file=sys.stderr, flush=True)
        print(sandbox.base_url, flush=True)
        # Not one long wait: a signal that the system hands to another thread does not wake this one.
        while not stopped.wait(timeout=0.5):
            pass
    return 0


def _up(work_dir: Path, config: list[tuple[str, str]], secrets: list[tuple[str, str]]) -> int:
    for key, _ in (*config, *secrets):
        if key in ("truto:apiToken", "truto:baseUrl"):
            raise ValueError(f"{key} cannot be set here: the program is run against a sandbox of its own")
    from pulumi.automation import ConfigValue

    from pulumi_truto.sandbox.server import Sandbox
    from pulumi_truto.sandbox.stacks import open_stack

    with Sandbox() as sandbox, tempfile.TemporaryDirectory(prefix="pulumi-truto-") as home:
        stack = open_stack("local", work_dir, Path(home), stack_name="sandbox")
        stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
        stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        for key, value in config:
            stack.set_config(key, ConfigValue(value))
        for key, value in secrets:
            stack.set_config(key, ConfigValue(value, secret=True))
        succeeded = _runs(stack.up)
        # Also after a failure: what the program had created is of no use to anybody.
        return 0 if _runs(stack.destroy) and succeeded else 1


def _runs(run: Callable[..., object]) -> bool:
    from pulumi.automation import CommandError

    try:
        run(on_output=print)
    except CommandError:
        return False  # on_output has shown why
    return True


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return key, value


@contextlib.contextmanager
def _on_signals(stop: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the command in good order."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
