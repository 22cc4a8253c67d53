"""What is done with one resource: the steps of Pulumi's engine, each a call to a provider and a change of the state.

Pulumi's ``step_generator.go`` and ``step.go`` are the model. In a preview the same steps run; the state then changes
in memory only, and nothing is created, updated or deleted.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from pulumi.automation import OpType

from pulumi_truto.local_engine.display import Display
from pulumi_truto.local_engine.goal import Goal
from pulumi_truto.local_engine.ordering import dependents
from pulumi_truto.local_engine.provider_host import Diff, InitError, OperationError, Provider
from pulumi_truto.local_engine.provider_registry import ProviderRegistry
from pulumi_truto.local_engine.snapshot import Resource, Snapshot
from pulumi_truto.property_values import (
    UNKNOWN,
    Properties,
    contains_unknown,
    is_secret,
    secret_keys,
    unwrap_secrets,
    with_secrets,
)

__all__ = ["InvalidInputs", "Protected", "Steps"]


class InvalidInputs(Exception):
    """The provider refuses the inputs; the reasons have been shown."""


class Protected(OperationError):
    """A resource stays because it is protected. Nothing was tried, so that the run goes on with the others."""


class Steps:
    """The steps of one run over a stack."""

    def __init__(self, snapshot: Snapshot, registry: ProviderRegistry, display: Display, *, dry_run: bool) -> None:
        self._snapshot = snapshot
        self._registry = registry
        self._display = display
        self._dry_run = dry_run

    def register(self, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        """Brings one resource to its goal."""
        return self._register_managed(goal, new, old) if new.is_managed else self._register_plain(new, old)

    def read(self, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        """Reads a resource that this stack does not manage. One that it managed under this name is let go."""
        new.provider, provider = self._registry.for_goal(goal)
        if not new.id:
            raise OperationError(f"expected an id for {new.urn}")
        is_another = old is not None and not old.external and old.id != new.id
        if new.id != UNKNOWN:
            found, outputs, _ = provider.read(new.urn, new.id, goal.inputs, goal.inputs)
            if not found:
                raise OperationError(f"resource '{new.id}' does not exist")
            new.id, new.outputs = found, _mark(new, outputs)
        if is_another:
            return self._finish(new, old, OpType.REPLACE, keep_old=True)
        # As in Pulumi's summary: a read counts only where it found something else than the last one.
        counted = old is not None and bool(changed_keys(old.outputs, new.outputs))
        return self._finish(new, old, OpType.READ, counted=counted)

    def delete(self, old: Resource) -> None:
        """Deletes what the program no longer declares, or what was replaced. Whatever is not managed is forgotten."""
        if old.protect and not old.delete and not old.pending_replacement:
            raise Protected(
                "this resource cannot be deleted, as it is protected. Remove `protect` from its options and run "
                "`pulumi up` first"
            )
        self._delete_at_provider(old)
        self._snapshot.record(None, old)
        # The deletion of what was replaced is a part of the replacement, which is counted already.
        if not old.delete and not old.pending_replacement and not old.is_default_provider:
            self._display.step(OpType.DISCARD if old.external else OpType.DELETE, old)

    def refresh(self, old: Resource) -> None:
        """Brings the state of one resource to what there really is."""
        if not old.custom or old.is_provider or old.pending_replacement:
            self._snapshot.record(old, old)
            if not old.is_default_provider:
                self._display.step(OpType.SAME, old)
            return
        provider = self._registry.of(old)
        found, outputs, inputs = provider.read(old.urn, old.id, old.outputs, old.inputs)
        if not found:
            self._snapshot.record(None, old)
            self._display.step(OpType.DELETE, old)
            return
        new = replace(old, id=found, outputs=_mark(old, outputs))
        if inputs is not None:
            new.inputs = with_secrets(inputs, secret_keys(old.inputs))
        changed = changed_keys(old.outputs, new.outputs)
        # As Pulumi: a managed resource has changed where an update would have something to do. The same provider says.
        is_changed = bool(changed) if old.external else _diff(provider, new, old.inputs).changes
        self._snapshot.record(new, old)
        self._display.step(OpType.UPDATE if is_changed else OpType.SAME, new, changed)

    # --- the steps that a goal leads to ----------------------------------------------------------------------

    def _register_plain(self, new: Resource, old: Resource | None) -> Resource:
        """A component, or a provider instance: nothing but its place in the state."""
        new.outputs = dict(old.outputs) if old is not None and not new.is_provider else {}
        if new.is_provider:
            new.outputs = dict(new.inputs)
            new.id = old.id if old is not None else "" if self._dry_run else str(uuid.uuid4())
        op = OpType.CREATE
        if old is not None:
            # As Pulumi: an input that becomes a secret is a change of a component, and none of a provider instance.
            is_same = (
                unwrap_secrets(old.inputs) == unwrap_secrets(new.inputs)
                if new.is_provider
                else old.inputs == new.inputs
            )
            op = OpType.SAME if is_same else OpType.UPDATE
        return self._finish(new, old, op)

    def _register_managed(self, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        new.provider, provider = self._registry.for_goal(goal)
        was = old
        if goal.import_id and (old is None or old.external or old.id != goal.import_id):
            old = self._import(provider, goal, new, old)
        if old is not None and not old.external:
            new.inputs = _ignoring(goal.ignore_changes, new.inputs, old.inputs)
        new.inputs = self._check(provider, new, None if old is None or old.external else old)
        if old is None:
            return self._create(provider, new, None, OpType.CREATE)
        if old.external:  # Pulumi takes over nothing that it only read: it makes one of its own
            return self._create(provider, new, old, OpType.REPLACE, keep_old=True)
        op, before = self._compare(provider, goal, new, old)
        if op is OpType.SAME:
            new.id, new.outputs = old.id, _mark(new, old.outputs)
            return self._finish(new, old, op, shown=old is was)
        if op is OpType.UPDATE:
            return self._update(provider, new, old)
        return self._replace(provider, goal, new, old, before=before)

    def _import(self, provider: Provider, goal: Goal, new: Resource, old: Resource | None) -> Resource:
        """The resource to import, as it is. Where the program wants it otherwise, an update follows, as in Pulumi."""
        if not provider.is_native:
            raise OperationError(
                "`import_` does not work with a dynamic provider (pulumi/pulumi#16175): use `pulumi-truto import-file`"
            )
        found, outputs, inputs = provider.read(new.urn, goal.import_id, None, {})
        if not found:
            raise OperationError(f"resource '{goal.import_id}' does not exist")
        imported = replace(new, id=found, inputs=inputs or {}, outputs=_mark(new, outputs))
        if old is None:
            return self._finish(imported, None, OpType.IMPORT)
        return self._finish(imported, old, OpType.REPLACE, keep_old=True)

    def _check(self, provider: Provider, new: Resource, old: Resource | None) -> Properties:
        checked, failures = provider.check(new.urn, old.inputs if old else {}, new.inputs)
        for name, reason in failures:
            value = "[secret]" if name in secret_keys(new.inputs) else new.inputs.get(name)
            where = f"property {name} value {{{value}}} has" if name else "this resource has"
            self._display.error(f"{where} a problem: {reason}", new)
        if failures:
            raise InvalidInputs
        return with_secrets(checked, secret_keys(new.inputs))

    def _compare(self, provider: Provider, goal: Goal, new: Resource, old: Resource) -> tuple[OpType, bool]:
        """What has to be done, and whether a replacement begins with the deletion."""
        if _is_triggered(old.replacement_trigger, new.replacement_trigger):
            return OpType.REPLACE, bool(goal.delete_before_replace)
        diff = _diff(provider, old, new.inputs, new.urn)
        before = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
        if old.pending_replacement or _replaces(diff, goal.replace_on_changes):
            return OpType.REPLACE, before
        return (OpType.UPDATE if diff.changes or old.init_errors else OpType.SAME), False

    def _create(
        self, provider: Provider, new: Resource, old: Resource | None, op: OpType, *, keep_old: bool = False
    ) -> Resource:
        new.id, outputs = provider.create(new.urn, new.inputs, preview=self._dry_run)
        new.outputs = _mark(new, outputs)
        # Only now is the old one replaced: had the create failed, it would still be the one.
        return self._finish(new, old, op, keep_old=keep_old)

    def _update(self, provider: Provider, new: Resource, old: Resource) -> Resource:
        new.id = old.id
        try:
            outputs = provider.update(new.urn, old.id, old.outputs, old.inputs, new.inputs, preview=self._dry_run)
        except InitError as error:
            # As Pulumi: what the provider tells is kept, the run fails, and the next one tries an update.
            new.outputs, new.init_errors = _mark(new, error.outputs), [str(error)]
            self._snapshot.record(new, old)
            raise
        new.outputs = _mark(new, outputs)
        return self._finish(new, old, OpType.UPDATE, changed_keys(old.inputs, new.inputs))

    def _replace(self, provider: Provider, goal: Goal, new: Resource, old: Resource, *, before: bool) -> Resource:
        if new.protect and old.protect:
            message = "this resource has to be replaced, which its option `protect` forbids"
            if not self._dry_run:
                raise OperationError(message)
            self._display.error(message, new)
        if goal.import_id and not self._dry_run:
            raise OperationError("this resource has to be replaced: remove `import_` from its options first")
        # As Pulumi's engine does: what takes the place of the old one is checked as something new.
        new.inputs = self._check(provider, replace(new, inputs=goal.inputs), None)
        if not before:
            return self._create(provider, new, old, OpType.REPLACE, keep_old=True)
        for each in [*reversed(self._replaced_with(old)), old]:
            if not each.pending_replacement:
                self._delete_at_provider(each)
                each.pending_replacement = True
                self._snapshot.save()
        return self._create(provider, new, old, OpType.REPLACE)

    def _replaced_with(self, old: Resource) -> list[Resource]:
        """The dependents that have to be replaced because of a resource that is deleted before it is replaced."""
        replaced, urns = [], {old.urn}
        for each in dependents(old, self._snapshot.olds):
            inputs = {
                name: UNKNOWN if urns & {*each.property_dependencies.get(name, [])} else value
                for name, value in each.inputs.items()
            }
            if not each.is_managed or each.delete or inputs == each.inputs:
                continue
            if _replaces(_diff(self._registry.of(each), each, inputs), each.replace_on_changes):
                if each.protect:
                    raise OperationError(f"{each.urn} has to be replaced too, which its option `protect` forbids")
                replaced.append(each)
                urns.add(each.urn)
        return replaced

    def _delete_at_provider(self, old: Resource) -> None:
        if old.is_managed and not old.retain_on_delete and not old.pending_replacement and not self._dry_run:
            self._registry.of(old).delete(old.urn, old.id, old.outputs, old.inputs)

    def _finish(
        self,
        new: Resource,
        old: Resource | None,
        op: OpType,
        changed: list[str] | None = None,
        *,
        keep_old: bool = False,
        shown: bool = True,
        counted: bool = True,
    ) -> Resource:
        """Puts the resource into the state; with ``keep_old`` what it replaces stays there, to be deleted later."""
        if old is not None and keep_old:
            old.delete = True
        if old is not None and old.urn != new.urn:
            self._snapshot.rename(old.urn, new.urn)
        # What stays as it was is saved with the next change, or at the end of the run.
        self._snapshot.record(new, None if keep_old else old, save=op is not OpType.SAME)
        if shown:
            self._display.step(op, new, changed, counted=counted)
        return new


def changed_keys(old: Properties, new: Properties) -> list[str]:
    """The properties that differ, Pulumi's own left aside. What is not known yet counts as different."""
    return sorted(
        key
        for key in {*old, *new}
        if not key.startswith("__")
        and (unwrap_secrets(old.get(key)) != unwrap_secrets(new.get(key)) or contains_unknown(new.get(key)))
    )


def _diff(provider: Provider, old: Resource, inputs: Properties, urn: str = "") -> Diff:
    """What the provider says, or where it says nothing what the inputs show."""
    diff = provider.diff(urn or old.urn, old.id, old.outputs, old.inputs, inputs)
    if diff.changes is not None:
        return diff
    keys = changed_keys(old.inputs, inputs)
    return replace(diff, changes=bool(keys), keys=frozenset(keys))


def _replaces(diff: Diff, replace_on_changes: list[str]) -> bool:
    """As in Pulumi's engine: the option goes by the keys that the provider names. A dynamic provider names none."""
    forced = (diff.keys and "*" in replace_on_changes) or diff.keys & set(replace_on_changes)
    return bool(diff.changes and (diff.replaces or forced))


def _is_triggered(old: Any, new: Any) -> bool:
    """Whether the replacement trigger has changed. One that is added or removed replaces nothing."""
    if contains_unknown(old) or contains_unknown(new):
        return True
    old, new = _forget_secrets(old), unwrap_secrets(new)
    return old is not None and new is not None and old != new


def _forget_secrets(trigger: Any) -> Any:
    """The trigger as Pulumi reads it from its state: what is secret in it is null (measured with 3.260)."""
    if is_secret(trigger):
        return None
    if isinstance(trigger, dict):
        return {name: _forget_secrets(each) for name, each in trigger.items()}
    return [_forget_secrets(each) for each in trigger] if isinstance(trigger, list) else trigger


def _mark(resource: Resource, outputs: Properties) -> Properties:
    """The outputs with those made secret that have to be."""
    return with_secrets(outputs, {*resource.additional_secret_outputs, *secret_keys(resource.inputs)})


def _ignoring(names: list[str], inputs: Properties, old: Properties) -> Properties:
    """The inputs with these as they were: the option ``ignore_changes``."""
    kept = {name: old[name] for name in names if name in old}
    return {**{name: value for name, value in inputs.items() if name not in names}, **kept}
