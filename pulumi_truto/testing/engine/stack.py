"""A stack on the local engine, with the interface of `pulumi.automation.Stack`."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pulumi.automation import (
    CommandError,
    ConfigValue,
    Deployment as ExportedDeployment,
    DestroyResult,
    OutputMap,
    OutputValue,
    PreviewResult,
    RefreshResult,
    UpResult,
)
from pulumi.automation._cmd import CommandResult  # the class that CommandError requires; not exported
from pulumi.runtime.mocks import Mocks

from pulumi_truto.property_values import is_secret, unwrap_secrets
from pulumi_truto.testing.engine.crypter import Crypter
from pulumi_truto.testing.engine.deployment import Deployment
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.language_host import (
    EXIT_CODE_ERROR_SHOWN,
    Program,
    config_defaults,
    read_project,
    wait,
)
from pulumi_truto.testing.engine.processes import Process
from pulumi_truto.testing.engine.provider import DYNAMIC_PACKAGE
from pulumi_truto.testing.engine.provider_host import ProviderHost
from pulumi_truto.testing.engine.resource_monitor import REGISTRATIONS_PER_OPERATION, MonitorServer
from pulumi_truto.testing.engine.run_results import check_no_changes, now, refuse, summarize
from pulumi_truto.testing.engine.run_settings import RunSettings
from pulumi_truto.testing.engine.signals import cancel_on_signals
from pulumi_truto.testing.engine.snapshot import DEPLOYMENT_VERSION, Snapshot
from pulumi_truto.testing.engine.urns import STACK_TYPE

__all__ = ["Stack", "create_or_select_stack"]

OnOutput = Callable[[str], None]

_PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
#: The time that operations in flight have to finish after a run was cancelled.
_GRACE_SECONDS: Final = 30.0


def create_or_select_stack(
    stack_name: str,
    work_dir: str | os.PathLike[str],
    *,
    state_dir: str | os.PathLike[str],
    env_vars: Mapping[str, str] | None = None,
    mocks: Mocks | None = None,
) -> Stack:
    """Returns the stack with this name of a Pulumi program.

    Args:
        stack_name: the stack's name.
        work_dir: the folder of ``Pulumi.yaml``.
        state_dir: the folder of the state file; created if it does not exist.
        env_vars: additional environment variables of the program and the providers. ``PULUMI_CONFIG_PASSPHRASE``
            must be set, here or in the environment: it encrypts the secrets in the state.
        mocks: serve the resources and functions of providers that the local engine cannot run.
    """
    return Stack(stack_name, Path(work_dir), Path(state_dir), dict(env_vars or {}), mocks)


class Stack:
    """A stack on the local engine: `preview`, `up`, `refresh` and `destroy` without the Pulumi CLI.

    It is meant for trying out and testing pulumi_truto and programs that use it, and does not replace Pulumi: it
    refuses programs with features that it does not support. Its methods have the arguments and results of the methods
    of `pulumi.automation.Stack`; a failed run raises `pulumi.automation.CommandError`.
    """

    def __init__(
        self, name: str, work_dir: Path, state_dir: Path, env_vars: dict[str, str], mocks: Mocks | None = None
    ) -> None:
        self.name = name
        self._work_dir = work_dir.resolve()
        self._env = {**os.environ, **env_vars}
        self._mocks = mocks
        project = read_project(self._work_dir)
        self._project: str = project["name"]
        self._config = {self._full_key(key): ConfigValue(value) for key, value in config_defaults(project).items()}
        self._program = Program(self._work_dir / project.get("main", "."), self._work_dir, self._env)
        # Nearly every run needs this provider. A project with plugins in Pulumi.yaml uses the native one.
        self._prestarted_package = "truto" if project.get("plugins") else DYNAMIC_PACKAGE
        state_dir.mkdir(parents=True, exist_ok=True)
        self._state_file = state_dir / f"{self._project}.{name}.json"
        passphrase = self._env.get(_PASSPHRASE)
        if passphrase is None:
            raise ValueError(f"set {_PASSPHRASE}: it encrypts the secrets in the state, and may be empty")
        self._passphrase = passphrase
        self._crypter = Crypter(passphrase, Snapshot.read_salt(self._state_file) or secrets.token_bytes(16))
        self._deployment: Deployment | None = None
        self._provider_host: ProviderHost | None = None

    def set_config(self, key: str, value: ConfigValue) -> None:
        """Sets one value of the configuration. A key without a namespace belongs to the project."""
        self._config[self._full_key(key)] = value

    def set_all_config(self, config: Mapping[str, ConfigValue]) -> None:
        """Sets several values of the configuration."""
        for key, value in config.items():
            self.set_config(key, value)

    def get_config(self, key: str) -> ConfigValue:
        """Returns one value of the configuration.

        Raises:
            KeyError: the value is not set.
        """
        return self._config[self._full_key(key)]

    def remove_config(self, key: str) -> None:
        """Removes one value of the configuration."""
        self._config.pop(self._full_key(key), None)

    def preview(
        self,
        *,
        parallel: int = 16,
        refresh: bool = False,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> PreviewResult:
        """Shows what `up` would do, without doing it."""
        refuse("preview", unsupported)
        if refresh:
            with self._copied_state():
                self.refresh(parallel=parallel, on_output=on_output)
                return self.preview(parallel=parallel, expect_no_changes=expect_no_changes, on_output=on_output)
        display = Display(on_output, dry_run=True)
        display.line(f"Previewing update ({self.name}):")
        self._run_program(display, self._settings(parallel, dry_run=True))
        check_no_changes(display, expect_no_changes)
        return PreviewResult(display.stdout, display.stderr, dict(display.counts))

    def up(
        self,
        *,
        parallel: int = 16,
        refresh: bool = False,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> UpResult:
        """Creates, updates and deletes resources until the stack is what the program declares."""
        refuse("up", unsupported)
        if refresh:
            self.refresh(parallel=parallel, on_output=on_output)
        display = Display(on_output)
        display.line(f"Updating ({self.name}):")
        start_time = now()
        self._run_program(display, self._settings(parallel))
        check_no_changes(display, expect_no_changes)
        return UpResult(display.stdout, display.stderr, summarize("update", start_time, display), self.outputs())

    def refresh(
        self,
        *,
        parallel: int = 16,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        **unsupported: Any,
    ) -> RefreshResult:
        """Updates the state to the actual resources."""
        refuse("refresh", unsupported)
        display = Display(on_output)
        display.line(f"Refreshing ({self.name}):")
        start_time = now()
        with self._run(display, self._settings(parallel)) as (deployment, _):
            deployment.refresh()
        check_no_changes(display, expect_no_changes)
        return RefreshResult(display.stdout, display.stderr, summarize("refresh", start_time, display))

    def destroy(
        self, *, parallel: int = 16, refresh: bool = False, on_output: OnOutput | None = None, **unsupported: Any
    ) -> DestroyResult:
        """Deletes every resource of the stack."""
        refuse("destroy", unsupported)
        if refresh:
            self.refresh(parallel=parallel, on_output=on_output)
        display = Display(on_output)
        display.line(f"Destroying ({self.name}):")
        start_time = now()
        with self._run(display, self._settings(parallel)) as (deployment, _):
            deployment.delete_unregistered()
        return DestroyResult(display.stdout, display.stderr, summarize("destroy", start_time, display))

    def outputs(self) -> OutputMap:
        """Returns the stack's outputs, secrets in plain text. As in Pulumi, an object with a secret is no secret."""
        stack = next((resource for resource in self._load().resources if resource.type == STACK_TYPE), None)
        outputs = stack.outputs if stack is not None else {}
        return {name: OutputValue(unwrap_secrets(value), is_secret(value)) for name, value in outputs.items()}

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
        if self._deployment is not None:
            self._deployment.cancel()
        if self._provider_host is not None:
            self._provider_host.cancel()

    def provider_processes(self) -> list[Process]:
        """Returns the provider processes of the current run, for tests that kill them."""
        return self._provider_host.processes() if self._provider_host is not None else []

    def _full_key(self, key: str) -> str:
        return key if ":" in key else f"{self._project}:{key}"

    def _settings(self, parallel: int, *, dry_run: bool = False) -> RunSettings:
        return RunSettings(self._project, self.name, self._config, dry_run, parallel, self._mocks is not None)

    @contextlib.contextmanager
    def _run(self, display: Display, settings: RunSettings) -> Iterator[tuple[Deployment, MonitorServer]]:
        """Starts everything that a run needs; afterwards ends it, saves the state and raises if the run failed."""
        monitor = MonitorServer(display, settings.parallel)
        env = {**self._env, "PULUMI_PROJECT": self._project, "PULUMI_STACK": self.name}
        host = ProviderHost(self._work_dir, env, monitor.address, display.info, self._prestarted_package, self._mocks)
        snapshot = self._load()
        snapshot.begin_run(dry_run=settings.dry_run)
        deployment = Deployment(settings, snapshot, host, display)
        self._deployment, self._provider_host = deployment, host
        try:
            with cancel_on_signals(self.cancel, display):
                yield deployment, monitor
                if not display.failed:
                    display.outputs(deployment.outputs)
        finally:
            self._deployment, self._provider_host = None, None
            host.close()
            monitor.close()
            try:
                snapshot.save()
            except OSError as error:
                display.error(f"the state cannot be saved: {error}")
        display.summary()
        if display.failed:
            raise CommandError(CommandResult(display.stdout, display.stderr, 255))

    def _run_program(self, display: Display, settings: RunSettings) -> None:
        """Runs the program to its end, then deletes the resources that it did not register."""
        threads = REGISTRATIONS_PER_OPERATION * settings.parallel
        with self._run(display, settings) as (deployment, monitor):
            monitor.serve(deployment, settings)
            with self._program.running(settings, monitor.address, threads=threads, on_output=display.info) as process:
                wait(process, until=lambda: deployment.is_cancelled)
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

    @contextlib.contextmanager
    def _copied_state(self) -> Iterator[None]:
        """Runs work on a copy of the state; afterwards the state is as before."""
        original = self._state_file
        with tempfile.TemporaryDirectory(prefix="pulumi-truto-state-") as folder:
            self._state_file = Path(folder) / original.name
            if original.exists():
                shutil.copy(original, self._state_file)
            try:
                yield
            finally:
                self._state_file = original

    def _load(self) -> Snapshot:
        """Loads the state file, which another process may have changed since the last run."""
        salt = Snapshot.read_salt(self._state_file) or self._crypter.salt
        if salt != self._crypter.salt:
            self._crypter = Crypter(self._passphrase, salt)
        return Snapshot(self._state_file, self._crypter)
