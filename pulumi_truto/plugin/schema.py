"""The schema of the plugin, derived from the code, and the texts of its reference page. Pure."""

from __future__ import annotations

from typing import Any, Final

from pulumi_truto import config as settings
from pulumi_truto.event_types import EventType
from pulumi_truto.plugin.tokens import (
    DYNAMIC_WEBHOOK,
    EVENT_TYPE,
    GET_WEBHOOK,
    GET_WEBHOOKS,
    PACKAGE,
    SUMMARY,
    WEBHOOK,
)
from pulumi_truto.version import __version__
from pulumi_truto.webhook.properties import to_camel

__all__ = ["schema"]

Json = dict[str, Any]

#: Any string, with completion for the known ones.
_ANY_EVENT_TYPE: Final = {"oneOf": [{"type": "string"}, {"type": "string", "$ref": f"#/types/{EVENT_TYPE}"}]}

_TARGET_URL: Final = (
    "The `https://` URL that Truto posts the events to. No user name, password, white space or fragment."
)
_EVENT_TYPES: Final = (
    "The event types to be told of, as a set: order and repeats do not matter. Left out or empty: every event. "
    "Unknown ones are passed on with a warning, as Truto adds event types without notice."
)
_IS_ACTIVE: Final = (
    "Whether Truto delivers. Truto switches it off by itself when deliveries keep failing; a refresh shows that, and "
    "the next update switches it on again."
)

#: The properties that every view of a webhook has.
_SHOWN: Final[dict[str, Json]] = {
    "target_url": {"type": "string", "description": "The URL that Truto posts the events to."},
    "event_types": {
        "type": "array",
        "items": {"type": "string"},
        "description": "The event types, sorted; empty for every event.",
    },
    "is_active": {"type": "boolean", "description": "Whether Truto delivers."},
    "environment_id": {"type": "string", "description": "The Truto environment, which the API token decides."},
    "created_at": {"type": "string", "description": "When the webhook was made: UTC, as `2024-09-01T10:00:00.000Z`."},
    "updated_at": {"type": "string", "description": "When the webhook was last changed, in the same form."},
}

_DESCRIPTION: Final = """A Truto webhook: Truto posts the events of one environment to a URL.

Every property changes in place. A new secret needs a new webhook, as Truto has no way to rotate one.

## Example Usage

```typescript
import * as truto from "@pulumi/truto";

const orders = new truto.Webhook("orders", {
    targetUrl: "https://hooks.example.com/truto",
    eventTypes: ["record:created", "integrated_account:active"],
});
export const webhookId = orders.id;
export const webhookSecret = orders.secret;
```

```yaml
resources:
  orders:
    type: truto:Webhook
    properties:
      targetUrl: https://hooks.example.com/truto
      eventTypes: ["record:created", "integrated_account:active"]
outputs:
  webhookId: ${orders.id}
  webhookSecret: ${orders.secret}
```

## Import

```sh
pulumi import truto:index:Webhook orders 3f2c0a52-6f5c-4b1c-9d55-0f8a5b0c9f11
```

A webhook imported this way has no secret, as Truto shows it only once. `pulumi-truto import-file` of the Python package
`pulumi-truto` writes a file for `pulumi import --file` that holds the secrets that you have.
"""


def schema() -> Json:
    """The schema, as Pulumi's package schema describes it."""
    token = {
        "type": "string",
        "secret": True,
        # Without `defaultInfo`: some SDKs would put the variable's value into the state, not as a secret. The plugin
        # reads the variable itself.
        "description": "The Truto API token. It belongs to exactly one Truto environment. Left out: the environment "
        f"variable `{settings.API_TOKEN_VARIABLE}` of the plugin.",
    }
    base_url = {
        "type": "string",
        "description": f"The URL of Truto's API, by default `{settings.DEFAULT_BASE_URL}`.",
        "defaultInfo": {"environment": [settings.BASE_URL_VARIABLE]},
    }
    configuration = {"apiToken": token, "baseUrl": base_url}
    return {
        "name": PACKAGE,
        "version": __version__,
        "displayName": "Truto",
        "description": "Webhooks of Truto, the unified API, as infrastructure",
        "keywords": ["pulumi", "truto", "webhook", "category/utility", "kind/native"],
        "license": "Apache-2.0",
        "config": {"variables": configuration},
        "provider": {
            "description": "The settings of one Truto environment: an API token belongs to exactly one.",
            "inputProperties": configuration,
            "properties": configuration,
        },
        "types": {
            EVENT_TYPE: _event_type(),
            SUMMARY: {**_shown_with_id(), "description": "A webhook, as it is listed."},
        },
        "resources": {WEBHOOK: _webhook()},
        "functions": {GET_WEBHOOK: _get_webhook(), GET_WEBHOOKS: _get_webhooks()},
        "language": {
            # The default would be pulumi_truto: the generated SDK would overwrite the package that you read.
            "python": {"packageName": "pulumi_truto_native", "pyproject": {"enabled": True}},
            "nodejs": {"respectSchemaVersion": True},
            "csharp": {"respectSchemaVersion": True},
            "go": {"respectSchemaVersion": True, "generateResourceContainerTypes": True},
        },
    }


def _event_type() -> Json:
    return {
        "type": "string",
        "description": "An event type that Truto is known to send. Others are accepted wherever one of these is.",
        "enum": [
            {"name": _pascal(each.name), "value": str(each.value), "description": f"`{each.value}`"}
            for each in EventType
        ],
    }


def _webhook() -> Json:
    inputs = {
        "target_url": {"type": "string", "description": _TARGET_URL},
        "event_types": {"type": "array", "items": _ANY_EVENT_TYPE, "description": _EVENT_TYPES},
        "is_active": {"type": "boolean", "default": True, "description": _IS_ACTIVE},
    }
    outputs = {
        **_SHOWN,
        "secret": {
            "type": "string",
            "secret": True,
            "description": "The signing secret: what deliveries are verified with. Null where Truto never showed it.",
        },
    }
    return {
        "description": _DESCRIPTION,
        "inputProperties": to_camel(inputs),
        "requiredInputs": ["targetUrl"],
        "properties": to_camel(outputs),
        "required": list(to_camel(dict.fromkeys(_SHOWN, 0))),
        # A webhook that the dynamic provider had managed goes on as this one.
        "aliases": [{"type": DYNAMIC_WEBHOOK}],
        "listInputs": {"type": "object", "properties": _filters()},
    }


def _shown_with_id() -> Json:
    properties = to_camel({"id": {"type": "string", "description": "The webhook's id."}, **_SHOWN})
    return {"type": "object", "properties": properties, "required": list(properties)}


def _get_webhook() -> Json:
    return {
        "description": "Reads one webhook by its id. Its secret is not among the results: Truto shows it only once.",
        "inputs": {
            "type": "object",
            "properties": {"id": {"type": "string", "description": "The webhook's id."}},
            "required": ["id"],
        },
        "outputs": _shown_with_id(),
    }


def _filters() -> Json:
    filters = {
        "is_active": {"type": "boolean", "description": "Only webhooks that are, or are not, active."},
        "target_url": {"type": "string", "description": "Only webhooks with this URL."},
        "event_type": {
            **_ANY_EVENT_TYPE,
            "description": "Only webhooks that are subscribed to this event type, or to every one.",
        },
    }
    return to_camel(filters)


def _get_webhooks() -> Json:
    return {
        "description": "Lists the webhooks of the environment. Filters combine with AND; pagination is automatic.",
        "inputs": {"type": "object", "properties": _filters()},
        "outputs": {
            "type": "object",
            "properties": {"webhooks": {"type": "array", "items": {"$ref": f"#/types/{SUMMARY}"}}},
            "required": ["webhooks"],
        },
    }


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
