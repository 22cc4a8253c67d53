"""Property values as they travel between program, engine and provider. Pure: no processes, no files, no HTTP.

A value is what JSON can hold, with two of Pulumi's own forms in it: the text `UNKNOWN` for what a preview cannot
know, and an object with a signature for a secret (pulumi's `sdk/python/lib/pulumi/runtime/rpc.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.rpc import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Properties",
    "from_struct",
    "from_value",
    "has_secret",
    "has_unknown",
    "reveal",
    "secret",
    "secret_keys",
    "to_struct",
    "with_secrets",
]

Properties = dict[str, Any]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one


def from_struct(message: struct_pb2.Struct) -> Properties:
    """The properties in a message, whole numbers as integers, null members left out as Pulumi does."""
    return {name: from_value(value) for name, value in message.fields.items() if not _is_null(value)}


def from_value(message: struct_pb2.Value) -> Any:
    """One value out of a message."""
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return {name: from_value(value) for name, value in message.struct_value.fields.items()}
    if kind == "list_value":
        return [from_value(value) for value in message.list_value.values]
    if kind == "number_value":
        number = message.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(message, kind)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The message for these properties."""
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def is_secret(value: Any) -> bool:
    """Whether the value itself is a secret; see `has_secret` for one further in."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def secret(value: Any) -> Any:
    """The value as a secret, once only."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def reveal(value: Any) -> Any:
    """The value without any secret's wrapping."""
    if is_secret(value):
        return reveal(value["value"])
    if isinstance(value, dict):
        return {name: reveal(each) for name, each in value.items()}
    if isinstance(value, list):
        return [reveal(each) for each in value]
    return value


def has_secret(value: Any) -> bool:
    """Whether there is a secret anywhere in the value."""
    return _any(value, is_secret)


def has_unknown(value: Any) -> bool:
    """Whether anything in the value is not known yet."""
    return _any(value, lambda each: isinstance(each, str) and each == UNKNOWN)


def secret_keys(properties: Mapping[str, Any]) -> set[str]:
    """The properties that hold a secret."""
    return {name for name, value in properties.items() if has_secret(value)}


def with_secrets(properties: Mapping[str, Any], names: set[str]) -> Properties:
    """The properties with those names made secrets: a provider that takes no secrets gives plain values back."""
    return {name: secret(value) if name in names else value for name, value in properties.items()}


def _is_null(message: struct_pb2.Value) -> bool:
    return message.WhichOneof("kind") in (None, "null_value")


def _any(value: Any, test: Any) -> bool:
    if test(value):
        return True
    if isinstance(value, dict):
        return any(_any(each, test) for each in value.values())
    return isinstance(value, list) and any(_any(each, test) for each in value)
