"""The properties of a webhook in their two spellings: the API's, and the camel case of the plugin's schema.

Each kind of provider reads the other's spelling in an old state, so that a webhook can change its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi_truto.webhook.inputs import FINGERPRINT, INPUTS

__all__ = ["CAMEL", "STATE", "from_camel", "is_camel", "to_camel"]

#: Every property, by the name that the rest of the package has for it.
CAMEL: Final = {
    "id": "id",
    "target_url": "targetUrl",
    "event_types": "eventTypes",
    "event_type": "eventType",
    "is_active": "isActive",
    "secret": "secret",
    "environment_id": "environmentId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    FINGERPRINT: FINGERPRINT,
}
_SNAKE: Final = {camel: snake for snake, camel in CAMEL.items()}
#: The properties that a state has.
STATE: Final[tuple[str, ...]] = (*INPUTS, "secret", "environment_id", "created_at", "updated_at", FINGERPRINT)


def to_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties by their names in the schema; others are left out."""
    return {CAMEL[name]: value for name, value in properties.items() if name in CAMEL}


def from_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties by the API's names, whichever they have; others are left out."""
    named = {_SNAKE.get(name, name): value for name, value in properties.items()}
    return {name: value for name, value in named.items() if name in CAMEL}


def is_camel(properties: Mapping[str, Any]) -> bool:
    """Whether a state or inputs have the names of the schema."""
    return "targetUrl" in properties
