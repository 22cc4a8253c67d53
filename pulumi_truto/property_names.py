"""The names of properties: the API's with the dynamic provider, camelCase with the plugin."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["camel_case", "from_camel", "is_camel", "named_properties", "snake_case_path", "to_camel"]


def camel_case(name: str) -> str:
    """The plugin's name for a name of the API; ``event_type`` becomes ``eventType``."""
    if name.startswith("__"):
        return name
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def to_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties under the plugin's names."""
    return {camel_case(name): value for name, value in properties.items()}


def from_camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties under the API's names, whichever names they have."""
    return {
        name if name.startswith("__") else re.sub("([A-Z])", r"_\1", name).lower(): value
        for name, value in properties.items()
    }


def is_camel(properties: Mapping[str, Any]) -> bool:
    """Whether the plugin wrote a state or inputs. Every resource has a property with a name of several words."""
    return any(letter.isupper() for name in properties for letter in name)


def snake_case_path(path: str, names: Collection[str]) -> str:
    """A property path such as ``eventTypes[0]``, with the API's names of these properties."""
    api_names = {camel_case(name): name for name in names}
    return re.sub(r"\w+", lambda word: api_names.get(word[0], word[0]), path)


def named_properties(paths: Collection[str], names: Collection[str]) -> set[str]:
    """The properties, under the API's names, that paths such as ``eventTypes[0]``, ``["eventTypes"]`` or ``*`` name."""
    if "*" in paths:
        return set(names)
    roots = (re.search(r"\w+", path) for path in paths)
    return set(from_camel({root[0]: None for root in roots if root}))
