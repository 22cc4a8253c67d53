"""The engine proper: what the program wants, compared with the state, turned into steps.

Knows nothing of gRPC, processes or files: those are monitor.py, providers.py and state.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from pulumi.automation import ConfigValue

from pulumi_truto.local_engine.display import Display
from pulumi_truto.local_engine.goal import Goal, inherit
from pulumi_truto.local_engine.ordering import run_in_dependency_order, run_in_parallel
from pulumi_truto.local_engine.provider_host import OperationError, ProviderHost
from pulumi_truto.local_engine.provider_registry import ProviderRegistry
from pulumi_truto.local_engine.snapshot import Resource, Snapshot
from pulumi_truto.local_engine.steps import InvalidInputs, Protected, Steps
from pulumi_truto.local_engine.urns import STACK_TYPE, Namer
from pulumi_truto.property_values import Properties, contains_unknown

__all__ = ["Cancelled", "Deployment"]


class Cancelled(Exception):
    """The run is over, by a failure or a request to stop: nothing new is begun."""


class Deployment:
    """One run over a stack: a preview, an update, a refresh or a destroy.

    Args:
        project: the project's name.
        stack: the stack's name.
        config: the stack's configuration, keys with their namespace.
        state: the stack's state, already begun.
        host: makes and keeps the provider processes.
        journal: is told everything.
        dry_run: a preview: nothing is changed, neither in the state's file nor anywhere else.
        parallel: how many provider operations may be under way at once.
    """

    def __init__(
        self,
        *,
        project: str,
        stack: str,
        config: Mapping[str, ConfigValue],
        snapshot: Snapshot,
        host: ProviderHost,
        display: Display,
        dry_run: bool,
        parallel: int,
    ) -> None:
        self._namer = Namer(stack, project)
        self._snapshot = snapshot
        self._display = display
        self._dry_run = dry_run
        self._slots = threading.Semaphore(parallel)
        self._parallel = parallel
        self._lock = threading.Lock()
        self._registry = ProviderRegistry(self._namer, config, snapshot, host)
        self._steps = Steps(snapshot, self._registry, display, dry_run=dry_run)
        self._goals: dict[str, Goal] = {}
        self._renamed: dict[str, str] = {}
        self._stopped = threading.Event()
        self._stack_outputs: tuple[str, Properties] | None = None

    # --- what the program asks for -------------------------------------------------------------------------

    def register(self, goal: Goal) -> Resource:
        """Brings one resource to its goal. Raises `Cancelled` where that failed or the run is over."""
        if goal.parent in self._goals:
            goal = inherit(goal, self._goals[goal.parent])
        urn, old = self._register_urn(goal)
        new = Resource(
            urn=urn,
            type=goal.type,
            custom=goal.custom,
            inputs=goal.inputs,
            parent=goal.parent,
            dependencies=goal.dependencies,
            property_dependencies=goal.property_dependencies,
            ignore_changes=goal.ignore_changes,
            replace_on_changes=goal.replace_on_changes,
            additional_secret_outputs=goal.additional_secret_outputs,
            protect=bool(goal.protect),
            retain_on_delete=bool(goal.retain_on_delete),
            replacement_trigger=goal.replacement_trigger,
        )
        return self._guarded(new, lambda: self._steps.register(goal, new, old))

    def read(self, goal: Goal, id_: str) -> Resource:
        """Reads a resource that exists and that this stack does not manage."""
        urn, old = self._register_urn(goal)
        new = Resource(
            urn=urn,
            type=goal.type,
            custom=True,
            id=id_,
            inputs=goal.inputs,
            parent=goal.parent,
            dependencies=goal.dependencies,
            additional_secret_outputs=goal.additional_secret_outputs,
            external=True,
        )
        return self._guarded(new, lambda: self._steps.read(goal, new, old))

    def invoke(self, token: str, arguments: Properties, provider: str) -> Properties:
        """Calls a function of a provider."""
        goal = Goal(type=token, name="", custom=True, inputs={}, provider=provider)
        try:
            if contains_unknown(arguments):
                return {}
            return self._registry.for_goal(goal)[1].invoke(token, arguments, preview=self._dry_run)
        except OperationError as error:
            self._display.error(f"{token}: {error}")
            self.stop()
            raise Cancelled from None

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """The outputs of a component. Those of the stack itself are settled when it is known how the run ended."""
        resource = self._snapshot.now(urn)
        assert resource is not None
        if resource.type == STACK_TYPE:
            self._stack_outputs = urn, outputs
        else:
            resource.outputs = outputs
            self._snapshot.save()

    @property
    def outputs(self) -> Properties:
        """The outputs of the stack, as far as the program has come to them."""
        return self._stack_outputs[1] if self._stack_outputs is not None else {}

    def settle_outputs(self) -> None:
        """Keeps the outputs of the stack. After a failure a missing one says nothing: the earlier ones stay."""
        if self._stack_outputs is None:
            return
        urn, outputs = self._stack_outputs
        resource = self._snapshot.now(urn)
        assert resource is not None
        resource.outputs = {**resource.outputs, **outputs} if self._display.failed else outputs
        self._snapshot.save()

    @property
    def is_stopped(self) -> bool:
        """Whether the run has failed or was asked to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begins nothing any more; what is under way goes on to its end."""
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Waits for the operations under way, that long at the most."""
        until = time.monotonic() + seconds
        taken = sum(self._slots.acquire(timeout=max(0.0, until - time.monotonic())) for _ in range(self._parallel))
        if taken:  # what still waits for a slot has to learn that the run is over, or its thread never ends
            self._slots.release(taken)

    # --- what happens to what the program no longer asks for -----------------------------------------------

    def delete_unregistered(self) -> None:
        """Deletes every resource that was not asked for in this run, dependents before what they depend on."""
        run_in_dependency_order(
            self._snapshot.olds,
            lambda each: self._attempt(each, self._steps.delete),
            self._parallel,
            lambda: not self.is_stopped,
        )

    def refresh(self) -> None:
        """Reads every resource of the state anew, also those that are replaced already and still there."""
        run_in_parallel(self._snapshot.olds, lambda each: self._attempt(each, self._steps.refresh), self._parallel)

    # --- helpers -------------------------------------------------------------------------------------------

    def _register_urn(self, goal: Goal) -> tuple[str, Resource | None]:
        """The URN of a resource that the program asks for, and what the state has of it, also under a former name."""
        if self._stopped.is_set():
            raise Cancelled
        urn = self._namer.urn(goal.type, goal.name, goal.parent)
        with self._lock:
            if urn in self._goals:
                self._refuse(f"duplicate resource URN '{urn}'; try giving it a unique name")
            if urn in self._renamed.values():
                self._refuse(f"duplicate resource: '{urn}' is a former name of another resource, by its `aliases`")
            self._goals[urn] = goal
            former = self._namer.former_urns(goal.type, goal.name, goal.parent, goal.aliases, self._renamed)
            for each in [urn, *former]:
                old = self._snapshot.before(each)
                if old is not None and each != urn:
                    if each in self._goals or each in self._renamed.values():
                        self._refuse(f"duplicate resource: '{each}', a former name of '{urn}', is another resource too")
                    self._renamed[urn] = each
                if old is not None:
                    return urn, old
        return urn, None

    def _refuse(self, message: str) -> None:
        self._display.error(message)
        self.stop()
        raise Cancelled

    def _guarded(self, resource: Resource, run: Callable[[], Resource]) -> Resource:
        """Runs one operation; its failure stops the run, after what else is under way."""
        try:
            with self._slots:
                if self._stopped.is_set():
                    raise Cancelled
                return run()
        except (OperationError, OSError) as error:  # OSError: the state cannot be saved
            self._display.error(str(error), resource)
            self.stop()
            raise Cancelled from None
        except InvalidInputs:
            self.stop()
            raise Cancelled from None

    def _attempt(self, resource: Resource, work: Callable[[Resource], None]) -> bool:
        """Whether the work was done; a failure stops the run."""
        if self._stopped.is_set():
            return False
        try:
            work(resource)
        except (OperationError, OSError) as error:
            self._display.error(str(error), resource)
            if not isinstance(error, Protected):
                self.stop()
            return False
        return True
