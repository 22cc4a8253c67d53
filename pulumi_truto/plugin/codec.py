"""Decodes Pulumi's property values to plain values under the API's names, and encodes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2

from pulumi_truto.property_names import from_camel
from pulumi_truto.property_values import (
    UNKNOWN as PULUMI_UNKNOWN,
    UNKNOWNS as PULUMI_UNKNOWNS,
    marshal,
    unwrap_secrets,
    with_secrets,
)
from pulumi_truto.resource_type import UNKNOWN, Values

__all__ = ["decode", "encode"]


def decode(properties: Mapping[str, Any]) -> Values:
    """The properties under the API's names, in plain, with `UNKNOWN` for unknown values."""
    return {name: _decode(unwrap_secrets(value)) for name, value in from_camel(properties).items()}


def encode(values: Mapping[str, Any], secrets: set[str]) -> struct_pb2.Struct:
    """The message for the engine, with the properties of these names as secrets; null values are omitted."""
    encoded = {name: _encode(value) for name, value in values.items() if value is not None}
    return marshal(with_secrets(encoded, secrets))


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _decode(element) for name, element in value.items()}
    if isinstance(value, list):
        return [_decode(element) for element in value]
    return UNKNOWN if isinstance(value, str) and value in PULUMI_UNKNOWNS else value


def _encode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _encode(element) for name, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(element) for element in value]
    return PULUMI_UNKNOWN if value is UNKNOWN else value
