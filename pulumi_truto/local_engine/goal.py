"""A resource as a program wants it: what the monitor takes out of a request and the deployment brings about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_truto.local_engine.urns import Alias
from pulumi_truto.property_values import Properties

__all__ = ["Goal", "inherit"]


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it, with the options that this engine supports.

    Attributes:
        protect: ``None`` where the program does not say, as for `retain_on_delete` and `delete_before_replace`.
        providers: the providers that a component hands to its children, by package.
    """

    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    delete_before_replace: bool | None = None
    protect: bool | None = None
    retain_on_delete: bool | None = None
    replacement_trigger: Any = None
    import_id: str = ""

    @property
    def package(self) -> str:
        """The package whose provider serves it."""
        return self.type.split(":")[0]


def inherit(goal: Goal, parent: Goal) -> Goal:
    """The goal with what it takes over from its parent where the program does not say (``inheritFromParent``)."""
    providers = goal.providers if goal.custom else {**parent.providers, **goal.providers}
    provider = goal.provider
    if not provider and goal.custom:
        is_the_same = parent.custom and parent.package == goal.package
        provider = parent.provider if is_the_same else parent.providers.get(goal.package, "")
    return replace(
        goal,
        protect=parent.protect if goal.protect is None else goal.protect,
        retain_on_delete=parent.retain_on_delete if goal.retain_on_delete is None else goal.retain_on_delete,
        provider=provider,
        providers=providers,
    )
