"""Reads a project file, and runs its Python program as Pulumi's language host does."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_truto.testing.engine import processes, run_program
from pulumi_truto.testing.engine.processes import Process, end_process_group, forward_lines
from pulumi_truto.testing.engine.settings import ORGANIZATION, RunSettings

__all__ = ["THREADS_PER_OPERATION", "config_defaults", "read_project", "running_program"]

#: The number of registrations that a program may have in flight for each parallel operation, as in Pulumi's language
#: host (sdk/python/cmd/pulumi-language-python-exec). Each registration occupies a thread until its resource is done.
THREADS_PER_OPERATION: Final = 4
_END_SECONDS: Final = 2
_OUTPUT_SECONDS: Final = 5


@contextlib.contextmanager
def running_program(
    path: Path, settings: RunSettings, engine_address: str, on_output: Callable[[str], None]
) -> Iterator[Process]:
    """Runs a program, and ends its process when the context is left.

    Args:
        path: the program: a file, or a folder with a `__main__.py`.
        settings: the settings of the run.
        engine_address: the address of the engine's gRPC server.
        on_output: receives every line that the program prints.
    """
    arguments = {
        "program": str(path / "__main__.py" if path.is_dir() else path),
        "threads": THREADS_PER_OPERATION * settings.parallel,
        "monitor": engine_address,
        "engine": engine_address,
        "project": settings.project,
        "stack": settings.stack,
        "parallel": settings.parallel,
        "dry_run": settings.dry_run,
        "organization": ORGANIZATION,
        "root_directory": str(settings.work_dir),
    }
    env = {
        **settings.env,
        "PULUMI_CONFIG": json.dumps(settings.config_values),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(settings.config_secret_keys),
    }
    preloaded = settings.providers.preloaded
    process = processes.start(
        run_program.__name__, [json.dumps(arguments)], settings.work_dir, env, preloaded=preloaded, merge_stderr=True
    )
    output_thread = threading.Thread(target=forward_lines, args=(process.stdout, on_output), daemon=True)
    output_thread.start()
    try:
        yield process
    finally:
        if process.poll() is None:
            end_process_group(process, _END_SECONDS)
        output_thread.join(timeout=_OUTPUT_SECONDS)


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
    for key, entry in (project.get("config") or {}).items():
        value = entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry
        if value is not None:
            values[key] = value if isinstance(value, str) else json.dumps(value)
    return values
