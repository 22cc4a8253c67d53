"""Translates between Pulumi's property values and the webhook's inputs and state."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from pulumi_truto import config
from pulumi_truto.property_values import (
    UNKNOWN as PULUMI_UNKNOWN,
    UNKNOWNS as PULUMI_UNKNOWNS,
    Properties,
    marshal,
    secret_keys,
    unwrap_secrets,
    with_secrets,
)
from pulumi_truto.webhook.diff import WebhookState
from pulumi_truto.webhook.inputs import UNKNOWN, WebhookInputs
from pulumi_truto.webhook.properties import PROPERTIES, from_camel, to_camel

__all__ = ["from_pulumi", "marshal_state", "provider_settings", "to_inputs", "to_pulumi", "to_state"]

#: Always secret, whatever the program says.
_SECRETS: Final = frozenset(to_camel({each.name: each for each in PROPERTIES if each.is_secret}))


def provider_settings(inputs: Properties, request: Any) -> config.Settings:
    """The settings from a provider's inputs, whose names have no namespace."""
    plain = unwrap_secrets(inputs)
    name = request.name or request.urn.rpartition("::")[2]
    # The engine names default providers "default", or "default_1_2_3" with a version.
    explicit = "" if name == "default" or re.fullmatch(r"default_[0-9_a-z]+", name) else name
    return config.resolve_settings(
        lambda key: plain.get(key.removeprefix("truto:")),
        os.environ,
        provider=explicit,
        keys=[f"truto:{name}" for name in plain],
    )


def from_pulumi(properties: Properties) -> dict[str, Any]:
    """The properties under the API's names, in plain, with `UNKNOWN` for unknown values."""
    return {
        name: _replace(unwrap_secrets(value), PULUMI_UNKNOWNS, UNKNOWN)
        for name, value in from_camel(properties).items()
    }


def to_inputs(properties: Properties) -> WebhookInputs:
    """The canonical inputs that `Check` returned."""
    return cast(WebhookInputs, from_pulumi(properties))


def to_state(properties: Properties) -> WebhookState:
    """The state that the engine keeps."""
    return cast(WebhookState, from_pulumi(properties))


def to_pulumi(values: Mapping[str, Any], secrets: set[str]) -> Properties:
    """The opposite of `from_pulumi`, with these properties, and those that always are, as secrets."""
    plain = to_camel({name: _replace(value, (UNKNOWN,), PULUMI_UNKNOWN) for name, value in values.items()})
    return with_secrets({name: value for name, value in plain.items() if value is not None}, secrets | _SECRETS)


def marshal_state(values: Mapping[str, Any], declared: Properties) -> Any:
    """The outputs for the engine. What the program declared as a secret is a secret there too."""
    return marshal(to_pulumi(values, secret_keys(declared)))


def _replace(value: Any, old: Collection[Any], new: Any) -> Any:
    if isinstance(value, list):
        return [_replace(each, old, new) for each in value]
    return new if value is UNKNOWN or (isinstance(value, str) and value in old) else value
