"""What all checks need: the repository's files, git, and the result of a check."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

__all__ = ["ROOT", "CommandError", "Result", "failed", "git", "ok", "pyproject", "read", "run", "warning"]

#: The root of the repository.
ROOT: Final = Path(__file__).parents[1]


class CommandError(Exception):
    """A command failed; the message has the last lines of its output."""


class Result(NamedTuple):
    """The result of a check.

    Attributes:
        status: whether a release may be made; a warning does not prevent it.
        detail: one line: what was found, or what is wrong and how to fix it.
    """

    status: Literal["ok", "warning", "FAILED"]
    detail: str


def ok(detail: str) -> Result:
    """What is right, and as how much was checked."""
    return Result("ok", detail)


def warning(detail: str) -> Result:
    """What somebody should know before a release."""
    return Result("warning", detail)


def failed(*details: str) -> Result:
    """What prevents a release, and how to fix it."""
    return Result("FAILED", "; ".join(details))


def read(path: str) -> str:
    """Returns the text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def pyproject() -> dict[str, Any]:
    """Returns the content of pyproject.toml."""
    import tomli  # not at the top: `make plugin` installs no extra

    return tomli.loads(read("pyproject.toml"))


def git(*arguments: str) -> str:
    """Runs git in the repository and returns what it prints. Raises what `run` does."""
    return run("git", "-C", str(ROOT), *arguments).rstrip("\n")


def run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, umask: int = -1) -> str:
    """Runs a command and returns what it prints to stdout.

    Args:
        *command: the program and its arguments.
        cwd: the working directory.
        env: additional environment variables.
        umask: the permissions that new files do not get; -1 for those of this process. Windows has none.

    Raises:
        CommandError: the command failed.
    """
    environment = {**os.environ, **(env or {})}
    umask = -1 if sys.platform == "win32" else umask
    process = subprocess.run(
        command, cwd=cwd, env=environment, umask=umask, capture_output=True, text=True, check=False
    )
    if process.returncode:
        lines = (process.stdout + process.stderr).strip().splitlines()
        raise CommandError(f"{' '.join(command)} failed: {' | '.join(lines[-5:])}")
    return process.stdout
