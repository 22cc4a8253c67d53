"""Names the changes of the plugin's schema that break users' programs.

Every difference counts as breaking, except those that are listed here. The list follows Pulumi's own tool
(pulumi/schema-tools, internal/compare/engine.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["breaking_changes"]


def _paths(*patterns: str) -> re.Pattern[str]:
    """Matches paths in a schema: keys joined by slashes. A star stands for one key."""
    return re.compile("|".join(patterns).replace("*", "[^/]+"))


_INPUTS: Final = "(resources/*/(listInputs|stateInputs)|functions/*/inputs)"
_OUTPUTS: Final = "(resources/*|provider|functions/*/outputs)"
_PROPERTIES: Final = (
    f"(config/variables|(resources/*|provider)/inputProperties|({_INPUTS}|{_OUTPUTS}|types/*)/properties)"
)
_DESCRIBED: Final = f"({_PROPERTIES}/*|{_INPUTS}|{_OUTPUTS}|functions/*|types/*|types/*/enum/*)"

#: Neither a program nor a state depends on these.
_HARMLESS: Final = _paths(
    f"{_DESCRIBED}/(description|deprecationMessage)",
    "language/*/(packageDescription|readme)",
    "attribution|description|displayName|homepage|keywords|license|logoUrl|pluginDownloadURL|publisher|repository|version",
)
#: These may be added.
_ADDABLE: Final = _paths(
    "(resources|functions|types|types/*/enum)/*",
    f"{_PROPERTIES}/*(/secret)?",
    f"{_OUTPUTS}/required(/*)?",
    "resources/*/(listInputs|stateInputs)",
    "resources/*/aliases(/.+)?",
)
#: These may be removed.
_REMOVABLE: Final = _paths(
    "config/defaults(/*)?", "(resources/*|provider)/requiredInputs(/*)?", f"{_INPUTS}/required(/*)?"
)
#: Lists whose order means nothing. In the format, `defaults` lists the required variables.
_SETS: Final = ("aliases", "defaults", "enum", "required", "requiredInputs")


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Compares two Pulumi package schemas.

    Args:
        old: the schema of the last release.
        new: the schema to release.

    Returns:
        One line for each change that can break a program or a state.
    """
    return list(_compare("", old, new, _addable_requirements(old)))


def _addable_requirements(schema: dict[str, Any]) -> re.Pattern[str]:
    """Types that programs only read may get properties that are always there."""
    sections = ("resources", "functions")
    owners = [schema.get("provider", {}), *(owner for name in sections for owner in schema.get(name, {}).values())]
    keys = ("inputProperties", "listInputs", "stateInputs", "inputs")
    # A type within another type counts as written, because the outer one may be.
    written = json.dumps(
        [schema.get("config"), schema.get("types"), [[owner.get(key) for key in keys] for owner in owners]]
    )
    read_only = [token for token in schema.get("types", {}) if f'"#/types/{token}"' not in written]
    return _paths(*(f"types/{re.escape(token)}/required(/*)?" for token in read_only))


def _compare(path: str, old: dict[str, Any], new: dict[str, Any], addable: re.Pattern[str]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        key_path, old_value, new_value = f"{path}{key}", _keyed(key, old.get(key)), _keyed(key, new.get(key))
        if old_value == new_value or _HARMLESS.fullmatch(key_path):
            continue
        if key not in old:
            if not (_ADDABLE.fullmatch(key_path) or addable.fullmatch(key_path)):
                yield f"{key_path} was added: {json.dumps(new_value)}"
        elif key not in new:
            if not _REMOVABLE.fullmatch(key_path):
                yield f"{key_path} was removed"
        elif isinstance(old_value, dict) and isinstance(new_value, dict):
            yield from _compare(f"{key_path}/", old_value, new_value, addable)
        else:
            yield f"{key_path} is {json.dumps(new_value)}, was {json.dumps(old_value)}"


def _keyed(key: str, value: Any) -> Any:
    """Makes a mapping of a list whose order means nothing."""
    if key not in _SETS or not isinstance(value, list):
        return value
    return {item if isinstance(item, str) else item.get("value") or json.dumps(item): item for item in value}
