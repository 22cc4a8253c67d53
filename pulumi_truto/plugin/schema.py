"""The plugin's schema, derived from the table of properties. ``python -m pulumi_truto.plugin.schema`` prints it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_truto import config
from pulumi_truto.event_types import EventType
from pulumi_truto.plugin.tokens import (
    EVENT_TYPE,
    GET_WEBHOOK,
    GET_WEBHOOKS,
    PACKAGE,
    WEBHOOK,
    WEBHOOK_INFO,
)
from pulumi_truto.property_names import camel_case, to_camel
from pulumi_truto.resource_type import Property, ResourceType
from pulumi_truto.resource_types import RESOURCE_TYPES
from pulumi_truto.rest.rest_type import RestType
from pulumi_truto.version import LOGO_URL, PUBLISHER, REPOSITORY, __version__
from pulumi_truto.webhook import webhook_type

__all__ = ["schema", "schema_file"]

Json = dict[str, Any]

#: Any string, with completion of the known event types.
_ANY_EVENT_TYPE: Final = {"oneOf": [{"type": "string"}, {"type": "string", "$ref": f"#/types/{EVENT_TYPE}"}]}

_ANYTHING: Final = {"$ref": "pulumi.json#/Any"}

_ID: Final = {"type": "string", "description": "The webhook's id."}

#: The descriptions of the resources and functions, in Markdown with examples in every language.
_DESCRIPTIONS: Final = Path(__file__).with_name("descriptions")

#: The Go module that the descriptions' examples import; `example.com` is nobody's.
_EXAMPLE_MODULE: Final = "example.com/pulumi-truto"


def schema() -> Json:
    """The schema, as Pulumi's package schema describes it."""
    configuration = _configuration()
    published = {"publisher": PUBLISHER, "repository": REPOSITORY, "logoUrl": LOGO_URL}
    return {
        "name": PACKAGE,
        "version": __version__,
        "displayName": "Truto",
        "description": "Webhooks and notification destinations of Truto, the unified API, as infrastructure",
        "keywords": ["pulumi", "truto", "webhook", "category/utility", "kind/native"],
        "license": "Apache-2.0",
        **{name: value for name, value in published.items() if value},
        "config": {"variables": configuration},
        "provider": {
            "description": "The settings of one Truto environment: an API token belongs to exactly one.",
            "inputProperties": configuration,
            "properties": configuration,
        },
        "types": {
            EVENT_TYPE: _event_type(),
            WEBHOOK_INFO: {**_webhook_info(), "description": "A webhook without its secret."},
            **_objects(),
        },
        "resources": {token: _resource(kind) for token, kind in RESOURCE_TYPES.items()},
        "functions": {GET_WEBHOOK: _get_webhook(), GET_WEBHOOKS: _get_webhooks()},
        "language": _languages(),
    }


def schema_file() -> str:
    """The text of ``schema.json``: the schema without the version, which is in `pulumi_truto.version` only."""
    document = schema()
    del document["version"]
    return json.dumps(document, indent=2) + "\n"


def _languages() -> Json:
    """The names of the generated SDKs. None is in a scope, namespace or domain of Pulumi's own."""
    return {
        # The default is pulumi_truto: the generated SDK would overwrite this package.
        "python": {
            "packageName": "pulumi_truto_native",
            "pyproject": {"enabled": True},
            "respectSchemaVersion": True,
        },
        "nodejs": {"packageName": "pulumi-truto", "respectSchemaVersion": True},
        "go": {
            "importBasePath": f"{_go_module()}/sdk/go/{PACKAGE}",
            "respectSchemaVersion": True,
            "generateResourceContainerTypes": True,
        },
        "csharp": {"rootNamespace": "PulumiTruto", "respectSchemaVersion": True},
        "java": {"basePackage": "pulumitruto"},
    }


def _go_module() -> str:
    """Where a published Go SDK is found: the address of the repository without its scheme."""
    address = urlsplit(REPOSITORY)
    return f"{address.netloc}{address.path.rstrip('/')}" if REPOSITORY else _EXAMPLE_MODULE


def _description(name: str) -> str:
    text = (_DESCRIPTIONS / f"{name}.md").read_text(encoding="utf-8")
    return text.replace(_EXAMPLE_MODULE, _go_module())


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
    environment_id = {
        "type": "string",
        "description": "The Truto environment that the API token must belong to. Nothing is changed in another "
        f"one. Default: the environment variable `{config.ENVIRONMENT_ID_VARIABLE}`, or not checked.",
    }
    return {"apiToken": token, "baseUrl": base_url, "environmentId": environment_id}


def _event_type() -> Json:
    return {
        "type": "string",
        "description": "An event type that Truto is known to send. Other strings are accepted too.",
        "enum": [
            {"name": _pascal(event_type.name), "value": str(event_type.value), "description": f"`{event_type.value}`"}
            for event_type in EventType
        ],
    }


def _resource(kind: ResourceType) -> Json:
    schema = {
        "description": _description(re.sub("(?<!^)([A-Z])", r"_\1", kind.name).lower()),
        **_properties(kind.properties),
        # A resource of the dynamic provider can move to this one.
        "aliases": [{"type": kind.dynamic_token}],
    }
    if isinstance(kind, RestType):
        schema["listInputs"] = {"type": "object", "properties": _filters() if kind.token == WEBHOOK else {}}
    return schema


def _properties(properties: Sequence[Property]) -> Json:
    return {
        "inputProperties": {
            camel_case(property_.name): _input(property_) for property_ in properties if property_.is_input
        },
        "requiredInputs": [camel_case(property_.name) for property_ in properties if property_.is_required],
        "properties": {camel_case(property_.name): _output(property_) for property_ in properties},
        "required": [camel_case(property_.name) for property_ in properties if not property_.can_be_null],
    }


def _webhook_info() -> Json:
    outputs = {
        camel_case(property_.name): _output(property_)
        for property_ in webhook_type.WEBHOOK.properties
        if not property_.is_secret
    }
    properties = {"id": _ID, **outputs}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _objects() -> Json:
    """The types of the properties that are objects."""
    objects = [property_ for kind in RESOURCE_TYPES.values() for property_ in kind.properties if property_.fields]
    return {
        _object_token(property_): {
            "type": "object",
            "description": property_.output,
            "properties": {camel_case(field.name): _input(field) for field in property_.fields},
        }
        for property_ in objects
    }


def _object_token(property_: Property) -> str:
    return f"{PACKAGE}:index:{property_.object_type}"


def _input(property_: Property) -> Json:
    schema = _typed(property_, property_.input, _ANY_EVENT_TYPE)
    if property_.default not in (None, ()):
        schema["default"] = property_.default
    return schema


def _output(property_: Property) -> Json:
    return _typed(property_, property_.output, {"type": "string"})


def _typed(property_: Property, description: str, event_type: Json) -> Json:
    schema: Json = {"type": property_.type, "description": description}
    if property_.type == "array":
        items = {"event types": event_type, "strings": {"type": "string"}, "integers": {"type": "integer"}}
        schema["items"] = items.get(property_.items, _ANYTHING)
    if property_.type == "object":
        schema["$ref"] = f"#/types/{_object_token(property_)}"
    if property_.is_secret:
        schema["secret"] = True
    return schema


def _get_webhook() -> Json:
    return {
        "description": _description("get_webhook"),
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
        "description": _description("get_webhooks"),
        "inputs": {"type": "object", "properties": _filters()},
        "outputs": {
            "type": "object",
            "properties": {"webhooks": {"type": "array", "items": {"$ref": f"#/types/{WEBHOOK_INFO}"}}},
            "required": ["webhooks"],
        },
    }


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


if __name__ == "__main__":
    sys.stdout.write(schema_file())
