"""Reads a project file, and runs its Python program as Pulumi's language host does."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pulumi_truto.testing.engine import processes, run_program
from pulumi_truto.testing.engine.processes import Process, end_process_group, forward_lines
from pulumi_truto.testing.engine.settings import ORGANIZATION, RunSettings

__all__ = [
    "THREADS_PER_OPERATION",
    "config_defaults",
    "config_text",
    "find_project_file",
    "full_key",
    "locate_program",
    "read_project",
    "running_program",
    "runtime_name",
]

#: The number of registrations that a program may have in flight for each parallel operation, as in Pulumi's language
#: host (sdk/python/cmd/pulumi-language-python-exec). Each registration occupies a thread until its resource is done.
THREADS_PER_OPERATION: Final = 4
#: In the order of Pulumi (sdk/go/common/encoding).
_PROJECT_FILES: Final = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")
_END_SECONDS: Final = 2
_OUTPUT_SECONDS: Final = 5
_TAG: Final = "tag:yaml.org,2002:"


@contextlib.contextmanager
def running_program(
    program: str, settings: RunSettings, engine_address: str, on_output: Callable[[str], None]
) -> Iterator[Process]:
    """Runs a program, and ends its process when the context is left.

    Args:
        program: a file in the working directory, or "." for its `__main__.py`.
        settings: the settings of the run.
        engine_address: the address of the engine's gRPC server.
        on_output: receives every line that the program prints.
    """
    arguments = {
        "program": program,
        "threads": THREADS_PER_OPERATION * settings.parallel,
        "monitor": engine_address,
        "engine": engine_address,
        "project": settings.project,
        "stack": settings.stack,
        "parallel": settings.parallel,
        "dry_run": settings.dry_run,
        "organization": ORGANIZATION,
        "root_directory": str(settings.root_dir),
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


def find_project_file(folder: Path) -> Path | None:
    """Returns the project file in a folder: `Pulumi.yaml`, or one of the other names that Pulumi accepts."""
    return next((folder / name for name in _PROJECT_FILES if (folder / name).is_file()), None)


def read_project(folder: Path) -> dict[str, Any]:
    """Returns the content of the project file in a folder.

    Raises:
        ValueError: there is no such file, or it does not describe a project.
    """
    file = find_project_file(folder)
    if file is None:
        raise ValueError(f"there is no Pulumi.yaml in {folder}")
    try:
        text = file.read_text(encoding="utf-8")
        project = json.loads(text) if file.suffix == ".json" else yaml.load(text, _ProjectLoader)  # noqa: S506 - safe
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise ValueError(f"{file} has no name")
    if isinstance(project.get("config"), str):  # an old name of `stackConfigDir`
        del project["config"]
    return project


class _ProjectLoader(yaml.SafeLoader):
    """Loads YAML 1.2 like Pulumi: `on`, `12:30` and dates are strings."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        is_string = (
            tag == _TAG + "timestamp"
            or (tag == _TAG + "bool" and value.lower() not in ("true", "false"))
            or (tag in (_TAG + "int", _TAG + "float") and ":" in value)
        )
        return _TAG + "str" if is_string else tag


def runtime_name(project: Mapping[str, Any]) -> Any:
    """Returns the language of a project's program."""
    runtime = project.get("runtime")
    return runtime.get("name") if isinstance(runtime, dict) else runtime


def locate_program(folder: Path, project: Mapping[str, Any]) -> tuple[Path, str]:
    """Returns the folder in which a project's program runs, and the program in it, as in Pulumi's `GetPwdMain`.

    Raises:
        ValueError: the program does not exist.
    """
    main = Path(os.path.normpath(folder.resolve() / (project.get("main") or ".")))
    if not main.exists():
        raise ValueError(f"there is no {main}, the main of {find_project_file(folder)}")
    return (main, ".") if main.is_dir() else (main.parent, main.name)


def config_defaults(project: Mapping[str, Any]) -> dict[str, str]:
    """Returns the values that the section ``config`` of `Pulumi.yaml` sets for every stack, keys with namespace."""
    values = {}
    for key, entry in (project.get("config") or {}).items():
        value = entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry
        if value is not None:
            values[full_key(project["name"], key)] = config_text(value)
    return values


def full_key(project: str, key: str) -> str:
    """Returns a key of the configuration with its namespace. One without belongs to the project."""
    return key if ":" in key else f"{project}:{key}"


def config_text(value: Any) -> str:
    """Returns a value of the configuration in Pulumi's form: strings as they are, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
