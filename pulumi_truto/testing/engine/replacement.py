"""Decides whether a resource stays the same, is updated or is replaced, as Pulumi's ``step_generator.go`` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pulumi.automation import OpType

from pulumi_truto.property_values import UNKNOWN, Properties, contains_unknown, is_secret, unwrap_secrets
from pulumi_truto.testing.engine.mock_provider import AnyProvider
from pulumi_truto.testing.engine.provider import DiffResult, OperationError
from pulumi_truto.testing.engine.providers import ProviderRegistry
from pulumi_truto.testing.engine.resource import Resource

__all__ = ["changed_keys", "decide_step", "dependents_to_replace", "diff_resource"]


def changed_keys(old: Properties, new: Properties) -> list[str]:
    """Returns the properties that differ, without Pulumi's internal ones. An unknown value counts as different."""
    return sorted(
        key
        for key in {*old, *new}
        if not key.startswith("__")
        and (unwrap_secrets(old.get(key)) != unwrap_secrets(new.get(key)) or contains_unknown(new.get(key)))
    )


def diff_resource(provider: AnyProvider, new: Resource, old: Resource) -> DiffResult:
    """Returns the provider's diff or, if the provider leaves it to the engine, a comparison of the inputs."""
    result = provider.diff(new, old)
    if result.changes is not None:
        return result
    keys = changed_keys(old.inputs, new.inputs)
    return replace(result, changes=bool(keys), changed_keys=frozenset(keys))


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

    As in Pulumi, the option applies to the keys that the provider names; a dynamic provider names none.
    """
    forced = (diff.changed_keys and "*" in replace_on_changes) or diff.changed_keys & set(replace_on_changes)
    return bool(diff.changes and (diff.replaces or forced))


def _is_trigger_changed(old: Any, new: Any) -> bool:
    """Whether the replacement trigger has changed. Adding or removing a trigger is not a change."""
    if contains_unknown(old) or contains_unknown(new):
        return True
    old, new = _without_secrets(old), unwrap_secrets(new)
    return old is not None and new is not None and old != new


def _without_secrets(trigger: Any) -> Any:
    """Returns the trigger as Pulumi reads it from its state, with null for every secret (observed with 3.260)."""
    if is_secret(trigger):
        return None
    if isinstance(trigger, dict):
        return {name: _without_secrets(value) for name, value in trigger.items()}
    return [_without_secrets(value) for value in trigger] if isinstance(trigger, list) else trigger
