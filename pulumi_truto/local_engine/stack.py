"""`Stack`: the local engine with the names and results of `pulumi.automation.Stack`."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
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
    UpdateSummary,
    UpResult,
)
from pulumi.automation._cmd import CommandResult  # the one class that CommandError takes; not exported

from pulumi_truto.local_engine.deployment import Deployment
from pulumi_truto.local_engine.display import Display
from pulumi_truto.local_engine.language_host import SHOWN, Program, read_project, wait
from pulumi_truto.local_engine.launcher import Process
from pulumi_truto.local_engine.provider_host import ProviderHost
from pulumi_truto.local_engine.resource_monitor import REGISTRATIONS, MonitorServer
from pulumi_truto.local_engine.snapshot import Crypter, Snapshot
from pulumi_truto.local_engine.urns import STACK_TYPE
from pulumi_truto.property_values import contains_secret, contains_unknown, is_secret, unwrap_secrets

__all__ = ["Stack", "create_or_select_stack"]

OnOutput = Callable[[str], None]

_PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
#: How long operations under way may take to end after the run was stopped.
_GRACE_SECONDS: Final = 30.0


def create_or_select_stack(
    stack_name: str,
    work_dir: str | os.PathLike[str],
    *,
    state_dir: str | os.PathLike[str],
    env_vars: Mapping[str, str] | None = None,
) -> Stack:
    """The stack of this name for the Pulumi program in a folder; its state is kept in ``state_dir``.

    Args:
        stack_name: the stack's name.
        work_dir: the folder of ``Pulumi.yaml``.
        state_dir: where the state is kept; made if it is not there.
        env_vars: more environment variables for the program and the providers. ``PULUMI_CONFIG_PASSPHRASE``
            among them, or in the environment, encrypts the secrets in the state.
    """
    return Stack(stack_name, Path(work_dir), Path(state_dir), dict(env_vars or {}))


class Stack:
    """A stack on the local engine: `preview`, `up`, `refresh` and `destroy` without the Pulumi CLI.

    It is made for trying and testing pulumi_truto and programs that use it, and is no replacement for Pulumi.
    What it does not support it refuses. Methods, arguments and results are those of `pulumi.automation.Stack`,
    as far as they are there; a failed run raises `pulumi.automation.CommandError` too.
    """

    def __init__(self, name: str, work_dir: Path, state_dir: Path, env_vars: dict[str, str]) -> None:
        self.name = name
        self._work_dir = work_dir.resolve()
        self._env = {**os.environ, **env_vars}
        self._config: dict[str, ConfigValue] = {}
        project = read_project(self._work_dir)
        self._project: str = project["name"]
        # A project that names plugins in Pulumi.yaml uses the native one.
        self._likely_provider = "truto" if project.get("plugins") else "pulumi-python"
        self._program = self._work_dir / project.get("main", ".")
        state_dir.mkdir(parents=True, exist_ok=True)
        self._file = state_dir / f"{self._project}.{name}.json"
        passphrase = self._env.get(_PASSPHRASE)
        if passphrase is None:
            raise ValueError(f"set {_PASSPHRASE}: it encrypts the secrets in the state, and may be empty")
        self._passphrase = passphrase
        self._crypter = Crypter(passphrase, Snapshot.salt_of(self._file) or secrets.token_bytes(16))
        self._running: Deployment | None = None
        self._host: ProviderHost | None = None

    def set_config(self, key: str, value: ConfigValue) -> None:
        """Sets one value of the configuration; a key without a namespace is the project's."""
        self._config[key if ":" in key else f"{self._project}:{key}"] = value

    def set_all_config(self, config: Mapping[str, ConfigValue]) -> None:
        """Sets several values of the configuration."""
        for key, value in config.items():
            self.set_config(key, value)

    def get_config(self, key: str) -> ConfigValue:
        """One value of the configuration; `KeyError` where it is not set."""
        return self._config[key if ":" in key else f"{self._project}:{key}"]

    def remove_config(self, key: str) -> None:
        """Removes one value of the configuration."""
        self._config.pop(key if ":" in key else f"{self._project}:{key}", None)

    def preview(self, *, parallel: int = 16, on_output: OnOutput | None = None) -> PreviewResult:
        """Shows what `up` would do, and does nothing."""
        display = Display(on_output, dry_run=True)
        display.line(f"Previewing update ({self.name}):")
        with self._run(display, dry_run=True, parallel=parallel) as (deployment, monitor):
            self._run_program(deployment, monitor, display, dry_run=True, parallel=parallel)
        return PreviewResult(display.stdout, display.stderr, dict(display.counts))

    def up(self, *, parallel: int = 16, refresh: bool = False, on_output: OnOutput | None = None) -> UpResult:
        """Brings the stack to what the program declares."""
        if refresh:
            self.refresh(parallel=parallel, on_output=on_output)
        display = Display(on_output)
        display.line(f"Updating ({self.name}):")
        began = _now()
        with self._run(display, dry_run=False, parallel=parallel) as (deployment, monitor):
            self._run_program(deployment, monitor, display, dry_run=False, parallel=parallel)
        return UpResult(display.stdout, display.stderr, self._summary("update", began, display), self.outputs())

    def refresh(self, *, parallel: int = 16, on_output: OnOutput | None = None) -> RefreshResult:
        """Brings the state to what there really is."""
        display = Display(on_output)
        display.line(f"Refreshing ({self.name}):")
        began = _now()
        with self._run(display, dry_run=False, parallel=parallel) as (deployment, _):
            deployment.refresh()
        return RefreshResult(display.stdout, display.stderr, self._summary("refresh", began, display))

    def destroy(self, *, parallel: int = 16, on_output: OnOutput | None = None) -> DestroyResult:
        """Deletes every resource of the stack."""
        display = Display(on_output)
        display.line(f"Destroying ({self.name}):")
        began = _now()
        with self._run(display, dry_run=False, parallel=parallel) as (deployment, _):
            deployment.delete_unregistered()
        return DestroyResult(display.stdout, display.stderr, self._summary("destroy", began, display))

    def outputs(self) -> OutputMap:
        """What the program exported, secrets in plain. As with Pulumi, one with a secret further in is no secret."""
        root = next((each for each in self._load().resources if each.type == STACK_TYPE), None)
        outputs = root.outputs if root is not None else {}
        return {name: OutputValue(unwrap_secrets(value), is_secret(value)) for name, value in outputs.items()}

    def export_stack(self) -> ExportedDeployment:
        """The state in Pulumi's form, its secrets encrypted."""
        return ExportedDeployment(version=3, deployment=self._load().export())

    def cancel(self) -> None:
        """Stops a run of this stack that is under way in another thread: nothing new is begun."""
        if self._running is not None:
            self._running.stop()
        if self._host is not None:
            self._host.cancel()

    def provider_processes(self) -> list[Process]:
        """The provider processes of the run under way, for tests that kill them."""
        return self._host.processes() if self._host is not None else []

    @contextlib.contextmanager
    def _run(self, display: Display, *, dry_run: bool, parallel: int) -> Iterator[tuple[Deployment, MonitorServer]]:
        """A run: everything it needs is there inside, and nothing of it is left afterwards."""
        monitor = MonitorServer(display, parallel)
        env = {**self._env, "PULUMI_PROJECT": self._project, "PULUMI_STACK": self.name}
        host = ProviderHost(self._work_dir, env, monitor.address, display.info, self._likely_provider)
        snapshot = self._load()
        snapshot.begin(dry_run=dry_run)
        deployment = Deployment(
            project=self._project,
            stack=self.name,
            config=self._config,
            snapshot=snapshot,
            host=host,
            display=display,
            dry_run=dry_run,
            parallel=parallel,
        )
        self._running, self._host = deployment, host
        try:
            with _stopped_by_signals(self.cancel, display):
                yield deployment, monitor
                if not display.failed:
                    _show_outputs(display, deployment)
        finally:
            self._running, self._host = None, None
            host.close()
            monitor.close()
            try:
                snapshot.save()
            except OSError as error:
                display.error(f"the state cannot be saved: {error}")
        display.summary()
        if display.failed:
            raise CommandError(CommandResult(display.stdout, display.stderr, 255))

    def _run_program(
        self, deployment: Deployment, monitor: MonitorServer, display: Display, *, dry_run: bool, parallel: int
    ) -> None:
        """Runs the program to its end, then deletes what it did not ask for."""
        info = {
            "project": self._project,
            "stack": self.name,
            "config": self._config,
            "dry_run": dry_run,
            "parallel": parallel,
        }
        monitor.serve(deployment, info)
        program = Program(self._program, self._work_dir, self._project, self.name, self._config, self._env)
        with program.running(
            monitor.address,
            threads=REGISTRATIONS * parallel,
            dry_run=dry_run,
            parallel=parallel,
            on_output=display.info,
        ) as process:
            wait(process, until=lambda: deployment.is_stopped)
            if deployment.is_stopped:
                deployment.wait(_GRACE_SECONDS)
        if not deployment.is_stopped:
            if process.returncode == SHOWN:
                display.failed = True
            elif process.returncode != 0:
                display.error(f"the program ended with exit code {process.returncode}")
            elif not display.failed:
                deployment.delete_unregistered()
        deployment.settle_outputs()

    def _load(self) -> Snapshot:
        """The state as it is in the file now, which another process may have written meanwhile."""
        salt = Snapshot.salt_of(self._file) or self._crypter.salt
        if salt != self._crypter.salt:
            self._crypter = Crypter(self._passphrase, salt)
        return Snapshot(self._file, self._crypter)

    def _summary(self, kind: str, began: datetime, display: Display) -> UpdateSummary:
        return UpdateSummary(
            kind=kind,
            start_time=began,
            end_time=_now(),
            message="",
            environment={},
            config={},
            result="failed" if display.failed else "succeeded",
            resource_changes=dict(display.counts),
        )


def _show_outputs(display: Display, deployment: Deployment) -> None:
    """Shows the stack's outputs, secrets masked."""
    if deployment.outputs:
        display.line("Outputs:")
    for name, value in sorted(deployment.outputs.items()):
        shown = "[secret]" if contains_secret(value) else "[unknown]" if contains_unknown(value) else json.dumps(value)
        display.line(f"    {name}: {shown}")


@contextlib.contextmanager
def _stopped_by_signals(cancel: Callable[[], None], display: Display) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the run in good order: what is under way ends, and its outcome is saved."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only a main thread gets signals
        return

    def stop(number: int, _frame: Any) -> None:
        display.error(f"stopped by {signal.Signals(number).name}: what is under way is ended, nothing new is begun")
        threading.Thread(target=cancel, daemon=True).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _now() -> datetime:
    return datetime.now(timezone.utc)
