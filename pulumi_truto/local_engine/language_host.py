"""The program: its project file, and its process, started the way Pulumi's Python host does, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue

from pulumi_truto.local_engine import launcher
from pulumi_truto.local_engine.launcher import Process

__all__ = ["SHOWN", "Program", "read_project", "wait"]

#: The exit code of a program that failed and has shown why, as Pulumi's Python host has it.
SHOWN = 32


@dataclass(frozen=True)
class Program:
    """A Pulumi Python program.

    Attributes:
        path: the program: a file, or the folder of a `__main__.py`.
        work_dir: the folder it runs in.
        project: the project's name.
        stack: the stack's name.
        config: the stack's configuration, keys with their namespace.
        env: its environment variables.
    """

    path: Path
    work_dir: Path
    project: str
    stack: str
    config: Mapping[str, ConfigValue]
    env: Mapping[str, str]

    @contextlib.contextmanager
    def running(
        self, address: str, *, threads: int, dry_run: bool, parallel: int, on_output: Callable[[str], None]
    ) -> Iterator[Process]:
        """The process, which talks to the engine at this address. Nothing of it is left afterwards."""
        process = self._start(address, threads=threads, dry_run=dry_run, parallel=parallel)
        assert process.stdout is not None
        output = threading.Thread(target=_forward, args=(process.stdout, on_output), daemon=True)
        output.start()
        try:
            yield process
        finally:
            _end(process)
            output.join(timeout=5)

    def _start(self, address: str, *, threads: int, dry_run: bool, parallel: int) -> Process:
        arguments = {
            "program": str(self.path / "__main__.py" if self.path.is_dir() else self.path),
            "threads": threads,
            "monitor": address,
            "engine": address,
            "project": self.project,
            "stack": self.stack,
            "parallel": parallel,
            "dry_run": dry_run,
            "organization": "organization",
            "root_directory": str(self.work_dir),
        }
        env = {
            **self.env,
            "PULUMI_CONFIG": json.dumps({key: each.value for key, each in self.config.items()}),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps([key for key, each in self.config.items() if each.secret]),
        }
        module = "pulumi_truto.local_engine.run_program"
        return launcher.start(module, [json.dumps(arguments)], self.work_dir, env, merge_stderr=True)


def read_project(work_dir: Path) -> dict[str, Any]:
    """What `Pulumi.yaml` in this folder says; `ValueError` where it is no Python program's."""
    file = work_dir / "Pulumi.yaml"
    try:
        project = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise ValueError(f"{file} has no name")
    runtime = project.get("runtime")
    runtime = runtime.get("name") if isinstance(runtime, dict) else runtime
    if runtime != "python":
        raise ValueError(f"{file}: the local engine runs Python programs only, not {runtime!r}")
    return project


def wait(process: Process, until: Callable[[], bool]) -> None:
    """Waits until the process has ended, or something else has come about."""
    while process.poll() is None and not until():
        time.sleep(0.01)


def _forward(stream: Any, on_output: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            on_output(line.decode(errors="replace").rstrip())


def _end(process: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)
