"""Runs one deployment: brings the registered resources to their goals, and deletes the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from pulumi_truto.property_values import Properties, contains_unknown
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.goal import Goal, inherit_options
from pulumi_truto.testing.engine.ordering import run_in_dependency_order, run_in_parallel
from pulumi_truto.testing.engine.provider import OperationError
from pulumi_truto.testing.engine.provider_host import ProviderHost
from pulumi_truto.testing.engine.provider_registry import ProviderRegistry
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.run_settings import RunSettings
from pulumi_truto.testing.engine.snapshot import Snapshot
from pulumi_truto.testing.engine.steps import InvalidInputs, ProtectedResource, Steps
from pulumi_truto.testing.engine.urns import STACK_TYPE, UrnBuilder

__all__ = ["Cancelled", "Deployment"]


class Cancelled(Exception):
    """The run has failed or was cancelled: it starts no more operations."""


class Deployment:
    """One run over a stack: a preview, an update, a refresh or a destroy. Thread-safe.

    Args:
        settings: the settings of the run.
        snapshot: the stack's snapshot, on which the run has already begun.
        host: starts the provider processes.
        display: shows the steps and errors.
    """

    def __init__(self, settings: RunSettings, snapshot: Snapshot, host: ProviderHost, display: Display) -> None:
        self._urns = UrnBuilder(settings.stack, settings.project)
        self._snapshot = snapshot
        self._display = display
        self._dry_run = settings.dry_run
        self._parallel = settings.parallel
        self._operation_slots = threading.Semaphore(settings.parallel)
        self._lock = threading.Lock()
        self._registry = ProviderRegistry(self._urns, settings.config, snapshot, host)
        self._steps = Steps(snapshot, self._registry, display, dry_run=settings.dry_run)
        self._goals: dict[str, Goal] = {}
        self._former_urns: dict[str, str] = {}
        self._cancelled = threading.Event()
        self._stack_outputs: tuple[str, Properties] | None = None

    # --- requests of the program ---------------------------------------------------------------------------

    def register(self, goal: Goal) -> Resource:
        """Brings a resource to its goal.

        Raises:
            Cancelled: the operation failed, or the run was already over.
        """
        if goal.parent in self._goals:
            goal = inherit_options(goal, self._goals[goal.parent])
        urn, old = self._register_urn(goal)
        new = goal.to_resource(urn)
        return self._run_operation(new, lambda: self._steps.register(goal, new, old))

    def read(self, goal: Goal, id_: str) -> Resource:
        """Reads an external resource: one that exists and is not managed by this stack.

        Raises:
            Cancelled: the operation failed, or the run was already over.
        """
        urn, old = self._register_urn(goal)
        new = replace(goal.to_resource(urn), id=id_, external=True)
        return self._run_operation(new, lambda: self._steps.read(goal, new, old))

    def invoke(self, token: str, arguments: Properties, provider: str) -> Properties:
        """Calls a function of a provider and returns its result.

        Raises:
            Cancelled: the call failed.
        """
        goal = Goal(type=token, name="", custom=True, inputs={}, provider=provider)
        try:
            if contains_unknown(arguments):
                return {}
            return self._registry.for_goal(goal)[1].invoke(token, arguments, preview=self._dry_run)
        except OperationError as error:
            self._display.error(f"{token}: {error}")
            self.cancel()
            raise Cancelled from None

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """Records the outputs of a component; those of the stack only when `record_stack_outputs` is called."""
        resource = self._snapshot.current(urn)
        assert resource is not None
        if resource.type == STACK_TYPE:
            self._stack_outputs = urn, outputs
        else:
            resource.outputs = outputs
            self._snapshot.save()

    @property
    def outputs(self) -> Properties:
        """The outputs of the stack that the program has exported so far."""
        return self._stack_outputs[1] if self._stack_outputs is not None else {}

    def record_stack_outputs(self) -> None:
        """Records the outputs of the stack. After a failure, old outputs that the program did not export remain."""
        if self._stack_outputs is None:
            return
        urn, outputs = self._stack_outputs
        resource = self._snapshot.current(urn)
        assert resource is not None
        resource.outputs = {**resource.outputs, **outputs} if self._display.failed else outputs
        self._snapshot.save()

    # --- cancellation --------------------------------------------------------------------------------------

    @property
    def is_cancelled(self) -> bool:
        """Whether the run has failed or was cancelled."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Starts no more operations; those in flight finish."""
        self._cancelled.set()

    def wait_for_operations(self, timeout_seconds: float) -> None:
        """Waits until no operation is in flight, or until the timeout."""
        deadline = time.monotonic() + timeout_seconds
        acquired = sum(
            self._operation_slots.acquire(timeout=max(0.0, deadline - time.monotonic())) for _ in range(self._parallel)
        )
        if acquired:  # threads that still wait for a slot must find out that the run is over, or they never end
            self._operation_slots.release(acquired)

    # --- resources that the program does not register ------------------------------------------------------

    def delete_unregistered(self) -> None:
        """Deletes every resource that was not registered in this run, dependents before their dependencies."""
        run_in_dependency_order(
            self._snapshot.unvisited,
            lambda resource: self._attempt(resource, self._steps.delete),
            self._parallel,
            lambda: not self.is_cancelled,
        )

    def refresh(self) -> None:
        """Reads every resource in the state, including replaced ones that still have to be deleted."""
        run_in_parallel(
            self._snapshot.unvisited, lambda resource: self._attempt(resource, self._steps.refresh), self._parallel
        )

    # --- helpers -------------------------------------------------------------------------------------------

    def _register_urn(self, goal: Goal) -> tuple[str, Resource | None]:
        """Registers the URN of a goal and returns it with the old resource that has this URN or one of its aliases."""
        if self.is_cancelled:
            raise Cancelled
        urn = self._urns.urn(goal.type, goal.name, goal.parent)
        with self._lock:
            if urn in self._goals:
                self._fail(f"duplicate resource URN '{urn}'; try giving it a unique name")
            if urn in self._former_urns.values():
                self._fail(f"duplicate resource: '{urn}' is an alias of another resource")
            self._goals[urn] = goal
            old = self._snapshot.old(urn)
            return urn, self._find_by_alias(urn, goal) if old is None else old

    def _find_by_alias(self, urn: str, goal: Goal) -> Resource | None:
        for alias in self._urns.alias_urns(goal.type, goal.name, goal.parent, goal.aliases, self._former_urns):
            old = self._snapshot.old(alias)
            if old is None:
                continue
            if alias in self._goals or alias in self._former_urns.values():
                self._fail(f"duplicate resource: '{alias}', an alias of '{urn}', belongs to another resource")
            self._former_urns[urn] = alias
            return old
        return None

    def _fail(self, message: str) -> NoReturn:
        self._display.error(message)
        self.cancel()
        raise Cancelled

    def _run_operation(self, resource: Resource, operation: Callable[[], Resource]) -> Resource:
        """Runs an operation for the program in one of the parallel slots. A failure cancels the run."""
        try:
            with self._operation_slots:
                if self.is_cancelled:
                    raise Cancelled
                return operation()
        except (OperationError, OSError) as error:  # OSError: the state cannot be saved
            self._display.error(str(error), resource)
        except InvalidInputs:
            pass  # the display has already shown the reasons
        self.cancel()
        raise Cancelled

    def _attempt(self, resource: Resource, operation: Callable[[Resource], None]) -> bool:
        """Runs an operation and returns whether it succeeded. A failure cancels the run."""
        if self.is_cancelled:
            return False
        try:
            operation(resource)
        except (OperationError, OSError) as error:
            self._display.error(str(error), resource)
            if not isinstance(error, ProtectedResource):
                self.cancel()
            return False
        return True
