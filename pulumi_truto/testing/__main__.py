"""Runs a Pulumi program on the local engine against a temporary sandbox, and then destroys its resources."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing.stack import ProgramStack


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. The exit code is 0 for success, 1 for a failure, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_truto.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run `up` and then `destroy` of the Pulumi program in DIR")
    up.add_argument("dir", type=Path, metavar="DIR", help="the folder of Pulumi.yaml")
    up.add_argument(
        "--config", action="append", default=[], type=_key_value, metavar="KEY=VALUE", help="a config value"
    )
    up.add_argument(
        "--secret", action="append", default=[], type=_key_value, metavar="KEY=VALUE", help="a secret value"
    )
    options = parser.parse_args(arguments)
    try:
        return _up(options.dir, options.config, options.secret)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _up(work_dir: Path, config: list[tuple[str, str]], secrets: list[tuple[str, str]]) -> int:
    for key, _ in (*config, *secrets):
        if key in ("truto:apiToken", "truto:baseUrl"):
            raise ValueError(f"{key} cannot be set here: the program runs against a temporary sandbox")
    with Sandbox() as sandbox, tempfile.TemporaryDirectory(prefix="pulumi-truto-") as home:
        stack = ProgramStack(
            "local", work_dir, Path(home), sandbox, name="sandbox", config=dict(config), secrets=dict(secrets)
        )
        is_up = _succeeds(stack.up)
        # Destroy also after a failure, when nobody needs the resources that were created.
        is_destroyed = _succeeds(stack.destroy)
        return 0 if is_up and is_destroyed else 1


def _succeeds(run: Callable[..., object]) -> bool:
    try:
        run(on_output=print)
    except CommandError:
        return False  # on_output has already shown the error
    return True


def _key_value(argument: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{argument!r} does not have the form KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
