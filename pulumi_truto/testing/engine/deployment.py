"""Runs one deployment: brings resources to their registered state, and deletes the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from pulumi_truto.property_values import Properties, contains_unknown
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.provider import OperationError
from pulumi_truto.testing.engine.providers import ProviderRegistry
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.settings import RunSettings
from pulumi_truto.testing.engine.snapshot import Snapshot
from pulumi_truto.testing.engine.steps import Cancelled, ProtectedResource, Steps
from pulumi_truto.testing.engine.urns import STACK_TYPE

__all__ = ["Cancelled", "Deployment"]


class Deployment:
    """One run over a stack: a preview, an update, a refresh or a destroy. Thread-safe.

    Args:
        settings: the settings of the run.
        snapshot: the stack's snapshot, on which the run has already begun.
        registry: finds and starts the providers.
        display: shows the steps and errors.
    """

    def __init__(self, settings: RunSettings, snapshot: Snapshot, registry: ProviderRegistry, display: Display) -> None:
        self._urns = settings.urns
        self._snapshot = snapshot
        self._display = display
        self._dry_run = settings.dry_run
        self._parallel = settings.parallel
        self._operation_slots = threading.Semaphore(settings.parallel)
        self._lock = threading.Lock()
        self._registry = registry
        self._steps = Steps(settings, snapshot, registry, display)
        self._registered: dict[str, Resource] = {}
        self._former_urns: dict[str, str] = {}
        self._cancelled = threading.Event()
        self._stack: Resource | None = None
        #: The outputs of the stack that the program has exported so far.
        self.outputs: Properties = {}

    def register(self, new: Resource, name: str) -> Resource:
        """Brings a resource with this name to its declared state; reads one that the stack does not manage.

        Raises:
            Cancelled: the operation failed, or the run was already over.
        """
        if new.parent in self._registered and not new.external:
            new.inherit(self._registered[new.parent])
        old = self._register_urn(new, name)
        return self._run_operation(new, lambda: self._steps.register(new, old))

    def invoke(self, token: str, arguments: Properties, provider: str, version: str) -> Properties:
        """Calls a function of a provider and returns its result.

        Raises:
            Cancelled: the call failed.
        """
        try:
            server = self._registry.find(provider, token, version)[1]
            return {} if contains_unknown(arguments) else server.invoke(token, arguments, preview=self._dry_run)
        except OperationError as error:
            self._display.error(f"{token}: {error}")
            self.cancel()
            raise Cancelled from None

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """Records the outputs of a component; those of the stack only when `record_stack_outputs` is called."""
        resource = self._snapshot.current(urn)
        assert resource is not None
        if resource.type == STACK_TYPE:
            self._stack, self.outputs = resource, outputs
        else:
            resource.outputs = outputs
            self._snapshot.save()

    def record_stack_outputs(self) -> None:
        """Records the outputs of the stack. After a failure, old outputs that the program did not export remain."""
        if self._stack is not None:
            self._stack.outputs = {**self._stack.outputs, **self.outputs} if self._display.failed else self.outputs
            self._snapshot.save()

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

    def delete_unregistered(self) -> None:
        """Deletes every resource that was not registered in this run, dependents before their dependencies.

        The dependencies of a resource that was not deleted are skipped.
        """
        skipped_urns: set[str] = set()
        for layer in reversed(_layers(self._snapshot.unvisited)):
            if self.is_cancelled:
                return
            ready = [resource for resource in layer if resource.urn not in skipped_urns]
            remaining = self._in_parallel(ready, self._steps.delete)
            for resource in layer:
                if resource in remaining or resource.urn in skipped_urns:
                    skipped_urns |= _dependency_urns(resource)

    def refresh(self) -> None:
        """Reads every resource in the state, including replaced ones that still have to be deleted."""
        self._in_parallel(self._snapshot.unvisited, self._steps.refresh)
        self._snapshot.drop_dangling_references()

    def _register_urn(self, new: Resource, name: str) -> Resource | None:
        """Gives a resource its URN, and returns the old resource that has this URN or one of its aliases."""
        if self.is_cancelled:
            raise Cancelled
        urn = new.urn = self._urns.urn(new.type, name, new.parent)
        with self._lock:
            if urn in self._registered:
                self._fail(f"Duplicate resource URN '{urn}'; try giving it a unique name")
            if urn in self._former_urns.values():
                self._fail(f"Duplicate resource URN '{urn}' conflicting with an alias of another resource")
            self._registered[urn] = new
            return self._snapshot.old(urn) or self._find_by_alias(new)

    def _find_by_alias(self, new: Resource) -> Resource | None:
        for alias in self._urns.alias_urns(new, self._former_urns):
            old = self._snapshot.old(alias)
            if old is None:
                continue
            if alias in self._registered or alias in self._former_urns.values():
                self._fail(f"Duplicate resource alias '{alias}' of '{new.urn}' conflicting with another resource")
            self._former_urns[new.urn] = alias
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
        except Cancelled:
            pass
        self.cancel()
        raise Cancelled

    def _in_parallel(self, resources: list[Resource], operation: Callable[[Resource], None]) -> list[Resource]:
        """Runs an operation on every resource, and returns those on which it failed. A failure cancels the run."""
        with ThreadPoolExecutor(self._parallel) as pool:
            succeeded = list(pool.map(lambda resource: self._attempt(resource, operation), resources))
        return [resource for resource, is_success in zip(resources, succeeded, strict=True) if not is_success]

    def _attempt(self, resource: Resource, operation: Callable[[Resource], None]) -> bool:
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


def _layers(resources: list[Resource]) -> list[list[Resource]]:
    """Groups the resources: each depends only on resources in earlier layers (Pulumi's ``ScheduleDeletes``)."""
    remaining, layers = list(resources), []
    while remaining:
        urns = {resource.urn for resource in remaining}
        # There are no dependency cycles; a cycle would be in the last layer.
        layer = [resource for resource in remaining if not _dependency_urns(resource) & urns] or remaining
        layers.append(layer)
        remaining = [resource for resource in remaining if resource not in layer]
    return layers


def _dependency_urns(resource: Resource) -> set[str]:
    """Returns the URNs that a resource depends on, without its own, which the resource that it replaced has too."""
    return {*resource.dependencies, resource.parent, resource.provider_urn} - {resource.urn, ""}
