"""The processes of programs and providers: how to read their output, and how to end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Process", "end_process_group", "forward_lines"]


class Process(Protocol):
    """A process that leads its own process group: the part of `subprocess.Popen` that this engine uses."""

    pid: int
    returncode: int | None
    stdout: Any
    stderr: Any

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


def end_process_group(process: Process, timeout_seconds: float) -> None:
    """Ends a process and what it started: with SIGTERM, and with SIGKILL if it does not end in time.

    Windows has neither these signals nor process groups: there it kills the process alone.
    """
    if sys.platform == "win32":
        process.kill()
        process.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=timeout_seconds)
            return


def forward_lines(stream: Any, on_output: Callable[[str], None]) -> None:
    """Passes on every line of a binary stream until it ends, and closes it."""
    with stream:
        for line in stream:
            on_output(line.decode(errors="replace").rstrip())
