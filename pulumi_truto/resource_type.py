"""The declaration of a resource: properties with their rules, a check, a comparison with the state, and four verbs.

A resource is declared once, with the names of Truto's API. Both provider kinds, the schema, the camelCase names and the
reference derive from it. The dynamic provider uses the API's names, the plugin camelCase; each reads the other's state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from pulumi_truto.input_errors import CheckResult, InputError, unexpected
from pulumi_truto.property_names import from_camel, to_camel

if TYPE_CHECKING:
    from pulumi_truto.session import ProviderSession

__all__ = [
    "DYNAMIC_PACKAGE",
    "RESOURCE_NAME",
    "UNKNOWN",
    "Property",
    "ResourceType",
    "Values",
]

#: Inputs, outputs or a state, by the names of Truto's API.
Values: TypeAlias = dict[str, Any]
#: Why an input is invalid or looks like a mistake, and how to fix that. A reason never contains the value.
Reasons: TypeAlias = list[str]


class _Unknown(Enum):
    UNKNOWN = "not known yet"

    def __repr__(self) -> str:
        return self.name


#: The value of another resource's output that this preview cannot know. It passes every check and is always a change.
UNKNOWN: Final[Any] = _Unknown.UNKNOWN

#: The package of every dynamic provider in Python; part of users' state for ever.
DYNAMIC_PACKAGE: Final = "pulumi-python"

#: The input by which a resource of the dynamic provider hands its name to it, for warnings. Never part of a state.
RESOURCE_NAME: Final = "__name"


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource, with its rules.

    Attributes:
        name: its name in Truto's API and in Python.
        type: its type in the schema.
        items: the elements of an array.
        fields: the parts of an object.
        object_type: the name of its type in the schema.
        output: the description of the output.
        input: the description of the input; empty for a property that no program sets.
        default: the input's value where the program gives none; shown in the schema unless it is a list.
        is_required: the program has to give it.
        is_secret: it is always a Pulumi secret.
        can_be_null: a state may have no value of it.
        changes_on_update: an update can change it although the program does not set it.
        replaces: its change replaces the resource.
        check: the errors and warnings of a declared value, which is neither unknown nor missing. The second argument
            says whether the API is on this machine.
        canonical: brings a valid value into canonical form, so that equivalent inputs compare equal.
        is_equal: whether two canonical values are equivalent.
    """

    name: str
    type: Literal["string", "boolean", "number", "array", "object"]
    output: str
    input: str = ""
    default: Any = None
    is_required: bool = False
    is_secret: bool = False
    can_be_null: bool = False
    changes_on_update: bool = False
    replaces: bool = False
    items: Literal["event types", "strings", "integers", "anything"] = "event types"
    fields: tuple[Property, ...] = ()
    object_type: str = ""
    check: Callable[[Any, bool], tuple[Reasons, Reasons]] = lambda _value, _on_loopback: ([], [])
    canonical: Callable[[Any], Any] = lambda value: value
    is_equal: Callable[[Any, Any], bool] = lambda old, new: bool(old == new)

    @property
    def is_input(self) -> bool:
        """Whether a program sets it."""
        return bool(self.input)

    def differs(self, old: Any, new: Any) -> bool:
        """Whether an input differs from its value in a state."""
        return _contains_unknown(new) or not self.is_equal(old, new)

    def checked(self, value: Any, api_on_loopback: bool, prefix: str = "") -> CheckResult:
        """The errors and warnings of a declared value, and of its parts; its only input is the canonical value."""
        name = prefix + self.name
        if value is None and not self.is_required:
            value = self.default
        if value is UNKNOWN:
            return CheckResult({self.name: value})
        errors, warnings = self.check(value, api_on_loopback)
        result = CheckResult(
            {}, [InputError(name, reason) for reason in errors], [InputError(name, reason) for reason in warnings]
        )
        if self.fields and isinstance(value, Mapping):
            names = [field.name for field in self.fields]
            result.errors.extend(unexpected(value, names, f"`{name}`", f"{name}."))
            for field in self.fields:
                part = field.checked(value.get(field.name), api_on_loopback, f"{name}.")
                result.errors.extend(part.errors)
                result.warnings.extend(part.warnings)
        result.inputs[self.name] = value if result.errors else self.canonical(value)
        return result


class ResourceType:
    """A kind of resource. It has no state: each verb gets the session of its provider instance.

    Attributes:
        name: its name in programs.
        properties: its properties.
        hidden: further names in its state, which Pulumi does not show because they start with two underscores.
        can_import: whether an existing one can be imported.
    """

    name: ClassVar[str]
    properties: ClassVar[tuple[Property, ...]]
    hidden: ClassVar[tuple[str, ...]] = ()
    can_import: ClassVar[bool] = True

    @property
    def token(self) -> str:
        """Its type in the plugin; part of users' state for ever."""
        return f"truto:index:{self.name}"

    @property
    def dynamic_token(self) -> str:
        """Its type with the dynamic provider; part of users' state for ever."""
        return f"{DYNAMIC_PACKAGE}:dynamic/truto:{self.name}"

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs."""
        return [property_.name for property_ in self.properties if property_.is_input]

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs that no program sets."""
        return [property_.name for property_ in self.properties if not property_.is_input]

    def pick_inputs(self, properties: Mapping[str, Any]) -> Values:
        """The inputs among properties in either spelling. Pulumi omits those that are null."""
        nulls = {property_.name: None for property_ in self.properties if property_.is_input and property_.can_be_null}
        return {**nulls, **self._pick(properties, self.inputs)}

    def pick_state(self, properties: Mapping[str, Any]) -> Values:
        """The state among properties in either spelling, without Pulumi's own."""
        return self._pick(properties, [*self.inputs, *self.outputs, *self.hidden])

    def check(self, declared: Mapping[str, Any], old_inputs: Values, *, api_on_loopback: bool = False) -> CheckResult:
        """Validates declared inputs and brings them into canonical form.

        Args:
            declared: the inputs that the program declares.
            old_inputs: those of the last run; empty for a new resource.
            api_on_loopback: the API is on this machine, so that an ``http://`` URL on it is allowed too.
        """
        result = CheckResult({})
        for property_ in self.properties:
            if not property_.is_input:
                continue
            checked = property_.checked(declared.get(property_.name), api_on_loopback)
            result.inputs.update(checked.inputs)
            result.errors.extend(checked.errors)
            result.warnings.extend(checked.warnings)
        return result

    def changes(self, state: Mapping[str, Any], inputs: Values) -> Values:
        """The inputs that differ from the state."""
        return {
            property_.name: inputs[property_.name]
            for property_ in self.properties
            if property_.is_input and property_.name in inputs
            if property_.differs(state.get(property_.name), inputs[property_.name])
        }

    def replaces(self, state: Mapping[str, Any], inputs: Values) -> list[str]:
        """The changed inputs that replace the resource."""
        replacing = {property_.name for property_ in self.properties if property_.replaces}
        return [name for name in self.changes(state, inputs) if name in replacing]

    def create(self, session: ProviderSession, inputs: Values) -> tuple[str, Values]:
        """Creates the resource; returns its id and state."""
        raise NotImplementedError

    def read(self, session: ProviderSession, id_: str, state: Values) -> Values | None:
        """The present state; ``None`` if the resource was deleted. An empty state is that of an import."""
        raise NotImplementedError

    def update(
        self, session: ProviderSession, id_: str, state: Values, inputs: Values, ignored: Collection[str] = ()
    ) -> Values:
        """Brings the resource to the inputs; returns its state.

        Args:
            session: the provider instance.
            id_: the resource.
            state: its state.
            inputs: the declared inputs.
            ignored: the properties in ``ignore_changes``; empty for the dynamic provider, which is not told.
        """
        raise NotImplementedError

    def delete(self, session: ProviderSession, id_: str, state: Values) -> None:
        """Deletes the resource. Deleting a missing one succeeds."""
        raise NotImplementedError

    def to_plugin(self, values: Mapping[str, Any]) -> Values:
        """The properties, and the parts of objects, under the plugin's names."""
        return to_camel(self._translate(values, to_camel))

    def _pick(self, properties: Mapping[str, Any], names: Collection[str]) -> Values:
        values = {name: value for name, value in from_camel(properties).items() if name in names}
        return self._translate(values, from_camel)

    def _translate(self, values: Mapping[str, Any], translate: Callable[[Mapping[str, Any]], Values]) -> Values:
        objects = {property_.name for property_ in self.properties if property_.fields}
        return {
            name: translate(value) if name in objects and isinstance(value, Mapping) else value
            for name, value in values.items()
        }


def _contains_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_contains_unknown(part) for part in value.values())
    return value is UNKNOWN or (isinstance(value, list) and UNKNOWN in value)
