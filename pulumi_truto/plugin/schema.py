"""The plugin's schema, derived from the table of properties, and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pulumi_truto import config
from pulumi_truto.event_types import EventType
from pulumi_truto.plugin.tokens import (
    DYNAMIC_WEBHOOK,
    DYNAMIC_WEBHOOK_TEST,
    EVENT_TYPE,
    GET_WEBHOOK,
    GET_WEBHOOKS,
    PACKAGE,
    WEBHOOK,
    WEBHOOK_INFO,
    WEBHOOK_TEST,
)
from pulumi_truto.version import __version__
from pulumi_truto.webhook.properties import PROPERTIES, TEST_PROPERTIES, Property, camel_case, to_camel

__all__ = ["schema"]

Json = dict[str, Any]

#: Any string, with completion of the known event types.
_ANY_EVENT_TYPE: Final = {"oneOf": [{"type": "string"}, {"type": "string", "$ref": f"#/types/{EVENT_TYPE}"}]}

_ANYTHING: Final = {"$ref": "pulumi.json#/Any"}

_ID: Final = {"type": "string", "description": "The webhook's id."}

_DESCRIPTION: Final = """A Truto webhook: Truto posts the events of one environment to a URL.

Every property can be updated in place. A new secret needs a new webhook, as Truto cannot rotate secrets.

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

A webhook imported this way has no secret, as Truto shows it only once. `pulumi-truto import-file`, a command of the
Python package `pulumi-truto`, writes a file for `pulumi import --file` with the secrets that you have.
"""


_TEST_DESCRIPTION: Final = """A deployment gate: Truto delivers its test event, and the run fails unless the receiver
accepts it.

The test runs when this resource is created, and again when the webhook is replaced or a trigger changes. Let it depend
on the service that receives the events. A preview, a refresh and a destroy make no API call. A failed test is not part
of the state, so the next `pulumi up` repeats it.

## Example Usage

```typescript
const test = new truto.WebhookTest("orders", {
    webhookId: orders.id,
    triggers: [orders.targetUrl],
    retryForSeconds: 60,
}, { dependsOn: [service] });
```

```yaml
resources:
  test:
    type: truto:WebhookTest
    properties:
      webhookId: ${orders.id}
      triggers: ["${orders.targetUrl}"]
      retryForSeconds: 60
```
"""


def schema() -> Json:
    """The schema, as Pulumi's package schema describes it."""
    configuration = _configuration()
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
            WEBHOOK_INFO: {**_webhook_info(), "description": "A webhook without its secret."},
        },
        "resources": {WEBHOOK: _webhook(), WEBHOOK_TEST: _webhook_test()},
        "functions": {GET_WEBHOOK: _get_webhook(), GET_WEBHOOKS: _get_webhooks()},
        "language": {
            # The default is pulumi_truto: the generated SDK would overwrite this package.
            "python": {"packageName": "pulumi_truto_native", "pyproject": {"enabled": True}},
            "nodejs": {"respectSchemaVersion": True},
            "csharp": {"respectSchemaVersion": True},
            "go": {"respectSchemaVersion": True, "generateResourceContainerTypes": True},
        },
    }


def _configuration() -> Json:
    token = {
        "type": "string",
        "secret": True,
        # No `defaultInfo`: some SDKs would put the variable's value into the state, and not as a secret. The plugin
        # reads the variable itself.
        "description": "The Truto API token. It belongs to exactly one Truto environment. Default: the environment "
        f"variable `{config.API_TOKEN_VARIABLE}` of the plugin.",
    }
    base_url = {
        "type": "string",
        "description": f"The URL of Truto's API, by default `{config.DEFAULT_BASE_URL}`.",
        "defaultInfo": {"environment": [config.BASE_URL_VARIABLE]},
    }
    return {"apiToken": token, "baseUrl": base_url}


def _event_type() -> Json:
    return {
        "type": "string",
        "description": "An event type that Truto is known to send. Other strings are accepted too.",
        "enum": [
            {"name": _pascal(each.name), "value": str(each.value), "description": f"`{each.value}`"}
            for each in EventType
        ],
    }


def _webhook() -> Json:
    return {
        "description": _DESCRIPTION,
        **_properties(PROPERTIES),
        # A webhook of the dynamic provider can move to this resource.
        "aliases": [{"type": DYNAMIC_WEBHOOK}],
        "listInputs": {"type": "object", "properties": _filters()},
    }


def _webhook_test() -> Json:
    return {
        "description": _TEST_DESCRIPTION,
        **_properties(TEST_PROPERTIES),
        "aliases": [{"type": DYNAMIC_WEBHOOK_TEST}],
    }


def _properties(properties: Sequence[Property]) -> Json:
    return {
        "inputProperties": {camel_case(each.name): _input(each) for each in properties if each.is_input},
        "requiredInputs": [camel_case(each.name) for each in properties if each.is_required],
        "properties": {camel_case(each.name): _output(each) for each in properties},
        "required": [camel_case(each.name) for each in properties if not each.is_secret],
    }


def _webhook_info() -> Json:
    shown = {camel_case(each.name): _output(each) for each in PROPERTIES if not each.is_secret}
    properties = {"id": _ID, **shown}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _input(property_: Property) -> Json:
    schema: Json = {"type": property_.type, "description": property_.input}
    if property_.type == "array":
        schema["items"] = _ANYTHING if property_.items == "anything" else _ANY_EVENT_TYPE
    if property_.default is not None:
        schema["default"] = property_.default
    return schema


def _output(property_: Property) -> Json:
    schema: Json = {"type": property_.type, "description": property_.output}
    if property_.type == "array":
        schema["items"] = _ANYTHING if property_.items == "anything" else {"type": "string"}
    if property_.is_secret:
        schema["secret"] = True
    return schema


def _get_webhook() -> Json:
    return {
        "description": "Reads one webhook by its id. The result has no secret, as Truto shows it only once.",
        "inputs": {
            "type": "object",
            "properties": {"id": _ID},
            "required": ["id"],
        },
        "outputs": _webhook_info(),
    }


def _filters() -> Json:
    filters = {
        "is_active": {"type": "boolean", "description": "Only webhooks that are, or are not, active."},
        "target_url": {"type": "string", "description": "Only webhooks with this URL."},
        "event_type": {
            **_ANY_EVENT_TYPE,
            "description": "Only webhooks that are subscribed to this event type, or to every event.",
        },
    }
    return to_camel(filters)


def _get_webhooks() -> Json:
    return {
        "description": "Lists the webhooks of the environment. Filters combine with AND; pagination is automatic.",
        "inputs": {"type": "object", "properties": _filters()},
        "outputs": {
            "type": "object",
            "properties": {"webhooks": {"type": "array", "items": {"$ref": f"#/types/{WEBHOOK_INFO}"}}},
            "required": ["webhooks"],
        },
    }


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
