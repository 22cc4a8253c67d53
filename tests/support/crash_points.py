"""Crash points: every run that changes something is repeated, with one failure at one of its HTTP calls.

A scenario is two declarations. The undisturbed run counts the calls. Each crash point repeats the run with one failure
at one call, and then runs `pulumi up` without faults, which has to make everything right.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.declared_stack import DeclaredDestinations, DeclaredStack, DeclaredWebhook
from tests.support.project import Project, ProviderKind
from tests.support.sandbox_client import running_receiver

__all__ = ["FAILURES", "SCENARIOS", "Case", "Disturbed", "Scenario", "run_case", "up_with_failure"]

#: The faults at one call. A call that is still unanswered after the kill was in flight.
FAILURES: Final[dict[str, dict[str, Any]]] = {
    "killed after": {"kind": "timeout", "seconds": 60, "processed": True},
    "response lost": {"kind": "reset", "processed": True},
    "503": {"kind": "status"},
    "reset before": {"kind": "reset"},
    "killed before": {"kind": "timeout", "seconds": 60},
}
#: What starts a provider of the CLI.
_PROVIDER_MODULES: Final = {"pulumi.dynamic", "pulumi.run.plugin"}
Resource = Literal["webhook", "destination"]
#: What differs from run to run.
_VOLATILE: Final = {"id", "secret", "environment_id", "created_at", "updated_at"}


@dataclass(frozen=True)
class Scenario:
    """A run that changes something.

    Attributes:
        start: What the program declares before.
        end: What it declares in the run.
        drift: What is changed outside Pulumi before the run, in all webhooks; with "id", they are deleted. The run
            then refreshes first.
    """

    start: dict[str, DeclaredWebhook]
    end: dict[str, DeclaredWebhook]
    drift: dict[str, Any] | None = None


def _update(**changes: Any) -> Scenario:
    start = DeclaredWebhook(event_types=["record:created"], is_active=not changes.get("is_active", False))
    return Scenario({"a": start}, {"a": DeclaredWebhook(**{**vars(start), **changes})})


_ACTIVE: Final = DeclaredWebhook(event_types=["record:created"])
_INACTIVE: Final = DeclaredWebhook(event_types=["record:created"], is_active=False)
_REPLACED: Final = DeclaredWebhook(event_types=["record:created"], trigger=1)
SCENARIOS: Final[dict[str, Scenario]] = {
    "create-active": Scenario({}, {"a": _ACTIVE}),
    "create-inactive": Scenario({}, {"a": _INACTIVE}),
    "update-url": _update(path="2"),
    "update-events": _update(event_types=["record:deleted", "record:updated"]),
    "update-all-events": _update(event_types=[]),
    "switch-off": _update(is_active=False),
    "switch-on": _update(is_active=True),
    "replace": Scenario({"a": _ACTIVE}, {"a": _REPLACED}),
    "delete": Scenario({"a": _ACTIVE}, {}),
    "refresh-changed": Scenario({"a": _ACTIVE}, {"a": _ACTIVE}, {"is_active": False, "event_types": []}),
    "refresh-deleted": Scenario({"a": _ACTIVE}, {"a": _ACTIVE}, {"id": ""}),
    "rotate-and-test": Scenario(
        {"a": DeclaredWebhook(is_tested=True)}, {"a": DeclaredWebhook(is_tested=True, trigger=1)}
    ),
    "parallel": Scenario(
        {"a": _ACTIVE, "b": _ACTIVE, "c": _ACTIVE},
        {"a": DeclaredWebhook(path="2"), "b": _REPLACED, "d": _ACTIVE, "e": _INACTIVE},
    ),
}


@dataclass(frozen=True)
class Case:
    """One scenario, and what it runs on.

    Attributes:
        name: The scenario.
        provider_kind: The provider kind.
        omitted_event_types: The sandbox's setting of this name.
        engine: The engine.
        resource: "webhook", or "destination" for the same with notification destinations.
    """

    name: str
    provider_kind: ProviderKind = "dynamic"
    omitted_event_types: str = "keep"
    engine: Engine = "local"
    resource: Resource = "webhook"

    @property
    def is_possible(self) -> bool:
        """Whether the resource has everything in the scenario: only webhooks can be tested."""
        return self.resource == "webhook" or not any(item.is_tested for item in SCENARIOS[self.name].end.values())

    def __str__(self) -> str:
        return f"{self.resource}, {self.name}, {self.provider_kind}, {self.omitted_event_types}, {self.engine}"


@dataclass(frozen=True)
class Disturbed:
    """What a run with a failure did.

    Attributes:
        operation: The operation that the failure hit; empty if the run did not make that call.
        error: The error of the run; empty if it succeeded.
        may_be_on: The ids of the webhooks that may be switched on although no stack knows them.
    """

    operation: str
    error: str
    may_be_on: Set[str]


@dataclass(frozen=True)
class _Run:
    """The operations that the last `up` of a scenario requested, and the stack's outputs."""

    operations: list[str]
    outputs: dict[str, Any]


def run_case(case: Case, every: int = 1) -> tuple[Counter[str], list[str]]:
    """Runs the crash points of a case.

    Args:
        case: The case.
        every: 1 runs all of them, n the first and then every n-th.

    Returns:
        How many crash points passed, by failure, and a line for each that did not.
    """
    scenario, passed, failed = SCENARIOS[case.name], Counter[str](), []
    with running_receiver() as receiver:
        undisturbed = _run(case, scenario, receiver.url)
        fresh = _run(case, Scenario({}, scenario.end), receiver.url) if scenario.start else undisturbed
        assert undisturbed.outputs == fresh.outputs
        points = [(skip, failure) for skip in range(len(undisturbed.operations)) for failure in FAILURES]
        for skip, failure in points[::every]:
            try:
                run = _run(case, scenario, receiver.url, failure, skip)
                assert run.outputs == fresh.outputs, f"the outputs are {run.outputs}, and not {fresh.outputs}"
            except Exception as error:  # noqa: BLE001 - all points have to run
                failed.append(f"{case}, call {skip} ({undisturbed.operations[skip]}), {failure}: {error!r}")
            else:
                passed[failure] += 1
    return passed, failed


def _run(case: Case, scenario: Scenario, url: str, failure: str = "", skip: int = 0) -> _Run:
    """Runs a scenario in a new project, with a failure at the call that follows `skip` others, and checks the end."""
    with (
        tempfile.TemporaryDirectory(prefix="pulumi-truto-crash-", ignore_cleanup_errors=True) as folder,
        Sandbox(omitted_event_types=case.omitted_event_types) as sandbox,
    ):
        project = Project(case.engine, sandbox, Path(folder), provider_kind=case.provider_kind)
        stack = (DeclaredStack if case.resource == "webhook" else DeclaredDestinations)(project, url)
        for name, webhook in [*scenario.start.items(), *scenario.end.items()]:
            stack.add_stranger(name, webhook)
        if scenario.start:
            stack.declare(scenario.start)
            project.up()
            if scenario.drift:
                _drift(stack, scenario.drift)
        stack.declare(scenario.end)
        options = {"refresh": True} if scenario.drift else {}
        may_be_on: Set[str] = frozenset()
        if failure:
            disturbed = up_with_failure(project, failure, skip, stack.collection.items, **options)
            assert disturbed.operation, "the run made fewer calls than the undisturbed one"
            # Only a kill makes the run fail, and a fault of a test event, which is not repeated: it may be delivered.
            must_fail = failure.startswith("killed") or disturbed.operation == "test"
            assert bool(disturbed.error) == must_fail, disturbed.error or "the run did not fail"
            may_be_on = disturbed.may_be_on
        operations = project.up(**options).calls
        stack.check(may_be_on)
        return _Run(operations, {name: _mask(output) for name, output in project.outputs.items()})


def _drift(stack: DeclaredStack, changes: dict[str, Any]) -> None:
    for output in stack.project.outputs.values():
        if "id" in changes:
            stack.collection.remove(output["id"])
        else:
            stack.collection.edit(output["id"], changes)


def _mask(output: dict[str, Any]) -> dict[str, Any]:
    """A webhook's outputs without what differs from run to run."""
    return {name: type(value).__name__ if name in _VOLATILE else value for name, value in output.items()}


def up_with_failure(
    project: Project, failure: str, skip: int, items: Callable[[], list[Any]] | None = None, **options: Any
) -> Disturbed:
    """Runs `up` with one of the `FAILURES` at the call that follows `skip` others.

    Args:
        project: The project.
        failure: The failure.
        skip: The number of calls before it.
        items: What is created at Truto; by default webhooks.
        **options: The options of `up`.
    """
    sandbox, items = project.sandbox, items or project.sandbox.webhooks
    existing, before = {item.id for item in items()}, len(sandbox.calls)
    sandbox.inject(**FAILURES[failure], skip=skip)
    is_kill = failure.startswith("killed")
    text = ""
    with _kill_in_flight(project, before) if is_kill else nullcontext():
        try:
            project.up(**options)
        except CommandError as error:
            text = str(error)
    calls = sandbox.calls[before:]
    crashed = next((_verb(call) for call in calls if call.status in (None, 503)), "")
    created = {item.id for item in items()} - existing
    # The one window: Pulumi stores nothing of a create whose provider is killed while its last call, which switches
    # the webhook on, is in flight, or before Pulumi has the result. Killed at a create, that is one in parallel.
    in_window = is_kill and crashed in ("create", "update")
    last = {id_ for id_ in created if {_verb(call) for call in calls if call.path.endswith(id_)} == {"update"}}
    return Disturbed(crashed, text, frozenset(last if in_window else ()))


def _verb(call: Any) -> str:
    return str(call.operation).removesuffix("_destination")


@contextmanager
def _kill_in_flight(project: Project, before: int) -> Iterator[None]:
    """Kills the providers as soon as a call has no response because of a fault. The calls `before` do not count."""
    ended = threading.Event()

    def kill() -> None:
        while not ended.wait(0.002):
            if any(call.status is None for call in project.sandbox.calls[before:]):
                _kill_providers(project)
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _kill_providers(project: Project) -> None:
    if project.engine == "local":
        for process in project.stack.provider_processes():
            process.kill()
        return
    if sys.platform != "linux":
        raise NotImplementedError("only Linux shows the CLI's processes in /proc")
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode().split("\0")
    for pid, command in commands.items():
        ancestor = pid
        while ancestor and ancestor != os.getpid():
            ancestor = parents.get(ancestor, 0)
        if ancestor and _PROVIDER_MODULES & {*command}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
