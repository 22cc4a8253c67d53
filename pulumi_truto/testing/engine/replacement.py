"""Decides whether a resource stays the same, is updated or is replaced, as Pulumi's ``step_generator.go`` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pulumi.automation import OpType

from pulumi_truto.property_values import UNKNOWN, Properties, contains_unknown, is_secret, unwrap_secrets
from pulumi_truto.testing.engine import property_paths
from pulumi_truto.testing.engine.mock_provider import AnyProvider
from pulumi_truto.testing.engine.provider import DiffResult, OperationError
from pulumi_truto.testing.engine.providers import ProviderRegistry
from pulumi_truto.testing.engine.resource import Resource

__all__ = ["changed_keys", "decide_step", "dependents_to_replace", "diff_resource", "ignore_changes"]


def changed_keys(old: Properties, new: Properties) -> list[str]:
    """Returns the properties that differ, without Pulumi's internal ones. An unknown value counts as different."""
    return sorted({str(path[0]) for path in _changed_paths(old, new)})


def _changed_paths(old: Properties, new: Properties) -> list[property_paths.Path]:
    return [path for path in property_paths.changed_paths(old, new) if not str(path[0]).startswith("__")]


def diff_resource(provider: AnyProvider, new: Resource, old: Resource) -> DiffResult:
    """Returns the provider's diff or, if the provider leaves it to the engine, a comparison of the inputs."""
    result = provider.diff(new, old)
    if result.changes is not None:
        return result
    paths = _changed_paths(old.inputs, ignore_changes(new.ignore_changes, new.inputs, old.inputs))
    return replace(result, changes=bool(paths), changed_paths=paths)


def ignore_changes(paths: Iterable[str], inputs: Properties, old_inputs: Properties) -> Properties:
    """Returns the inputs with the old values at some paths: the option ``ignore_changes``."""
    for path in paths:
        inputs = property_paths.reset(inputs, old_inputs, property_paths.parse(path))
    return inputs


def decide_step(provider: AnyProvider, new: Resource, old: Resource) -> tuple[OpType, bool]:
    """Returns the step that brings a managed resource from its old state to its declared state.

    It is `OpType.SAME`, `OpType.UPDATE` or `OpType.REPLACE`, with whether a replacement first deletes the old resource.
    """
    if _is_trigger_changed(old.replacement_trigger, new.replacement_trigger):
        return OpType.REPLACE, bool(new.delete_before_replace)
    diff = diff_resource(provider, new, old)
    if old.pending_replacement or _requires_replacement(diff, new.replace_on_changes):
        option = new.delete_before_replace
        return OpType.REPLACE, diff.delete_before_replace if option is None else option
    return OpType.UPDATE if diff.changes or old.init_errors else OpType.SAME, False


def dependents_to_replace(old: Resource, unvisited: Sequence[Resource], registry: ProviderRegistry) -> list[Resource]:
    """Returns the dependents that must be replaced too if a resource is deleted before it is replaced.

    Args:
        old: the resource to replace.
        unvisited: the resources of the previous run that this run has not recorded yet.
        registry: finds the providers of the dependents.

    Raises:
        OperationError: one of the dependents is protected.
    """
    replaced, replaced_urns = [], {old.urn}
    for dependent in _dependents(old, unvisited):
        # Values from a replaced resource are unknown until its replacement exists.
        inputs = {
            name: UNKNOWN if replaced_urns & {*dependent.property_dependencies.get(name, [])} else value
            for name, value in dependent.inputs.items()
        }
        if not dependent.is_managed or dependent.delete or inputs == dependent.inputs:
            continue
        diff = diff_resource(registry.for_resource(dependent), replace(dependent, inputs=inputs), dependent)
        if _requires_replacement(diff, dependent.replace_on_changes):
            if dependent.protect:
                raise OperationError(f"{dependent.urn} must be replaced too, but it is protected")
            replaced.append(dependent)
            replaced_urns.add(dependent.urn)
    return replaced


def _dependents(dependency: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """Returns the direct and transitive dependents of a resource, in the order of the given resources."""
    urns = {dependency.urn}
    dependents = []
    for resource in resources:
        if resource is not dependency and urns & {*resource.dependencies, resource.provider_urn}:
            urns.add(resource.urn)
            dependents.append(resource)
    return dependents


def _requires_replacement(diff: DiffResult, replace_on_changes: list[str]) -> bool:
    """Whether the provider or the option ``replace_on_changes`` requires a replacement.

    As in Pulumi, the option applies to the paths that the provider names; a dynamic provider names none.
    """
    paths = [property_paths.parse(text) for text in replace_on_changes]
    if diff.changes and () in paths:
        raise OperationError(f"replace_on_changes has an invalid path: {replace_on_changes[paths.index(())]!r}")
    forced = any(property_paths.contains(path, changed) for path in paths for changed in diff.changed_paths)
    return bool(diff.changes and (diff.replaces or forced))


def _is_trigger_changed(old: Any, new: Any) -> bool:
    """Whether the replacement trigger has changed. Adding or removing a trigger is not a change."""
    if contains_unknown(old) or contains_unknown(new):
        return True
    old, new = _without_secrets(old), unwrap_secrets(new)
    return old is not None and new is not None and bool(property_paths.changed_paths(old, new))


def _without_secrets(trigger: Any) -> Any:
    """Returns the trigger as Pulumi reads it from its state, with null for every secret (observed with 3.260)."""
    if is_secret(trigger):
        return None
    if isinstance(trigger, dict):
        return {name: _without_secrets(value) for name, value in trigger.items()}
    return [_without_secrets(value) for value in trigger] if isinstance(trigger, list) else trigger
