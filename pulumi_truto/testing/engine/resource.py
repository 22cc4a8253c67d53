"""A resource as the program registers it and as the state has it. Every resource option is declared here, once."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from pulumi_truto.property_values import Properties, unmarshal_value
from pulumi_truto.testing.engine.urns import name_of

__all__ = ["PROVIDER_TYPE_PREFIX", "Resource", "package_of", "seconds"]

#: The start of the type of a provider instance, before the package that it serves.
PROVIDER_TYPE_PREFIX: Final = "pulumi:providers:"
_NOT_SAVED: Final = {"saved": False}
_REQUIRED_KEYS: Final = ("urn", "custom", "type")
#: The units of Go's ``time.ParseDuration``, in seconds.
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)")


def seconds(duration: str) -> float | None:
    """The seconds of a duration such as ``1m30s``; ``None`` if it is not one."""
    if not re.fullmatch(f"({_DURATION.pattern})+", duration):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))


def package_of(token: str) -> str:
    """The package that a type token belongs to; of a provider, the package that it serves."""
    return token.removeprefix(PROVIDER_TYPE_PREFIX).split(":")[0]


@dataclass(eq=False, kw_only=True)
class Resource:
    """A resource. An attribute is only ever assigned a new value: its value is never changed in place.

    An attribute is read from the field of a request that has its name, with its function `decode` if it has one, and
    saved under its name in camelCase.
    """

    urn: str = ""
    type: str
    #: Whether it has a provider or is one; a component is not custom.
    custom: bool = False
    #: Whether it is a component that its package creates.
    remote: bool = field(default=False, metadata=_NOT_SAVED)
    #: The id that the provider returned; empty for a component.
    id: str = ""
    #: The inputs that the program registers, or those of the last step.
    inputs: Properties = field(default_factory=dict)
    #: The outputs of the last step.
    outputs: Properties = field(default_factory=dict)
    #: The URN of the parent.
    parent: str = ""
    #: The reference ``<urn>::<id>`` of its provider; empty for a component, a provider, and before the default provider
    #: is found.
    provider: str = ""
    #: The version of the SDK that registers it; empty for a dynamic resource.
    version: str = field(default="", metadata=_NOT_SAVED)
    #: The references of the providers that a component passes to its children, by package.
    providers: dict[str, str] = field(default_factory=dict, metadata=_NOT_SAVED)
    #: The URNs of the resources that it depends on.
    dependencies: list[str] = field(default_factory=list)
    #: The URNs that each input depends on.
    property_dependencies: dict[str, list[str]] = field(
        default_factory=dict,
        metadata={"decode": lambda message: {name: list(value.urns) for name, value in message.items()}},
    )
    #: Pulumi's messages for the former names.
    aliases: list[Any] = field(default_factory=list, metadata=_NOT_SAVED)
    #: The inputs whose changes are ignored.
    ignore_changes: list[str] = field(default_factory=list)
    #: The inputs whose changes require a replacement.
    replace_on_changes: list[str] = field(default_factory=list)
    #: A value that requires a replacement when it changes.
    replacement_trigger: Any = field(default=None, metadata={"decode": unmarshal_value})
    #: Whether a replacement deletes the old resource first; ``None`` leaves it to the provider.
    delete_before_replace: bool | None = field(default=None, metadata=_NOT_SAVED)
    #: The outputs that are secret.
    additional_secret_outputs: list[str] = field(default_factory=list)
    #: Whether it must not be deleted or replaced; ``None`` is the parent's value.
    protect: bool | None = None
    #: Whether a deletion only removes it from the state; ``None`` is the parent's value.
    retain_on_delete: bool | None = None
    #: The seconds that a create, update or delete may take, by operation.
    custom_timeouts: dict[str, float] = field(
        default_factory=dict,
        metadata={"decode": lambda message: {field.name: seconds(value) for field, value in message.ListFields()}},
    )
    #: The id of the existing resource to import.
    import_id: str = field(default="", metadata=_NOT_SAVED)
    #: Whether the program only reads it; this stack does not manage it.
    external: bool = False
    #: Whether it has been replaced and still has to be deleted.
    delete: bool = False
    #: Whether it has been deleted and its replacement still has to be created.
    pending_replacement: bool = False
    #: The errors of the last operation, if it failed but left a resource.
    init_errors: list[str] = field(default_factory=list)

    @classmethod
    def from_request(cls, request: Any, **values: Any) -> Resource:
        """Returns the resource that a request of the program declares, still without a URN."""
        message_fields = {field.name: value for field, value in request.ListFields()}
        if "deleteBeforeReplaceDefined" in message_fields:
            message_fields["deleteBeforeReplace"] = request.deleteBeforeReplace
        for attribute in fields(cls):
            key = attribute.name if attribute.name in message_fields else _camel_case(attribute.name)
            if key in message_fields:
                is_container = attribute.default_factory is not MISSING
                decode = attribute.metadata.get("decode", attribute.default_factory if is_container else None)
                values[attribute.name] = decode(message_fields[key]) if decode else message_fields[key]
        return cls(**values)

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
        """Returns the values of all attributes in the state."""
        return [getattr(self, name) for name in _JSON_KEYS]

    @property
    def name(self) -> str:
        """The name in the program."""
        return name_of(self.urn)

    @property
    def package(self) -> str:
        """The package that serves it; of a provider, the package that it serves."""
        return package_of(self.type)

    @property
    def provider_urn(self) -> str:
        """The URN of its provider; empty for a component or a provider."""
        return self.provider.rpartition("::")[0]

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider instance."""
        return self.type.startswith(PROVIDER_TYPE_PREFIX)

    @property
    def is_managed(self) -> bool:
        """Whether a provider creates, updates and deletes it."""
        return self.custom and not self.is_provider and not self.external

    @property
    def is_default_provider(self) -> bool:
        """Whether this is the default provider of a package, which the engine neither shows nor counts."""
        return self.is_provider and self.name.startswith("default")

    def inherit(self, parent: Resource) -> None:
        """Takes the parent's values of the options that it leaves out (Pulumi's ``inheritFromParent``)."""
        self.protect = parent.protect if self.protect is None else self.protect
        self.retain_on_delete = parent.retain_on_delete if self.retain_on_delete is None else self.retain_on_delete
        if not self.custom:
            self.providers = {**parent.providers, **self.providers}
        elif not self.provider:
            is_same_package = parent.custom and parent.package == self.package
            self.provider = parent.provider if is_same_package else parent.providers.get(self.package, "")

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

    def keep_references(self, urns: Container[str]) -> None:
        """Drops the references to resources other than these. A provider is always one of these."""
        self.parent = self.parent if self.parent in urns else ""
        self.dependencies = [urn for urn in self.dependencies if urn in urns]
        kept = {name: [urn for urn in names if urn in urns] for name, names in self.property_dependencies.items()}
        self.property_dependencies = {name: names for name, names in kept.items() if names}


def _renamed(urns: list[str], old_urn: str, new_urn: str) -> list[str]:
    return [new_urn if urn == old_urn else urn for urn in urns]


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


#: The keys in a Pulumi deployment, by attribute.
_JSON_KEYS: Final = {
    attribute.name: _camel_case(attribute.name)
    for attribute in fields(Resource)
    if attribute.metadata.get("saved", True)
}
