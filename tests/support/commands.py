"""Runs other programs for the tests: their output is on stdout alone, and a failure shows stdout and stderr."""

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
    ok: bool = True,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end. It must succeed, unless `ok` is false."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert not ok or done.returncode == 0, f"{command} ended with {done.returncode}:\n{shown(done)}"
    return done


def shown(done: subprocess.CompletedProcess[str]) -> str:
    """Everything that a command showed, for people and not for parsing."""
    return f"{done.stdout}\n-- stderr:\n{done.stderr}"
