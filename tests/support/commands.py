"""Runs programs for the tests and reports their output when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command and waits for it to exit.

    Args:
        *command: The program and its arguments.
        cwd: The working directory.
        env: The complete environment of the process.
        check: Whether the exit code must be 0.
        seconds: The longest time that the command may take.

    Raises:
        AssertionError: The command failed. The message contains its output.
    """
    process = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    message = f"{command} exited with code {process.returncode}:\n{format_output(process)}"
    assert not check or process.returncode == 0, message
    return process


def format_output(process: subprocess.CompletedProcess[str]) -> str:
    """Both output streams of a process, for a failure message."""
    return f"{process.stdout}\n-- stderr:\n{process.stderr}"
