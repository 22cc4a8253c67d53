"""The local engine's command line: brings a Pulumi program ``up`` on a sandbox of its own, and down again."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pulumi.automation import CommandError, ConfigValue

from pulumi_truto.local_engine.open_stack import open_stack
from pulumi_truto.sandbox import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 if it succeeded, 1 if it failed, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_truto.local_engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the Pulumi program in DIR up on a sandbox of its own, and down again")
    up.add_argument("dir", type=Path, metavar="DIR", help="the folder of Pulumi.yaml")
    up.add_argument("--config", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="a config value")
    up.add_argument("--secret", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="a secret one")
    options = parser.parse_args(arguments)
    try:
        return _up(options.dir, options.config, options.secret)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _up(work_dir: Path, config: list[tuple[str, str]], secrets: list[tuple[str, str]]) -> int:
    for key, _ in (*config, *secrets):
        if key in ("truto:apiToken", "truto:baseUrl"):
            raise ValueError(f"{key} cannot be set here: the program is run against a sandbox of its own")
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


if __name__ == "__main__":
    sys.exit(main())
