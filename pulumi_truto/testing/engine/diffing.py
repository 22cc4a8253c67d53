"""Compares the state of a resource with its new inputs."""

from __future__ import annotations

from dataclasses import replace

from pulumi_truto.property_values import Properties, contains_unknown, unwrap_secrets
from pulumi_truto.testing.engine.mock_provider import AnyProvider
from pulumi_truto.testing.engine.provider import DiffResult
from pulumi_truto.testing.engine.resource import Resource

__all__ = ["changed_keys", "diff_resource"]


def changed_keys(old: Properties, new: Properties) -> list[str]:
    """Returns the properties that differ, without Pulumi's internal ones. An unknown value counts as different."""
    return sorted(
        key
        for key in {*old, *new}
        if not key.startswith("__")
        and (unwrap_secrets(old.get(key)) != unwrap_secrets(new.get(key)) or contains_unknown(new.get(key)))
    )


def diff_resource(provider: AnyProvider, old: Resource, new_inputs: Properties, urn: str = "") -> DiffResult:
    """Returns the provider's diff or, if the provider leaves it to the engine, a comparison of the inputs.

    Args:
        provider: the resource's provider.
        old: the resource in the state.
        new_inputs: the new inputs.
        urn: the new URN of a renamed resource.
    """
    result = provider.diff(urn or old.urn, old.id, old.outputs, old.inputs, new_inputs)
    if result.changes is not None:
        return result
    keys = changed_keys(old.inputs, new_inputs)
    return replace(result, changes=bool(keys), changed_keys=frozenset(keys))
