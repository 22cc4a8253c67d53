"""The properties of the resources: one table, from which the schema, the camelCase names and the reference derive.

The dynamic provider uses the API's names, the plugin camelCase ones. Each provider kind can read a state that the other
one wrote, so that a webhook can move between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = [
    "FINGERPRINT",
    "INPUTS",
    "PROPERTIES",
    "RESOURCE_NAME",
    "STATE",
    "TEST_INPUTS",
    "TEST_PROPERTIES",
    "Property",
    "camel_case",
    "from_camel",
    "is_camel",
    "to_camel",
]


@dataclass(frozen=True)
class Property:
    """One property of a resource.

    Attributes:
        name: its name in Truto's API and in Python.
        type: its type in the schema.
        items: the elements of an array: event types, or any values.
        output: what the output is.
        input: what the input does; empty for a property that no program sets.
        default: the input's value where the program gives none.
        is_required: the program has to give it.
        is_secret: it is always a Pulumi secret, and null where Truto never showed it.
        changes_on_update: an update can change it although the program does not set it.
    """

    name: str
    type: Literal["string", "boolean", "number", "array"]
    output: str
    input: str = ""
    default: bool | int | None = None
    is_required: bool = False
    is_secret: bool = False
    changes_on_update: bool = False
    items: Literal["event types", "anything"] = "event types"

    @property
    def is_input(self) -> bool:
        """Whether a program sets it."""
        return bool(self.input)


PROPERTIES: Final = (
    Property(
        "target_url",
        "string",
        "The URL that Truto posts the events to.",
        "The `https://` URL that Truto posts the events to. At most 2,048 characters. No user name, password, "
        "whitespace or fragment.",
        is_required=True,
    ),
    Property(
        "event_types",
        "array",
        "The event types, sorted. Empty means every event.",
        "The event types to subscribe to, as a set: order and duplicates do not matter. Omitted or empty means every "
        "event. Unknown event types are passed on with a warning, as Truto adds new ones without notice.",
    ),
    Property(
        "is_active",
        "boolean",
        "Whether Truto delivers events.",
        "Whether Truto delivers events. Truto switches a webhook off after prolonged delivery failures: a refresh "
        "shows that, and the next update switches it on again.",
        default=True,
    ),
    Property(
        "secret",
        "string",
        "The signing secret, for verifying deliveries. Null if Truto never showed it to this stack.",
        is_secret=True,
    ),
    Property("environment_id", "string", "The Truto environment. The API token determines it."),
    Property("created_at", "string", "When the webhook was created: UTC, as `2024-09-01T10:00:00.000Z`."),
    Property("updated_at", "string", "When the webhook was last changed, in the same format.", changes_on_update=True),
)

#: The properties of a `truto.WebhookTest`.
TEST_PROPERTIES: Final = (
    Property(
        "webhook_id", "string", "The id of the tested webhook.", "The id of the webhook to test.", is_required=True
    ),
    Property(
        "triggers",
        "array",
        "A change of any of these values repeats the test.",
        "Values of any kind. The test is repeated when one of them changes.",
        items="anything",
    ),
    Property(
        "retry_for_seconds",
        "number",
        "The maximum time for retries, in seconds.",
        "How long to retry while the receiver does not accept the test event, for example because it is starting. At "
        "most 3600.",
        default=0,
    ),
    Property("tested_at", "string", "When the receiver accepted the test event: UTC, as `2024-09-01T10:00:00.000Z`."),
)

#: Identifies the credential that last wrote the webhook; see `pulumi_truto.config.Settings.fingerprint`. It is part of
#: the state and never a change. Pulumi hides properties that start with two underscores.
FINGERPRINT: Final = "__fingerprint"

#: The input by which a resource of the dynamic provider hands its name to it, for warnings.
RESOURCE_NAME: Final = "__name"

#: The names of the inputs.
INPUTS: Final = tuple(each.name for each in PROPERTIES if each.is_input)
#: The names of the inputs of a `truto.WebhookTest`.
TEST_INPUTS: Final = tuple(each.name for each in TEST_PROPERTIES if each.is_input)
#: The names of everything in a state.
STATE: Final = (*(each.name for each in PROPERTIES), FINGERPRINT)


def camel_case(name: str) -> str:
    """The plugin's name for a name of the API; ``event_type`` becomes ``eventType``."""
    if name == FINGERPRINT:
        return name
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


#: All names, with those that only arguments of functions have.
_CAMEL: Final = {
    name: camel_case(name) for name in ("id", "event_type", *STATE, *(each.name for each in TEST_PROPERTIES))
}
_SNAKE: Final = {camel: name for name, camel in _CAMEL.items()}


def to_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties under the plugin's names. Unknown ones are left out."""
    return {_CAMEL[name]: value for name, value in properties.items() if name in _CAMEL}


def from_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties under the API's names, whichever names they have. Unknown ones are left out."""
    named = {_SNAKE.get(name, name): value for name, value in properties.items()}
    return {name: value for name, value in named.items() if name in _CAMEL}


def is_camel(properties: Mapping[str, Any]) -> bool:
    """Whether a state, or inputs, have the plugin's names."""
    return "targetUrl" in properties
