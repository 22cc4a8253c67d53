"""Builds the URNs of resources, and the URNs of their aliases as Pulumi's ``generateAliases`` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pulumi_truto.testing.engine.resource import Resource

__all__ = ["STACK_TYPE", "UrnBuilder", "name_of", "qualified_type"]

STACK_TYPE: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class UrnBuilder:
    """Builds the URNs of one stack."""

    stack: str
    project: str

    def urn(self, type_: str, name: str, parent: str, stack: str = "", project: str = "") -> str:
        """Returns the URN of a resource with this type, name and parent URN."""
        parent_types = qualified_type(parent) if parent else ""
        if parent_types and parent_types != STACK_TYPE:
            type_ = f"{parent_types}${type_}"
        return f"urn:pulumi:{stack or self.stack}::{project or self.project}::{type_}::{name}"

    def alias_urns(self, resource: Resource, former_urns: Mapping[str, str]) -> list[str]:
        """Returns every former URN that the resource may have in the state, the most likely first.

        Args:
            resource: the resource, with its new URN.
            former_urns: the former URN of each resource that this run has matched by an alias, by its new URN.
        """
        alias_urns = [self._resolve(resource, alias, former_urns) for alias in resource.aliases]
        return list(dict.fromkeys([*alias_urns, *self._inherited_urns(resource, alias_urns, former_urns)]))

    def _resolve(self, resource: Resource, alias: Any, former_urns: Mapping[str, str]) -> str:
        if alias.urn:
            return str(alias.urn)
        spec = alias.spec
        parent = "" if spec.noParent else former_urns.get(spec.parentUrn, spec.parentUrn) or resource.parent
        return self.urn(spec.type or resource.type, spec.name or resource.name, parent, spec.stack, spec.project)

    def _inherited_urns(
        self, resource: Resource, alias_urns: Sequence[str], former_urns: Mapping[str, str]
    ) -> Iterator[str]:
        """Yields the URNs below the parent's former URN. A name that starts with the parent's name changes with it."""
        former_parent = former_urns.get(resource.parent)
        if former_parent is None:
            return
        parent_name = name_of(resource.parent)
        aliases = [(qualified_type(urn).split("$")[-1], name_of(urn)) for urn in alias_urns]
        for type_, name in [(resource.type, resource.name), *aliases]:
            if name.startswith(parent_name):
                name = name_of(former_parent) + name[len(parent_name) :]
            yield self.urn(type_, name, former_parent)


def qualified_type(urn: str) -> str:
    """Returns the type in a URN, which begins with the types of the parents."""
    return urn.split("::")[2]


def name_of(urn: str) -> str:
    """Returns the name in a URN."""
    return urn.split("::", 3)[3]
