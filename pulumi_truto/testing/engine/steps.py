"""The steps of Pulumi's engine: each calls a provider and changes the snapshot.

The models are Pulumi's ``step_generator.go`` and ``step.go``. A preview runs the same steps, but creates, updates and
deletes nothing, and changes the snapshot in memory only.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from pulumi.automation import OpType

from pulumi_truto.property_values import (
    UNKNOWN,
    Properties,
    secret_keys,
    unwrap_secrets,
    with_secrets,
    with_secrets_of,
)
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.mock_provider import AnyProvider
from pulumi_truto.testing.engine.provider import InitError, OperationError
from pulumi_truto.testing.engine.providers import ProviderRegistry
from pulumi_truto.testing.engine.replacement import (
    changed_keys,
    decide_step,
    dependents_to_replace,
    diff_resource,
    ignore_changes,
)
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.settings import RunSettings
from pulumi_truto.testing.engine.snapshot import Snapshot

__all__ = ["Cancelled", "ProtectedResource", "Steps"]


class Cancelled(Exception):
    """The run has failed or was cancelled: it starts no more operations. The display has already shown the reason."""


class ProtectedResource(OperationError):
    """A protected resource was not deleted. Nothing was attempted, so the run continues with the other resources."""


class Steps:
    """The steps of one run."""

    def __init__(self, settings: RunSettings, snapshot: Snapshot, registry: ProviderRegistry, display: Display) -> None:
        self._snapshot = snapshot
        self._registry = registry
        self._display = display
        self._dry_run = settings.dry_run
        self._import_hint = settings.providers.import_hint

    def register(self, new: Resource, old: Resource | None) -> Resource:
        """Brings a resource to its declared state, or reads an external one."""
        if new.external:
            return self._read(new, old)
        if new.is_managed:
            return self._register_managed(new, old)
        return self._register_provider(new, old) if new.is_provider else self._register_component(new, old)

    def delete(self, old: Resource) -> None:
        """Deletes a resource that is no longer registered or was replaced; only a managed one at its provider."""
        is_part_of_replacement = old.delete or old.pending_replacement
        if old.protect and not is_part_of_replacement:
            raise ProtectedResource(
                "this resource cannot be deleted because it is protected. Remove `protect` from its options and run "
                "`pulumi up` first"
            )
        self._delete_at_provider(old)
        self._snapshot.record(None, old)
        # A replacement was already counted.
        if not is_part_of_replacement:
            self._display.step(OpType.DISCARD if old.external else OpType.DELETE, old)

    def refresh(self, old: Resource) -> None:
        """Updates the state of a resource from its provider."""
        if not old.custom or old.is_provider or old.pending_replacement:
            self._display.step(OpType.SAME, old)
            return
        provider = self._registry.for_resource(old)
        id_, outputs, inputs = provider.read(old.urn, old.id, old.inputs, old.outputs)
        if not id_:
            self._snapshot.refresh(None, old)
            self._display.step(OpType.DELETE, old)
            return
        new = replace(old, id=id_, outputs=_with_secret_outputs(old, outputs))
        if inputs is not None:
            new.inputs = with_secrets_of(inputs, old.inputs)
        changed = changed_keys(old.outputs, new.outputs)
        # As in Pulumi, a managed resource has drifted only if its provider reports a diff.
        declared = replace(new, inputs=old.inputs)
        is_drifted = changed if old.external else diff_resource(provider, declared, new).changes
        self._snapshot.refresh(new, old)
        self._display.step(OpType.UPDATE if is_drifted else OpType.SAME, new, changed)

    def _read(self, new: Resource, old: Resource | None) -> Resource:
        """Reads an external resource. The stack stops managing a resource that had its URN."""
        new.provider, provider = self._registry.find(new.provider, new.type, new.version)
        if not new.id:
            raise OperationError(f"expected an id for {new.urn}")
        replaces_managed = old is not None and not old.external and old.id != new.id
        if new.id != UNKNOWN:
            id_, outputs, _ = provider.read(new.urn, new.id, new.inputs, outputs=new.inputs)
            if not id_:
                raise OperationError(f"resource '{new.id}' does not exist")
            new.id, new.outputs = id_, _with_secret_outputs(new, outputs)
        if replaces_managed:
            return self._finish(new, old, OpType.REPLACE, keep_old=True)
        # As in Pulumi's summary, a read counts only if its result differs from the previous read.
        counted = old is not None and bool(changed_keys(old.outputs, new.outputs))
        return self._finish(new, old, OpType.READ, counted=counted)

    def _register_component(self, new: Resource, old: Resource | None) -> Resource:
        is_same = old is not None and old.inputs == new.inputs
        new.outputs = dict(old.outputs) if old is not None else {}
        if new.remote and not is_same:
            provider = self._registry.find(new.provider, new.type, new.version)[1]
            new.outputs = provider.create(new, preview=self._dry_run)[1]
        return self._finish(new, old, OpType.CREATE if old is None else OpType.SAME if is_same else OpType.UPDATE)

    def _register_provider(self, new: Resource, old: Resource | None) -> Resource:
        new.inputs |= {"version": new.version} if new.version else {}
        self._registry.start(new)
        new.outputs = dict(new.inputs)
        if old is None:
            new.id = "" if self._dry_run else str(uuid.uuid4())
            return self._finish(new, None, OpType.CREATE)
        new.id = old.id
        # As in Pulumi, an input that becomes secret is not a change of a provider, unlike that of a component.
        is_same = unwrap_secrets(old.inputs) == unwrap_secrets(new.inputs)
        return self._finish(new, old, OpType.SAME if is_same else OpType.UPDATE)

    def _register_managed(self, new: Resource, old: Resource | None) -> Resource:
        new.provider, provider = self._registry.find(new.provider, new.type, new.version)
        declared = new.inputs
        needs_import = bool(new.import_id) and (old is None or old.external or old.id != new.import_id)
        if needs_import:
            old = self._import(provider, new, old)
        if old is not None and not old.external:
            new.inputs = ignore_changes(new.ignore_changes, new.inputs, old.inputs)
        new.inputs = self._check(provider, new, None if old is None or old.external else old)
        if old is None:
            return self._create(provider, new, None, OpType.CREATE)
        if old.external:  # Pulumi does not adopt a resource that it only read: it creates another one
            return self._create(provider, new, old, OpType.REPLACE, keep_old=True)
        op, delete_before_replace = decide_step(provider, new, old)
        if op is OpType.SAME:
            new.id, new.outputs = old.id, _with_secret_outputs(new, old.outputs)
            # The display has already shown an import.
            return self._finish(new, old, op, is_shown=not needs_import)
        if op is OpType.UPDATE:
            return self._update(provider, new, old)
        # As in Pulumi, the replacement is checked like a new resource: without old inputs and `ignore_changes`.
        new.inputs = declared
        return self._replace(provider, new, old, delete_before_replace=delete_before_replace)

    def _import(self, provider: AnyProvider, new: Resource, old: Resource | None) -> Resource:
        """Records the resource to import with its actual properties. As in Pulumi, an update follows if they differ."""
        if not provider.is_native:
            raise OperationError(
                f"`import_` does not work with a dynamic provider (pulumi/pulumi#16175): {self._import_hint}"
            )
        id_, outputs, inputs = provider.read(new.urn, new.import_id, {}, None)
        if not id_:
            raise OperationError(f"resource '{new.import_id}' does not exist")
        imported = replace(new, id=id_, inputs=inputs or {}, outputs=_with_secret_outputs(new, outputs))
        if old is None:
            return self._finish(imported, None, OpType.IMPORT)
        return self._finish(imported, old, OpType.REPLACE, keep_old=True)

    def _check(self, provider: AnyProvider, new: Resource, old: Resource | None) -> Properties:
        checked, failures = provider.check(new, old)
        for name, reason in failures:
            value = "[secret]" if name in secret_keys(new.inputs) else new.inputs.get(name)
            subject = f"property {name} value {{{value}}} has" if name else "this resource has"
            self._display.error(f"{subject} a problem: {reason}", new)
        # Nor does anything change if another resource has failed meanwhile, for example a second one with the same URN.
        if failures or (self._display.failed and not self._dry_run):
            raise Cancelled
        return dict(with_secrets_of(checked, new.inputs))

    def _create(
        self,
        provider: AnyProvider,
        new: Resource,
        old: Resource | None,
        op: OpType,
        *,
        keep_old: bool = False,
    ) -> Resource:
        try:
            new.id, outputs = provider.create(new, preview=self._dry_run)
        except InitError as error:
            # As in Pulumi, the new resource is saved, the run fails, and the next run updates it.
            new.id, new.outputs, new.init_errors = error.id, _with_secret_outputs(new, error.outputs), [str(error)]
            self._finish(new, old, op, keep_old=keep_old)
            raise
        new.outputs = _with_secret_outputs(new, outputs)
        # Recorded only now: if the create fails, the old resource remains the current one.
        return self._finish(new, old, op, keep_old=keep_old)

    def _update(self, provider: AnyProvider, new: Resource, old: Resource) -> Resource:
        new.id = old.id
        try:
            outputs = provider.update(new, old, preview=self._dry_run)
        except InitError as error:
            # As in Pulumi, the reported outputs are saved, the run fails, and the next run retries the update.
            new.outputs, new.init_errors = _with_secret_outputs(new, error.outputs), [str(error)]
            self._snapshot.record(new, old)
            raise
        new.outputs = _with_secret_outputs(new, outputs)
        return self._finish(new, old, OpType.UPDATE, changed_keys(old.inputs, new.inputs))

    def _replace(self, provider: AnyProvider, new: Resource, old: Resource, *, delete_before_replace: bool) -> Resource:
        if new.protect and old.protect:
            message = "this resource must be replaced, but it is protected: remove `protect` from its options first"
            if not self._dry_run:
                raise OperationError(message)
            self._display.error(message, new)
        if new.import_id and not self._dry_run:
            raise OperationError("this resource must be replaced: remove `import_` from its options first")
        new.inputs = self._check(provider, new, None)
        if not delete_before_replace:
            return self._create(provider, new, old, OpType.REPLACE, keep_old=True)
        replaced = [old, *dependents_to_replace(old, self._snapshot.unvisited, self._registry)]
        for resource in reversed(replaced):
            if not resource.pending_replacement:
                self._delete_at_provider(resource)
                resource.pending_replacement = True
                self._snapshot.save()
        return self._create(provider, new, old, OpType.REPLACE)

    def _delete_at_provider(self, old: Resource) -> None:
        if old.is_managed and not old.retain_on_delete and not old.pending_replacement and not self._dry_run:
            self._registry.for_resource(old).delete(old)

    def _finish(
        self,
        new: Resource,
        old: Resource | None,
        op: OpType,
        changed: list[str] | None = None,
        *,
        keep_old: bool = False,
        is_shown: bool = True,
        counted: bool = True,
    ) -> Resource:
        """Records and shows a successful step.

        With ``keep_old`` the old resource stays in the snapshot, to be deleted at the end of the run.
        """
        if old is not None and keep_old:
            old.delete = True
        if old is not None and old.urn != new.urn:
            self._snapshot.rename(old.urn, new.urn)
        # An unchanged resource is saved with the next change, or at the end of the run.
        self._snapshot.record(new, None if keep_old else old, save=op is not OpType.SAME)
        if is_shown:
            self._display.step(op, new, changed, counted=counted)
        return new


def _with_secret_outputs(resource: Resource, outputs: Properties) -> Properties:
    """Returns the outputs; those of secret inputs, and those named by the resource's options, as secrets."""
    return with_secrets(with_secrets_of(outputs, resource.inputs), {*resource.additional_secret_outputs})
