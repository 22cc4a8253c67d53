"""The names of resources: how a URN is made up, and which URNs a resource had before. Pure.

Pulumi's ``step_generator.go`` (``generateAliases``) is the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["STACK_TYPE", "Alias", "Namer"]

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Alias:
    """A former name of a resource: a whole URN, or the parts that were different."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True)
class Namer:
    """Makes URNs in one stack of one project."""

    stack: str
    project: str

    def urn(self, type_: str, name: str, parent: str, stack: str = "", project: str = "") -> str:
        """The URN of a resource of this type and name below this parent."""
        chain = _chain(parent) if parent else ""
        if chain and chain != STACK_TYPE:
            type_ = f"{chain}${type_}"
        return f"urn:pulumi:{stack or self.stack}::{project or self.project}::{type_}::{name}"

    def former_urns(
        self, type_: str, name: str, parent: str, aliases: Sequence[Alias], renamed: Mapping[str, str]
    ) -> list[str]:
        """Every URN that the resource may have in the state, the most likely first.

        Args:
            type_: its type.
            name: its name.
            parent: the URN of its parent.
            aliases: what the program says of its former names.
            renamed: the URNs that this run has found under a former name, with that name.
        """
        own = [self._collapse(type_, name, parent, alias, renamed) for alias in aliases]
        return list(dict.fromkeys([*own, *self._inherited(type_, name, parent, own, renamed)]))

    def _collapse(self, type_: str, name: str, parent: str, alias: Alias, renamed: Mapping[str, str]) -> str:
        if alias.urn:
            return alias.urn
        former_parent = renamed.get(alias.parent, alias.parent) if alias.parent else parent
        if alias.no_parent:
            former_parent = ""
        return self.urn(alias.type or type_, alias.name or name, former_parent, alias.stack, alias.project)

    def _inherited(
        self, type_: str, name: str, parent: str, own: Sequence[str], renamed: Mapping[str, str]
    ) -> Iterator[str]:
        """The names below the parent's former name. A name that begins with the parent's changes with it."""
        former = renamed.get(parent)
        if former is None:
            return
        parent_name, former_name = _name(parent), _name(former)
        for each_type, each_name in [(type_, name), *((_chain(urn).split("$")[-1], _name(urn)) for urn in own)]:
            if each_name.startswith(parent_name):
                each_name = former_name + each_name[len(parent_name) :]
            yield self.urn(each_type, each_name, former)


def _chain(urn: str) -> str:
    """The type with those of the parents before it."""
    return urn.split("::")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
