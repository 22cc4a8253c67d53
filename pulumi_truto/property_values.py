"""Property values as program, engine and provider exchange them.

A value is JSON with two forms of Pulumi's own: the string `UNKNOWN` for a value that a preview cannot know, and an
object with a signature for a secret (pulumi's `sdk/python/lib/pulumi/runtime/rpc.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.rpc import UNKNOWN

__all__ = [
    "UNKNOWN",
    "UNKNOWNS",
    "Properties",
    "contains_asset",
    "contains_secret",
    "contains_unknown",
    "is_asset",
    "make_secret",
    "marshal",
    "secret_keys",
    "unmarshal",
    "unmarshal_value",
    "unwrap_secrets",
    "with_secrets",
    "with_secrets_of",
]

Properties = dict[str, Any]

#: The engine marks an unknown value by its type: string, boolean, number, array, asset, archive, object (pulumi's
#: `sdk/go/common/resource/plugin/rpc.go`).
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
#: The marks of an asset and of an archive.
_ASSETS: Final = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")


def unmarshal(message: struct_pb2.Struct) -> Properties:
    """The properties in a message by name: whole numbers as integers, null properties omitted, like Pulumi's own."""
    return {name: unmarshal_value(value) for name, value in sorted(message.fields.items()) if not _is_null(value)}


def unmarshal_value(message: struct_pb2.Value) -> Any:
    """One value of a message."""
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return {name: unmarshal_value(value) for name, value in sorted(message.struct_value.fields.items())}
    if kind == "list_value":
        return [unmarshal_value(value) for value in message.list_value.values]
    if kind == "number_value":
        return _number(message.number_value)
    return None if kind in (None, "null_value") else getattr(message, kind)


def marshal(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The message for these properties."""
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def is_secret(value: Any) -> bool:
    """Whether the value itself is a secret; see `contains_secret` for a nested one."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def is_asset(value: Any) -> bool:
    """Whether the value itself is an asset or an archive."""
    return isinstance(value, dict) and value.get(SIGNATURE) in _ASSETS


def make_secret(value: Any) -> Any:
    """The value as a secret; a secret is returned unchanged."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def unwrap_secrets(value: Any) -> Any:
    """The value with every secret in it as a plain value."""
    if is_secret(value):
        return unwrap_secrets(value["value"])
    if isinstance(value, dict):
        return {name: unwrap_secrets(element) for name, element in value.items()}
    if isinstance(value, list):
        return [unwrap_secrets(element) for element in value]
    return value


def contains_asset(value: Any) -> bool:
    """Whether the value is or contains an asset or an archive."""
    return _any(value, is_asset)


def contains_secret(value: Any) -> bool:
    """Whether the value is or contains a secret."""
    return _any(value, is_secret)


def contains_unknown(value: Any) -> bool:
    """Whether the value is or contains one that is not known yet."""
    return _any(value, lambda string: isinstance(string, str) and string in UNKNOWNS)


def secret_keys(properties: Mapping[str, Any]) -> set[str]:
    """The names of the properties that contain a secret."""
    return {name for name, value in properties.items() if contains_secret(value)}


def with_secrets(properties: Mapping[str, Any], names: set[str]) -> Properties:
    """The properties with the named ones as secrets: a provider that accepts no secrets returns plain values."""
    return {name: make_secret(value) if name in names else value for name, value in properties.items()}


def with_secrets_of(value: Any, original: Any) -> Any:
    """The value with the secrets of the original: of an object those inside it, of a list with a secret all of it."""
    if isinstance(value, dict) and isinstance(original, dict) and not (is_secret(value) or is_secret(original)):
        return {name: with_secrets_of(element, original.get(name)) for name, element in value.items()}
    return make_secret(value) if contains_secret(original) else value


def _number(number: float) -> int | float:
    """A whole number as an integer, with the digits that Pulumi writes: 2**64 is 18446744073709552000."""
    is_written_whole = number.is_integer() and abs(number) < 1e21 and repr(number) != "-0.0"
    return int(Decimal(repr(number))) if is_written_whole else number


def _is_null(message: struct_pb2.Value) -> bool:
    return message.WhichOneof("kind") in (None, "null_value")


def _any(value: Any, test: Any) -> bool:
    if test(value):
        return True
    if isinstance(value, dict):
        return any(_any(element, test) for element in value.values())
    return isinstance(value, list) and any(_any(element, test) for element in value)
