"""A resource in the state of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from pulumi_truto.property_values import Properties

__all__ = ["Resource"]

_REQUIRED_KEYS: Final = ("urn", "custom", "type")


@dataclass(eq=False, kw_only=True)
class Resource:
    """A resource in the state. An attribute is only ever assigned a new value: its value is never changed in place.

    Attributes:
        urn: the URN.
        type: the type token.
        custom: whether it has a provider or is one; a component is not custom.
        id: the id that the provider returned; empty for a component.
        inputs: the inputs of the last step.
        outputs: the outputs of the last step.
        parent: the URN of the parent.
        provider: the reference ``<urn>::<id>`` of its provider; empty for a component or a provider.
        dependencies: the URNs of the resources that it depends on.
        additional_secret_outputs: the names of outputs that are secret because of a resource option.
        protect: whether it must not be deleted or replaced.
        retain_on_delete: whether a deletion only removes it from the state.
        external: whether the program only reads it; this stack does not manage it.
        delete: whether it has been replaced and still has to be deleted.
        pending_replacement: whether it has been deleted and its replacement still has to be created.
        property_dependencies: the dependencies of each input, by the input's name.
        ignore_changes: the inputs whose changes are ignored.
        replace_on_changes: the inputs whose changes require a replacement.
        replacement_trigger: a value that requires a replacement when it changes.
        custom_timeouts: the seconds that a create, update, read or delete may take, by the name of the operation.
        init_errors: the errors of the last operation, if it failed but left a resource.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    protect: bool = False
    retain_on_delete: bool = False
    external: bool = False
    delete: bool = False
    pending_replacement: bool = False
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replacement_trigger: Any = None
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    init_errors: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Resource:
        """Returns the resource in a Pulumi deployment; keys that this engine does not use are dropped."""
        return cls(**{name: document[key] for name, key in _JSON_KEYS.items() if key in document})

    def to_json(self) -> dict[str, Any]:
        """Returns the resource in the form of a Pulumi deployment, without empty values."""
        values = {key: getattr(self, name) for name, key in _JSON_KEYS.items()}
        empty: tuple[Any, ...] = ("", [], {}, False, None)
        return {key: value for key, value in values.items() if key in _REQUIRED_KEYS or value not in empty}

    def values(self) -> list[Any]:
        """Returns the values of all attributes."""
        return [getattr(self, name) for name in _JSON_KEYS]

    @property
    def name(self) -> str:
        """The name in the program."""
        return self.urn.split("::", 3)[3]

    @property
    def provider_urn(self) -> str:
        """The URN of its provider; empty for a component or a provider."""
        return self.provider.rpartition("::")[0]

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider instance."""
        return self.type.startswith("pulumi:providers:")

    @property
    def is_managed(self) -> bool:
        """Whether a provider creates, updates and deletes it."""
        return self.custom and not self.is_provider and not self.external

    @property
    def is_default_provider(self) -> bool:
        """Whether this is the default provider of a package, which the engine neither shows nor counts."""
        return self.is_provider and self.name == "default"

    def update_references(self, old_urn: str, new_urn: str) -> None:
        """Replaces every reference to a URN after the resource with that URN was renamed."""
        if self.parent == old_urn:
            self.parent = new_urn
        if self.provider_urn == old_urn:
            self.provider = new_urn + self.provider.removeprefix(old_urn)
        if old_urn in self.dependencies:
            self.dependencies = _renamed(self.dependencies, old_urn, new_urn)
        if any(old_urn in urns for urns in self.property_dependencies.values()):
            self.property_dependencies = {
                name: _renamed(urns, old_urn, new_urn) for name, urns in self.property_dependencies.items()
            }


def _renamed(urns: list[str], old_urn: str, new_urn: str) -> list[str]:
    return [new_urn if urn == old_urn else urn for urn in urns]


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


#: The keys in a Pulumi deployment, by attribute.
_JSON_KEYS: Final = {attribute.name: _camel_case(attribute.name) for attribute in fields(Resource)}
