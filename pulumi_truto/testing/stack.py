"""Stacks of programs on the Pulumi CLI or on the local engine, with the same interface."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import pulumi.automation as auto
import yaml
from pulumi.automation import ConfigValue, DestroyResult, OutputMap, RefreshResult, UpResult
from pulumi.automation.events import EngineEvent
from pulumi.runtime.mocks import Mocks

try:
    from pulumi_truto.sandbox import Sandbox
    from pulumi_truto.testing.engine.display import Preview
    from pulumi_truto.testing.engine.program import (
        config_text,
        find_project_file,
        full_key,
        locate_program,
        read_project,
        runtime_name,
    )
    from pulumi_truto.testing.engine.settings import Providers
    from pulumi_truto.testing.engine.stack import Stack
except ModuleNotFoundError as error:
    hint = f"pulumi_truto.testing requires {error.name}: install pulumi-truto with its extra, pulumi-truto[testing]"
    raise ModuleNotFoundError(hint, name=error.name) from None

__all__ = ["Engine", "Preview", "ProgramStack", "cli_version", "find_program", "open_stack"]

Engine = Literal["local", "cli"]

_PROVIDERS: Final = Providers(
    modules={"truto": "pulumi_truto"},
    preloaded=["requests", "pydantic"],
    import_hint="use `pulumi-truto import-file`",
    missing_hint="pass mocks= for {token}, or use --pulumi-engine=cli",
    lost_create_hint="run `pulumi-truto orphans` before the next run",
)
#: The packages whose resources exist only in the sandbox or in the state.
_LOCAL_PACKAGES: Final = ("pulumi", "pulumi-python", "truto")


def cli_version() -> str | None:
    """Returns the version of the Pulumi CLI on PATH, or ``None`` if there is none that can run Python programs."""
    if shutil.which("pulumi") is None or shutil.which("pulumi-language-python") is None:
        return None
    return str(auto.PulumiCommand(skip_version_check=True).version)


def open_stack(
    engine: Engine,
    work_dir: Path,
    home: Path,
    *,
    stack_name: str = "dev",
    env_vars: Mapping[str, str] | None = None,
    mocks: Mocks | None = None,
) -> auto.Stack | Stack:
    """Returns the stack of a Pulumi program. The user's own Pulumi account, settings and stacks are not used.

    The program runs in its own place, with this Python. Nothing is written there: neither configuration nor bytecode.
    With the CLI the user's installed plugins can be used, and are not changed.

    Args:
        engine: the local engine or the Pulumi CLI.
        work_dir: the folder of ``Pulumi.yaml``.
        home: the folder for the state and, with the CLI, its settings, its plugins and the project's ``Pulumi.yaml``
            with absolute paths; created if it does not exist.
        stack_name: the stack's name.
        env_vars: additional environment variables of the program and the providers.
        mocks: serve the resources of other providers on the local engine. The CLI runs their plugins.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    env = {"PULUMI_CONFIG_PASSPHRASE": "", "PYTHONDONTWRITEBYTECODE": "1", **(env_vars or {})}
    if engine == "local":
        return Stack(stack_name, work_dir, home / "state", env_vars=env, providers=_PROVIDERS, mocks=mocks)
    (home / "state").mkdir(exist_ok=True)
    env |= {
        "PULUMI_BACKEND_URL": (home / "state").as_uri(),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Pulumi lists the program's packages with pip, which otherwise asks the index for a newer pip.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # The program and the provider run with this Python.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    _link_plugins(home / "pulumi" / "plugins")
    options = auto.LocalWorkspaceOptions(env_vars=env, pulumi_command=auto.PulumiCommand(skip_version_check=True))
    _write_project(work_dir, home / "project")
    return auto.create_or_select_stack(stack_name, work_dir=str(home / "project"), opts=options)


def _write_project(source: Path, target: Path) -> None:
    """Writes a project file for the CLI whose paths are absolute: the CLI writes configuration next to it.

    The program runs with the Python of the tests, so that both engines run it alike.
    """
    project = read_project(source)
    work_dir, program = locate_program(source, project)
    project["main"] = str(work_dir / program)
    project.pop("stackConfigDir", None)
    if runtime_name(project) == "python":
        project["runtime"] = "python"
    for plugin in itertools.chain.from_iterable(filter(None, (project.get("plugins") or {}).values())):
        plugin["path"] = str((source / plugin.get("path", "")).resolve())
    packages = project.get("packages") or {}
    for name, package in packages.items():
        if isinstance(package, str):
            folder, _, version = package.partition("@")
            packages[name] = package = {"source": folder, "version": version}
        if package["source"].startswith("."):
            package["source"] = str((source / package["source"]).resolve())
    target.mkdir(exist_ok=True)
    (target / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")


def _link_plugins(folder: Path) -> None:
    """Links the user's installed plugins into a new folder, so that the CLI writes nothing into their folder.

    Each gets a separate folder with links to its files: the CLI ignores a link to a folder (seen with CLI 3.260).
    """
    installed = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    for plugin in installed.iterdir() if installed.is_dir() else ():
        if plugin.is_dir() and not (folder / plugin.name).exists():
            (folder / plugin.name).mkdir()
            for part in plugin.iterdir():
                (folder / plugin.name / part.name).symlink_to(part, target_is_directory=part.is_dir())


class ProgramStack:
    """A stack of a program under test.

    `up`, `preview`, `refresh` and `destroy` take the arguments of `pulumi.automation.Stack` and return its results; a
    failed run raises `pulumi.automation.CommandError`. The local engine refuses unsupported arguments by name.

    Attributes:
        engine (Engine): "cli" or "local".
        work_dir (Path): the folder of the program's ``Pulumi.yaml``. It is yours: nothing is written there.
        stack: the stack itself: a `pulumi.automation.Stack`, or the local engine's.
    """

    def __init__(
        self,
        engine: Engine,
        program: str | Path,
        home: Path,
        sandbox: Sandbox,
        *,
        folders: Sequence[Path] = (Path(),),
        name: str,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        mocks: Mocks | None = None,
    ) -> None:
        self.engine = engine
        self._folders = folders
        self._config: dict[str, ConfigValue] = {}
        # Also for explicit providers without arguments. The settings of the machine never reach the provider.
        env = {"TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url, **(env or {})}
        self._open = partial(open_stack, engine, home=home, stack_name=name, env_vars=env, mocks=mocks)
        self.work_dir = find_program(program, *folders)
        self._project: str = read_project(self.work_dir)["name"]
        self.stack = self._open(self.work_dir)
        self.set_config(
            {"truto:baseUrl": sandbox.base_url, **(config or {})}, {"truto:apiToken": sandbox.token, **(secrets or {})}
        )

    def set_program(self, program: str | Path) -> None:
        """Runs another program from now on: a later version. The stack keeps its state and its configuration.

        Args:
            program: the folder of its ``Pulumi.yaml``, found like that of the first one.

        Raises:
            FileNotFoundError: there is no ``Pulumi.yaml``.
            ValueError: it is another project's.
        """
        work_dir = find_program(program, *self._folders)
        project = read_project(work_dir)["name"]
        if project != self._project:
            raise ValueError(f"{work_dir} has the project {project!r}, but this stack belongs to {self._project!r}")
        self.work_dir = work_dir
        self.stack = self._open(work_dir)
        self.stack.set_all_config(self._config)

    def set_config(self, config: Mapping[str, Any], secrets: Mapping[str, Any] | None = None) -> None:
        """Sets values of the stack's configuration, for the next runs. Other keys keep their values.

        Args:
            config: the values by key. Other values than strings become JSON, as Pulumi reads it; None removes the key.
            secrets: the same, encrypted.
        """
        changed = {}
        for values, is_secret in ((config, False), (secrets or {}, True)):
            for key, value in ((full_key(self._project, key), value) for key, value in values.items()):
                if value is None:
                    self._config.pop(key, None)
                    self.stack.remove_config(key)
                    continue
                changed[key] = ConfigValue(config_text(value), secret=is_secret)
        if changed:
            self._config |= changed
            self.stack.set_all_config(changed)  # one process of the CLI

    def preview(self, **arguments: Any) -> Preview:
        """Runs ``pulumi preview``. The result also has `changes`: the names of the resources, for each operation."""
        if isinstance(self.stack, Stack):
            return self.stack.preview(**arguments)
        steps = []
        on_event = arguments.pop("on_event", None)

        def record(event: EngineEvent) -> None:
            if event.resource_pre_event is not None:
                steps.append((event.resource_pre_event.metadata.op.value, event.resource_pre_event.metadata.urn))
            if on_event is not None:
                on_event(event)

        result = self.stack.preview(**arguments, on_event=record)
        return Preview(result.stdout, result.stderr, result.change_summary, steps)

    def up(self, **arguments: Any) -> UpResult:
        """Runs ``pulumi up``."""
        return self.stack.up(**arguments)

    def refresh(self, **arguments: Any) -> RefreshResult:
        """Runs ``pulumi refresh``."""
        return self.stack.refresh(**arguments)

    def destroy(self, **arguments: Any) -> DestroyResult:
        """Runs ``pulumi destroy``."""
        return self.stack.destroy(**arguments)

    def outputs(self) -> OutputMap:
        """The outputs of the stack, secrets in plain text and marked as secrets."""
        return self.stack.outputs()

    def clean_up(self) -> None:
        """Destroys resources outside the sandbox: those of other providers, which the CLI created."""
        if self.engine == "cli" and any(package not in _LOCAL_PACKAGES for package in self._packages()):
            self.stack.destroy()

    def _packages(self) -> set[str]:
        resources = (self.stack.export_stack().deployment or {}).get("resources") or []
        return {resource["type"].removeprefix("pulumi:providers:").split(":")[0] for resource in resources}


def find_program(program: str | Path, *folders: Path) -> Path:
    """Returns the folder of a program, which is absolute or relative to one of the folders.

    Raises:
        TypeError: the program is a function.
        FileNotFoundError: none of them has a ``Pulumi.yaml`` there.
    """
    if callable(program):
        raise TypeError(
            "pulumi_stack runs no inline programs. Put the program into a folder with a Pulumi.yaml, and give that"
        )
    candidates = [folder / program for folder in folders]
    for candidate in candidates:
        if find_project_file(candidate) is not None:
            return candidate.resolve()
    places = " nor ".join(dict.fromkeys(str(candidate) for candidate in candidates))
    raise FileNotFoundError(f"there is no Pulumi.yaml in {places}")
