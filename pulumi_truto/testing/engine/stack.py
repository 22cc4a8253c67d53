"""A stack on the local engine, with the interface of `pulumi.automation.Stack`."""

from __future__ import annotations

import contextlib
import os
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from pulumi.automation import (
    ConfigValue,
    Deployment as ExportedDeployment,
    DestroyResult,
    OutputMap,
    OutputValue,
    RefreshResult,
    UpResult,
)
from pulumi.runtime.mocks import Mocks

from pulumi_truto.property_values import is_secret, unwrap_secrets
from pulumi_truto.testing.engine.deployment import Deployment
from pulumi_truto.testing.engine.display import Display, Preview
from pulumi_truto.testing.engine.monitor import MonitorServer
from pulumi_truto.testing.engine.processes import Process, cancel_on_signals
from pulumi_truto.testing.engine.program import (
    config_defaults,
    full_key,
    locate_program,
    read_project,
    running_program,
    runtime_name,
)
from pulumi_truto.testing.engine.providers import ProviderRegistry
from pulumi_truto.testing.engine.run_program import EXIT_CODE_ERROR_SHOWN
from pulumi_truto.testing.engine.settings import DYNAMIC_PACKAGE, Providers, RunSettings
from pulumi_truto.testing.engine.snapshot import DEPLOYMENT_VERSION, Snapshot, encode
from pulumi_truto.testing.engine.urns import STACK_TYPE

__all__ = ["Stack"]

OnOutput = Callable[[str], None]

_PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
#: The time that operations in flight have to finish after a run was cancelled.
_GRACE_SECONDS: Final = 30.0


class _Run(NamedTuple):
    settings: RunSettings
    display: Display
    deployment: Deployment
    registry: ProviderRegistry
    monitor: MonitorServer


class Stack:
    """A stack on the local engine: `preview`, `up`, `refresh` and `destroy` without the Pulumi CLI.

    It is meant for tests and for trying out a program, and does not replace Pulumi: it refuses programs with features
    that it does not support. Its methods have the arguments and results of the methods of `pulumi.automation.Stack`; a
    failed run raises `pulumi.automation.CommandError`.

    Args:
        name: the stack's name.
        work_dir: the folder of ``Pulumi.yaml``.
        state_dir: the folder of the state file; created if it does not exist.
        env_vars: additional environment variables of the program and the providers. ``PULUMI_CONFIG_PASSPHRASE``
            must be set, here or in the environment: it encrypts the secrets in the state.
        providers: the providers that the engine runs in addition to dynamic providers.
        mocks: serve the resources and functions of all other providers.
    """

    def __init__(
        self,
        name: str,
        work_dir: Path,
        state_dir: Path,
        *,
        env_vars: Mapping[str, str] | None = None,
        providers: Providers | None = None,
        mocks: Mocks | None = None,
    ) -> None:
        self.name = name
        env = {**os.environ, **(env_vars or {})}
        if _PASSPHRASE not in env:
            raise ValueError(f"set {_PASSPHRASE}: it encrypts the secrets in the state, and may be empty")
        project = read_project(work_dir)
        if runtime_name(project) != "python":
            raise ValueError(f"{work_dir}: the local engine runs only Python programs, not {runtime_name(project)!r}")
        folder, self._program = locate_program(work_dir, project)
        # Removing a value of the stack uncovers the project's.
        defaults = {key: ConfigValue(value) for key, value in config_defaults(project).items()}
        self._config: ChainMap[str, ConfigValue] = ChainMap({}, defaults)
        self._settings = RunSettings(
            project["name"], name, work_dir.resolve(), folder, env, self._config, providers or Providers(), mocks
        )
        # Nearly every run needs a dynamic provider, or the first of the plugins in Pulumi.yaml.
        plugins = [plugin.get("name") for plugin in (project.get("plugins") or {}).get("providers") or []]
        packages = [*(project.get("packages") or {}), *plugins]
        self._prestarted_package = next(filter(self._settings.providers.module, packages), DYNAMIC_PACKAGE)
        state_dir.mkdir(parents=True, exist_ok=True)
        self._state_file = state_dir / f"{project['name']}.{name}.json"
        self._run_in_progress: _Run | None = None

    def set_config(self, key: str, value: ConfigValue) -> None:
        """Sets one value of the configuration. A key without a namespace belongs to the project."""
        self._config[full_key(self._settings.project, key)] = value

    def set_all_config(self, config: Mapping[str, ConfigValue]) -> None:
        """Sets several values of the configuration."""
        for key, value in config.items():
            self.set_config(key, value)

    def remove_config(self, key: str) -> None:
        """Removes one value of the configuration."""
        self._config.pop(full_key(self._settings.project, key), None)

    def preview(
        self,
        *,
        parallel: int = 16,
        refresh: bool = False,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> Preview:
        """Shows the steps of an `up`, without taking them."""
        _refuse("preview", unsupported)
        snapshot = self._load()
        settings: dict[str, Any] = {"parallel": parallel, "dry_run": True}
        if refresh:
            with self._run("Refreshing", on_output, snapshot=snapshot, **settings) as run:
                run.deployment.refresh()
        display = self._run_program("Previewing update", on_output, expect_no_changes, snapshot=snapshot, **settings)
        return display.preview()

    def up(
        self,
        *,
        parallel: int = 16,
        refresh: bool = False,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> UpResult:
        """Creates, updates and deletes resources until the stack is as the program declares it."""
        _refuse("up", unsupported)
        if refresh:
            self.refresh(parallel=parallel, on_output=on_output)
        display = self._run_program("Updating", on_output, expect_no_changes, parallel=parallel)
        return UpResult(display.stdout, display.stderr, display.result("update"), self.outputs())

    def refresh(
        self,
        *,
        parallel: int = 16,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> RefreshResult:
        """Updates the state to the actual resources."""
        _refuse("refresh", unsupported)
        with self._run("Refreshing", on_output, expect_no_changes, parallel=parallel) as run:
            run.deployment.refresh()
        return RefreshResult(run.display.stdout, run.display.stderr, run.display.result("refresh"))

    def destroy(
        self, *, parallel: int = 16, refresh: bool = False, on_output: OnOutput | None = None, **unsupported: Any
    ) -> DestroyResult:
        """Deletes every resource of the stack."""
        _refuse("destroy", unsupported)
        if refresh:
            self.refresh(parallel=parallel, on_output=on_output)
        with self._run("Destroying", on_output, parallel=parallel) as run:
            run.deployment.delete_unregistered()
        return DestroyResult(run.display.stdout, run.display.stderr, run.display.result("destroy"))

    def outputs(self) -> OutputMap:
        """Returns the stack's outputs, secrets in plain text. As in Pulumi, an object with a secret is not a secret."""
        stack = next((resource for resource in self._load().resources if resource.type == STACK_TYPE), None)
        outputs = stack.outputs if stack is not None else {}
        return {name: OutputValue(encode(unwrap_secrets(value)), is_secret(value)) for name, value in outputs.items()}

    def export_stack(self) -> ExportedDeployment:
        """Returns the state in Pulumi's form, with its secrets encrypted."""
        return ExportedDeployment(version=DEPLOYMENT_VERSION, deployment=self._load().export())

    def import_stack(self, state: ExportedDeployment) -> None:
        """Replaces the state by an exported one: of this stack, or of the Pulumi CLI with its secrets in plain text.

        Raises:
            ValueError: the version is not supported, or a secret is encrypted with another passphrase.
        """
        if state.version != DEPLOYMENT_VERSION or state.deployment is None:
            raise ValueError(f"version {state.version} of the state is not supported")
        self._load().replace(state.deployment.get("resources", []))

    def cancel(self) -> None:
        """Cancels a run of this stack in another thread: it starts no more operations."""
        run = self._run_in_progress
        if run is not None:
            run.deployment.cancel()
            run.registry.cancel()

    def provider_processes(self) -> list[Process]:
        """Returns the provider processes of the current run, for tests that kill them."""
        run = self._run_in_progress
        return run.registry.processes() if run is not None else []

    def _load(self) -> Snapshot:
        """Loads the state file, which another process may have changed since the last run."""
        return Snapshot(self._state_file, self._settings.env[_PASSPHRASE])

    @contextlib.contextmanager
    def _run(
        self,
        title: str,
        on_output: OnOutput | None,
        expect_no_changes: bool = False,
        snapshot: Snapshot | None = None,
        **values: Any,
    ) -> Iterator[_Run]:
        """Starts everything that a run needs; afterwards ends it, saves the state and raises if the run failed."""
        settings = replace(self._settings, **values)
        display = Display(on_output, dry_run=settings.dry_run)
        display.line(f"{title} ({self.name}):")
        snapshot = snapshot or self._load()
        snapshot.begin_run(dry_run=settings.dry_run)
        monitor = MonitorServer(settings, display)
        registry = ProviderRegistry(settings, snapshot, monitor.address, display.info, self._prestarted_package)
        deployment = Deployment(settings, snapshot, registry, display)
        run = self._run_in_progress = _Run(settings, display, deployment, registry, monitor)
        try:
            with cancel_on_signals(self.cancel, display.error):
                yield run
                if not display.failed:
                    display.outputs(deployment.outputs)
        finally:
            self._run_in_progress = None
            registry.close()
            monitor.close()
            try:
                snapshot.save()
            except OSError as error:
                display.error(f"the state cannot be saved: {error}")
        display.summary()
        display.raise_if_failed(expect_no_changes=expect_no_changes)

    def _run_program(self, title: str, on_output: OnOutput | None, expect_no_changes: bool, **values: Any) -> Display:
        """Runs the program to its end, then deletes the resources that it did not register."""
        with self._run(title, on_output, expect_no_changes, **values) as (settings, display, deployment, _, monitor):
            monitor.serve(deployment)
            with running_program(self._program, settings, monitor.address, display.info) as process:
                while process.poll() is None and not deployment.is_cancelled:
                    time.sleep(0.01)
                if deployment.is_cancelled:
                    deployment.wait_for_operations(_GRACE_SECONDS)
            if not deployment.is_cancelled:
                if process.poll() == EXIT_CODE_ERROR_SHOWN:
                    display.failed = True
                elif process.poll() != 0:
                    display.error(f"the program exited with code {process.poll()}")
                elif not display.failed:
                    deployment.delete_unregistered()
            deployment.record_stack_outputs()
        return display


def _refuse(method: str, arguments: Mapping[str, Any]) -> None:
    """Refuses arguments of `pulumi.automation.Stack` that the local engine does not support.

    Raises:
        TypeError: one of them is given.
    """
    names = sorted(name for name, value in arguments.items() if value is not None)
    if names:
        raise TypeError(
            f"the local engine does not support {', '.join(names)} of Stack.{method}. Leave it out, or run this on the "
            "Pulumi CLI"
        )
