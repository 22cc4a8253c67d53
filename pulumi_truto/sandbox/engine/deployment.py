"""The engine proper: what the program wants, compared with the state, turned into calls to providers.

Knows nothing of gRPC, processes or files: those are monitor.py, providers.py and state.py.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from pulumi.automation import ConfigValue, OpType

from pulumi_truto.sandbox.engine.goal import Goal
from pulumi_truto.sandbox.engine.journal import Journal
from pulumi_truto.sandbox.engine.ordering import each_at_once, each_in_order
from pulumi_truto.sandbox.engine.providers import OperationError, Provider, ProviderHost, default_config
from pulumi_truto.sandbox.engine.state import Resource, State
from pulumi_truto.values import (
    UNKNOWN,
    Properties,
    has_unknown,
    reveal,
    secret,
    secret_keys,
    with_secrets,
)

__all__ = ["Deployment", "Stopped"]

STACK_TYPE = "pulumi:pulumi:Stack"


class Stopped(Exception):
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
        dry_run: a preview: nothing is changed, neither in the state nor anywhere else.
        parallel: how many provider operations may be under way at once.
    """

    def __init__(
        self,
        *,
        project: str,
        stack: str,
        config: Mapping[str, ConfigValue],
        state: State,
        host: ProviderHost,
        journal: Journal,
        dry_run: bool,
        parallel: int,
    ) -> None:
        self._prefix = f"urn:pulumi:{stack}::{project}::"
        self._config = config
        self._state = state
        self._host = host
        self._journal = journal
        self._dry_run = dry_run
        self._slots = threading.Semaphore(parallel)
        self._parallel = parallel
        self._lock = threading.Lock()
        self._current: dict[str, Resource] = {}
        self._seen: set[str] = set()
        self._stopped = threading.Event()
        self.outputs: Properties = {}

    # --- what the program asks for -------------------------------------------------------------------------

    def register(self, goal: Goal) -> Resource:
        """Brings one resource to its goal. Raises `Stopped` where that failed or the run is over."""
        urn, old = self._claim(goal.type, goal.name, goal.parent)
        new = Resource(
            urn=urn,
            type=goal.type,
            custom=goal.custom,
            inputs=goal.inputs,
            parent=goal.parent,
            dependencies=goal.dependencies,
            additional_secret_outputs=goal.additional_secret_outputs,
            protect=goal.protect,
            retain_on_delete=goal.retain_on_delete,
            replacement_trigger=goal.replacement_trigger,
        )
        if not new.is_managed:
            return self._guarded(new, lambda: self._register_plain(new, old))
        return self._guarded(new, lambda: self._register_managed(goal, new, old))

    def read(self, goal: Goal, id_: str) -> Resource:
        """Reads a resource that exists and that this stack does not manage."""
        urn, old = self._claim(goal.type, goal.name, goal.parent)
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

        def run() -> Resource:
            if old is not None and not old.external:
                raise OperationError("the local engine cannot turn a managed resource into one that is only read")
            new.provider, provider = self._provider_for(goal)
            if id_ in (UNKNOWN, ""):
                new.id = ""
            else:
                found, outputs, _ = provider.read(urn, id_, None, goal.inputs)
                if not found:
                    raise OperationError(f"resource '{id_}' does not exist")
                new.outputs = self._mark(new, outputs)
            self._finish(new, old, OpType.READ)
            return new

        return self._guarded(new, run)

    def invoke(self, token: str, arguments: Properties, provider: str) -> Properties:
        """Calls a function of a provider."""
        goal = Goal(type=token, name="", custom=True, inputs={}, provider=provider)
        try:
            if has_unknown(arguments):
                return {}
            return self._provider_for(goal)[1].invoke(token, arguments, preview=self._dry_run)
        except OperationError as error:
            self._journal.error(f"{token}: {error}")
            self.stop()
            raise Stopped from None

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """The outputs of a component; those of the stack itself are what the user sees."""
        resource = self._current[urn]
        resource.outputs = outputs
        if resource.type == STACK_TYPE:
            self.outputs = outputs
        if not self._dry_run:
            self._state.save()

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

    def delete_rest(self) -> None:
        """Deletes every resource that was not asked for in this run, dependents before what they depend on."""
        doomed = [each for each in self._state.olds if each.delete or each.urn not in self._seen]
        protected = [each for each in doomed if each.protect]
        for each in protected:
            self._journal.error(
                "this resource cannot be deleted, as it is protected. Remove `protect` from its options and run "
                "`pulumi up` first",
                each,
            )
        if protected:
            self.stop()
            return
        each_in_order(
            list(reversed(doomed)),
            lambda each: self._attempt(each, self._delete),
            self._parallel,
            lambda: not self.is_stopped,
        )

    def refresh(self) -> None:
        """Reads every resource of the state anew."""
        resources = [each for each in self._state.olds if not each.delete]
        each_at_once(resources, lambda each: self._attempt(each, self._refresh), self._parallel)

    # --- one resource --------------------------------------------------------------------------------------

    def _register_plain(self, new: Resource, old: Resource | None) -> Resource:
        """A component, or a provider instance: nothing but its place in the state."""
        new.outputs = dict(old.outputs) if old is not None and not new.is_provider else {}
        if new.is_provider:
            new.outputs = dict(new.inputs)
            new.id = old.id if old is not None else "" if self._dry_run else str(uuid.uuid4())
        op = OpType.CREATE
        if old is not None:
            op = OpType.SAME if reveal(old.inputs) == reveal(new.inputs) else OpType.UPDATE
        self._finish(new, old, op)
        return new

    def _register_managed(self, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        if old is not None and old.external:
            raise OperationError("the local engine cannot take over a resource that was only read before")
        new.provider, provider = self._provider_for(goal)
        is_imported = bool(goal.import_id) and (old is None or old.id != goal.import_id)
        if is_imported:
            old = self._import(provider, goal, new, old)
        if old is not None:
            for name in goal.ignore_changes:
                _reset(new.inputs, old.inputs, name)
        declared = new.inputs
        new.inputs = self._check(provider, new, old)
        if old is None:
            return self._create(provider, new, None, OpType.CREATE)
        op, before = self._compare(provider, goal, new, old)
        if op is OpType.SAME:
            new.id, new.outputs = old.id, self._mark(new, old.outputs)
            self._finish(new, old, None if is_imported else op)
            return new
        if op is OpType.UPDATE:
            return self._update(provider, new, old)
        if old.protect:
            raise OperationError("this resource has to be replaced, which its option `protect` forbids")
        # As Pulumi's engine does: what takes the place of the old one is checked as something new.
        new.inputs = self._check(provider, replace(new, inputs=declared), None)
        if before:
            self._delete(old, count=False)
            return self._create(provider, new, old, OpType.REPLACE)
        return self._create(provider, new, None, OpType.REPLACE, replaced=old)

    def _import(self, provider: Provider, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        """The resource to import, as it is. Where the program wants it otherwise, an update follows, as in Pulumi."""
        if old is not None:
            raise OperationError("the local engine cannot replace a resource by an imported one")
        if not provider.is_native:
            raise OperationError(
                "`import_` does not work with a dynamic provider (pulumi/pulumi#16175): use `adopt` instead"
            )
        found, outputs, inputs = provider.read(new.urn, goal.import_id, None, {})
        if not found:
            raise OperationError(f"resource '{goal.import_id}' does not exist")
        imported = replace(new, id=found, inputs=inputs or {}, outputs=self._mark(new, outputs))
        self._finish(imported, None, OpType.IMPORT)
        return imported

    def _check(self, provider: Provider, new: Resource, old: Resource | None) -> Properties:
        checked, failures = provider.check(new.urn, old.inputs if old else {}, new.inputs)
        for name, reason in failures:
            value = "[secret]" if name in secret_keys(new.inputs) else new.inputs.get(name)
            where = f"property {name} value {{{value}}} has" if name else "this resource has"
            self._journal.error(f"{where} a problem: {reason}", new)
        if failures:
            raise Stopped
        return with_secrets(checked, secret_keys(new.inputs))

    def _compare(self, provider: Provider, goal: Goal, new: Resource, old: Resource) -> tuple[OpType, bool]:
        """What has to be done, and whether a replacement begins with the deletion."""
        diff = provider.diff(new.urn, old.id, old.outputs, old.inputs, new.inputs)
        if old.replacement_trigger is not None and reveal(new.replacement_trigger) != reveal(old.replacement_trigger):
            return OpType.REPLACE, bool(goal.delete_before_replace)
        if not (diff.changes if diff.changes is not None else _changed(old.inputs, new.inputs)):
            return OpType.SAME, False
        before = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        # As in Pulumi's engine: it goes by the keys that the provider names. A dynamic provider names none.
        forced = (diff.keys and "*" in goal.replace_on_changes) or diff.keys & set(goal.replace_on_changes)
        return (OpType.REPLACE if diff.replaces or forced else OpType.UPDATE), before

    def _create(
        self, provider: Provider, new: Resource, old: Resource | None, op: OpType, replaced: Resource | None = None
    ) -> Resource:
        new.id, outputs = provider.create(new.urn, new.inputs, preview=self._dry_run)
        new.outputs = self._mark(new, outputs)
        if replaced is not None and not self._dry_run:
            replaced.delete = True  # only now: had the create failed, the old one would still be the one
        self._finish(new, old, op)
        return new

    def _update(self, provider: Provider, new: Resource, old: Resource) -> Resource:
        new.id = old.id
        outputs = provider.update(new.urn, old.id, old.outputs, old.inputs, new.inputs, preview=self._dry_run)
        new.outputs = self._mark(new, outputs)
        self._finish(new, old, OpType.UPDATE, _changed(old.inputs, new.inputs))
        return new

    def _delete(self, old: Resource, count: bool = True) -> None:
        if old.is_managed and not old.retain_on_delete and not self._dry_run:
            self._provider_of(old).delete(old.urn, old.id, old.outputs, old.inputs)
        if not self._dry_run:
            self._state.settle(None, old)
        # The deletion of what was replaced is a part of the replacement, which is counted already.
        if count and not old.delete and not _is_default(old):
            self._journal.step(OpType.DISCARD if old.external else OpType.DELETE, old)

    def _refresh(self, old: Resource) -> None:
        if not old.custom or old.is_provider:
            self._state.settle(old, old)
            if not _is_default(old):
                self._journal.step(OpType.SAME, old)
            return
        found, outputs, inputs = self._provider_of(old).read(old.urn, old.id, old.outputs, old.inputs)
        if not found:
            self._state.settle(None, old)
            self._journal.step(OpType.DELETE, old)
            return
        new = replace(old, id=found, outputs=self._mark(old, outputs))
        if inputs is not None:
            new.inputs = with_secrets(inputs, secret_keys(old.inputs))
        changed = _changed(old.outputs, new.outputs)
        self._state.settle(new, old)
        self._journal.step(OpType.UPDATE if changed else OpType.SAME, new, changed)

    # --- providers -----------------------------------------------------------------------------------------

    def _provider_for(self, goal: Goal) -> tuple[str, Provider]:
        """The reference and the process of the provider that the goal names, or of the default one."""
        package = goal.type.split("$")[-1].split(":")[0]
        if goal.provider:
            resource = self._current[goal.provider.rpartition("::")[0]]
        else:
            resource = self._default_provider(package)
        return f"{resource.urn}::{resource.id or UNKNOWN}", self._process(resource)

    def _provider_of(self, resource: Resource) -> Provider:
        """The provider of a resource in the state, with the settings of this run if the program was run."""
        urn = resource.provider.rpartition("::")[0]
        known = self._current.get(urn) or next((each for each in self._state.resources if each.urn == urn), None)
        if known is None:
            raise OperationError(f"the state has no provider {urn}")
        return self._process(known)

    def _process(self, resource: Resource) -> Provider:
        package = resource.type.removeprefix("pulumi:providers:")
        return self._host.get(resource.urn, package, resource.inputs)

    def _default_provider(self, package: str) -> Resource:
        """The default provider of a package, with its part of the stack's configuration."""
        type_ = f"pulumi:providers:{package}"
        urn = self._urn(type_, "default", "")
        with self._lock:
            if urn not in self._current:
                config = default_config(
                    package,
                    {key: secret(each.value) if each.secret else each.value for key, each in self._config.items()},
                )
                old = next((each for each in self._state.olds if each.urn == urn), None)
                id_ = old.id if old else str(uuid.uuid4())
                new = Resource(urn=urn, type=type_, custom=True, id=id_, inputs=config, outputs=config)
                self._seen.add(urn)
                self._current[urn] = new
                if not self._dry_run:
                    self._state.settle(new, old)
            return self._current[urn]

    # --- helpers -------------------------------------------------------------------------------------------

    def _claim(self, type_: str, name: str, parent: str) -> tuple[str, Resource | None]:
        """The URN of a resource that the program asks for, and what the state has of it."""
        if self._stopped.is_set():
            raise Stopped
        urn = self._urn(type_, name, parent)
        with self._lock:
            if urn in self._seen:
                self._journal.error(f"duplicate resource URN '{urn}'; try giving it a unique name")
                self.stop()
                raise Stopped
            self._seen.add(urn)
        return urn, next((each for each in self._state.olds if each.urn == urn and not each.delete), None)

    def _urn(self, type_: str, name: str, parent: str) -> str:
        parent_type = parent.split("::")[2] if parent else ""
        if parent_type and parent_type != STACK_TYPE:
            type_ = f"{parent_type}${type_}"
        return f"{self._prefix}{type_}::{name}"

    def _mark(self, resource: Resource, outputs: Properties) -> Properties:
        names = {*resource.additional_secret_outputs, *secret_keys(resource.inputs)}
        return with_secrets(outputs, names)

    def _finish(self, new: Resource, old: Resource | None, op: OpType | None, changed: list[str] | None = None) -> None:
        with self._lock:
            self._current[new.urn] = new
        if not self._dry_run:
            # What stays as it was is saved with the next change, or at the end of the run.
            self._state.settle(new, old, save=op is not OpType.SAME)
        if op is not None:
            self._journal.step(op, new, changed)

    def _guarded(self, resource: Resource, run: Callable[[], Resource]) -> Resource:
        """Runs one operation; its failure stops the run, after what else is under way."""
        try:
            with self._slots:
                if self._stopped.is_set():
                    raise Stopped
                return run()
        except (OperationError, OSError) as error:  # OSError: the state cannot be saved
            self._journal.error(str(error), resource)
            self.stop()
            raise Stopped from None
        except Stopped:
            self.stop()
            raise

    def _attempt(self, resource: Resource, work: Callable[[Resource], None]) -> None:
        if self._stopped.is_set():
            return
        try:
            work(resource)
        except (OperationError, OSError) as error:
            self._journal.error(str(error), resource)
            self.stop()


def _is_default(resource: Resource) -> bool:
    return resource.is_provider and resource.name == "default"


def _changed(old: Properties, new: Properties) -> list[str]:
    """The properties that differ, Pulumi's own left aside. What is not known yet counts as different."""
    return sorted(
        key
        for key in {*old, *new}
        if not key.startswith("__") and (reveal(old.get(key)) != reveal(new.get(key)) or has_unknown(new.get(key)))
    )


def _reset(inputs: Properties, old: Properties, name: str) -> None:
    """Takes one input as it was: the option ``ignore_changes``."""
    if name in old:
        inputs[name] = old[name]
    else:
        inputs.pop(name, None)
