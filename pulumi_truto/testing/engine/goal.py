"""The goal of a resource: its properties and options as the program registers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_truto.property_values import Properties
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.urns import Alias

__all__ = ["Goal", "inherit_options"]


@dataclass(frozen=True)
class Goal:
    """The goal of a resource, with the options that this engine supports.

    Attributes:
        provider: the reference ``<urn>::<id>`` of an explicit provider; empty for the default provider.
        providers: the references of the providers that a component passes to its children, by package.
        delete_before_replace: ``None`` if the program does not set it; the same for `protect` and `retain_on_delete`.
        import_id: the id of the existing resource to import; empty if there is none.
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
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    import_id: str = ""

    @property
    def package(self) -> str:
        """The package that the type belongs to."""
        return self.type.split(":")[0]

    def to_resource(self, urn: str) -> Resource:
        """Returns the resource with this URN as the program declares it, before any step."""
        return Resource(
            urn=urn,
            type=self.type,
            custom=self.custom,
            inputs=self.inputs,
            parent=self.parent,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
            additional_secret_outputs=self.additional_secret_outputs,
            protect=bool(self.protect),
            retain_on_delete=bool(self.retain_on_delete),
            replacement_trigger=self.replacement_trigger,
            custom_timeouts=self.custom_timeouts,
        )


def inherit_options(goal: Goal, parent: Goal) -> Goal:
    """Returns the goal with the parent's values of the options that it leaves out (Pulumi's ``inheritFromParent``)."""
    providers = goal.providers if goal.custom else {**parent.providers, **goal.providers}
    provider = goal.provider
    if not provider and goal.custom:
        is_same_package = parent.custom and parent.package == goal.package
        provider = parent.provider if is_same_package else parent.providers.get(goal.package, "")
    return replace(
        goal,
        protect=parent.protect if goal.protect is None else goal.protect,
        retain_on_delete=parent.retain_on_delete if goal.retain_on_delete is None else goal.retain_on_delete,
        provider=provider,
        providers=providers,
    )
