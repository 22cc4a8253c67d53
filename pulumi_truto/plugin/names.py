"""The plugin's names: camel case in its schema, the API's spelling everywhere else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi_truto.rules import FINGERPRINT

__all__ = ["EVENT_TYPE", "GET_WEBHOOK", "GET_WEBHOOKS", "PACKAGE", "SUMMARY", "WEBHOOK", "from_camel", "to_camel"]

PACKAGE: Final = "truto"
WEBHOOK: Final = "truto:index:Webhook"
EVENT_TYPE: Final = "truto:index:EventType"
SUMMARY: Final = "truto:index:WebhookSummary"
GET_WEBHOOK: Final = "truto:index:getWebhook"
GET_WEBHOOKS: Final = "truto:index:getWebhooks"

#: Every property, by the name that the rest of the package has for it.
CAMEL: Final = {
    "id": "id",
    "target_url": "targetUrl",
    "event_types": "eventTypes",
    "event_type": "eventType",
    "is_active": "isActive",
    "known_secret": "knownSecret",
    "secret": "secret",
    "environment_id": "environmentId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    FINGERPRINT: FINGERPRINT,
}
_SNAKE: Final = {camel: snake for snake, camel in CAMEL.items()}


def to_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties by their names in the schema; others are left out."""
    return {CAMEL[name]: value for name, value in properties.items() if name in CAMEL}


def from_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `to_camel`."""
    return {_SNAKE[name]: value for name, value in properties.items() if name in _SNAKE}
