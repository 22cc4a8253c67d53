"""The language host: reads a project file, and runs its Python program as Pulumi's language host does."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_truto.testing.engine import processes
from pulumi_truto.testing.engine.processes import Process, end_process_group, forward_lines
from pulumi_truto.testing.engine.run_settings import ORGANIZATION, RunSettings

__all__ = ["EXIT_CODE_ERROR_SHOWN", "Program", "config_defaults", "read_project", "wait"]

#: The exit code of a program that has failed and has already shown the error, as in Pulumi's Python language host.
EXIT_CODE_ERROR_SHOWN: Final = 32
_END_SECONDS: Final = 2
_OUTPUT_SECONDS: Final = 5


@dataclass(frozen=True)
class Program:
    """A Pulumi Python program.

    Attributes:
        path: the program: a file, or a folder with a `__main__.py`.
        work_dir: the working directory.
        env: the environment variables.
    """

    path: Path
    work_dir: Path
    env: Mapping[str, str]

    @contextlib.contextmanager
    def running(
        self, settings: RunSettings, engine_address: str, *, threads: int, on_output: Callable[[str], None]
    ) -> Iterator[Process]:
        """Runs the program, and ends its process when the context is left.

        Args:
            settings: the settings of the run.
            engine_address: the address of the engine's gRPC server.
            threads: the maximum number of registrations in flight.
            on_output: receives every line that the program prints.
        """
        process = self._start(settings, engine_address, threads)
        output_thread = threading.Thread(target=forward_lines, args=(process.stdout, on_output), daemon=True)
        output_thread.start()
        try:
            yield process
        finally:
            if process.poll() is None:
                end_process_group(process, _END_SECONDS)
            output_thread.join(timeout=_OUTPUT_SECONDS)

    def _start(self, settings: RunSettings, engine_address: str, threads: int) -> Process:
        arguments = {
            "program": str(self.path / "__main__.py" if self.path.is_dir() else self.path),
            "threads": threads,
            "monitor": engine_address,
            "engine": engine_address,
            "project": settings.project,
            "stack": settings.stack,
            "parallel": settings.parallel,
            "dry_run": settings.dry_run,
            "organization": ORGANIZATION,
            "root_directory": str(self.work_dir),
        }
        env = {
            **self.env,
            "PULUMI_CONFIG": json.dumps(settings.config_values),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(settings.config_secret_keys),
        }
        module = "pulumi_truto.testing.engine.run_program"
        return processes.start(module, [json.dumps(arguments)], self.work_dir, env, merge_stderr=True)


def read_project(work_dir: Path) -> dict[str, Any]:
    """Returns the content of `Pulumi.yaml` in a folder.

    Raises:
        ValueError: there is no such file, or it does not describe a Python program.
    """
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
        raise ValueError(f"{file}: the local engine runs only Python programs, not {runtime!r}")
    return project


def config_defaults(project: Mapping[str, Any]) -> dict[str, str]:
    """Returns the values that the section ``config`` of `Pulumi.yaml` sets for every stack."""
    values = {}
    for key, declared in (project.get("config") or {}).items():
        value = declared.get("value", declared.get("default")) if isinstance(declared, dict) else declared
        if value is not None:
            values[key] = value if isinstance(value, str) else json.dumps(value)
    return values


def wait(process: Process, until: Callable[[], bool]) -> None:
    """Waits until the process has ended or the condition is true."""
    while process.poll() is None and not until():
        time.sleep(0.01)
