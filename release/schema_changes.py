"""``python -m release.schema_changes OLD NEW`` names the changes of the schema that break users' programs.

The rules for additions and removals are those of Pulumi's own tool (pulumi/schema-tools,
internal/compare/engine.go), and cover what that leaves out: enum values, secrets, aliases and configuration. Every
other key must stay as it is, unless it is known to be harmless: a key that nobody thought of counts as breaking.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["breaking_changes"]

Json = Mapping[str, Any]

#: What neither a program nor a state depends on.
_HARMLESS: Final = frozenset(
    {
        "attribution",
        "deprecationMessage",
        "description",
        "displayName",
        "homepage",
        "keywords",
        "language.nodejs.packageDescription",
        "language.nodejs.readme",
        "language.python.readme",
        "license",
        "logoUrl",
        "pluginDownloadURL",
        "publisher",
        "repository",
        "version",
    }
)
#: What says which values a property takes, in words that `_type` finds.
_TYPE: Final = ("type", "items", "additionalProperties", "oneOf", "$ref")
#: What `_inputs` and `_outputs` compare of an object, which is `type: object` wherever inputs are.
_OBJECT: Final = ("properties", "required")
_INPUT_OBJECT: Final = (*_OBJECT, "type", "description")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Compares two Pulumi package schemas.

    Args:
        old: The schema of the last release.
        new: The schema to release.

    Returns:
        One sentence for each change that can break a program or a state. What is added breaks
        nothing: resources, functions, types, optional properties, enum values and aliases.
    """
    return [
        *_package(old, new),
        *_configuration(old, new),
        *_resources(old, new),
        *_functions(old, new),
        *_types(old, new),
    ]


def _package(old: Json, new: Json) -> Iterator[str]:
    compared = ("config.variables", "config.defaults", "provider", "resources", "functions", "types")
    yield from _others("the package", old, new, compared)


def _others(where: str, old: Json, new: Json, compared: Collection[str] = (), prefix: str = "") -> Iterator[str]:
    """Names each difference, except in what is harmless and in what other rules have compared.

    Args:
        where: What the two mappings describe.
        old: The mapping of the last release.
        new: The mapping to release.
        compared: The keys that other rules compare; one within another mapping as `inputs.required`.
        prefix: The keys that lead to the two mappings, each with a dot.
    """
    for name in dict.fromkeys([*old, *new]):
        key, before, after = f"{prefix}{name}", old.get(name), new.get(name)
        if key in _HARMLESS or key in compared or before == after:
            continue
        one, two = ({} if value is None else value for value in (before, after))
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            yield from _others(where, one, two, compared, f"{key}.")
        else:
            yield f"{where} has the {key} {_shown(after)}, and had {_shown(before)}"


def _configuration(old: Json, new: Json) -> Iterator[str]:
    # In the format, `defaults` lists the required variables.
    before, after = (
        {"properties": config.get("variables", {}), "required": config.get("defaults", [])}
        for config in (old.get("config", {}), new.get("config", {}))
    )
    yield from _inputs("configuration", "variable", before, after)
    yield from _resource("the provider", old.get("provider", {}), new.get("provider", {}))


def _resources(old: Json, new: Json) -> Iterator[str]:
    for token, before, after in _pairs(old, new, "resources"):
        if after is None:
            yield f"the resource {token} was removed"
        else:
            yield from _resource(token, before, after)


def _resource(where: str, old: Json, new: Json) -> Iterator[str]:
    inputs = (
        {"properties": each.get("inputProperties"), "required": each.get("requiredInputs")} for each in (old, new)
    )
    yield from _inputs(where, "input", *inputs)
    yield from _outputs(where, "output", old, new)
    for part, kind in {"listInputs": "list filter", "stateInputs": "state input"}.items():
        yield from _inputs(where, kind, old.get(part) or {}, new.get(part) or {})
    aliases = new.get("aliases", [])
    for alias in old.get("aliases", []):
        if alias not in aliases:
            yield f"{where}: the alias {alias.get('type')} was removed"
    objects = [f"{part}.{key}" for part in ("listInputs", "stateInputs") for key in _INPUT_OBJECT]
    yield from _others(where, old, new, (*_OBJECT, "inputProperties", "requiredInputs", "aliases", *objects))


def _functions(old: Json, new: Json) -> Iterator[str]:
    for token, before, after in _pairs(old, new, "functions"):
        if after is None:
            yield f"the function {token} was removed"
            continue
        inputs, outputs = ((before.get(part) or {}, after.get(part) or {}) for part in ("inputs", "outputs"))
        yield from _inputs(token, "input", *inputs)
        yield from _outputs(token, "output", *outputs)
        if inputs[1].get("properties") and not inputs[0].get("properties"):
            # Its signature in Go, TypeScript and C# is another one (pulumi/pulumi#13563).
            yield f"{token} takes inputs, and took none"
        objects = [f"inputs.{key}" for key in _INPUT_OBJECT] + [f"outputs.{key}" for key in (*_OBJECT, "description")]
        yield from _others(token, before, after, objects)


def _types(old: Json, new: Json) -> Iterator[str]:
    """A type that programs write has to stay valid as an input, one that they read as an output."""
    written, read = _used_types(old)
    for token, before, after in _pairs(old, new, "types"):
        if after is None:
            yield f"the type {token} was removed"
            continue
        yield from _enum(token, before.get("enum", []), after.get("enum", []))
        yield from _others(token, before, after, (*_OBJECT, "enum"))
        as_input = _inputs(token, "property", before, after) if token in written else ()
        as_output = _outputs(token, "property", before, after) if token in read else ()
        yield from dict.fromkeys([*as_input, *as_output])


def _enum(token: str, old: Sequence[Json], new: Sequence[Json]) -> Iterator[str]:
    members = {member["value"]: member for member in new}
    for member in old:
        where = f"{token}: the value {_shown(member['value'])}"
        if member["value"] not in members:
            yield f"{where} was removed"
        else:
            yield from _others(where, member, members[member["value"]])


def _inputs(where: str, kind: str, old: Json, new: Json) -> Iterator[str]:
    yield from _properties(where, kind, old, new)
    required = old.get("required") or []
    for name in new.get("required") or []:
        if name not in required:
            yield f"{where}: the {kind} {name} is required now"


def _outputs(where: str, kind: str, old: Json, new: Json) -> Iterator[str]:
    yield from _properties(where, kind, old, new)
    required = new.get("required") or []
    for name in old.get("required") or []:
        if name not in required and name in (new.get("properties") or {}):
            yield f"{where}: the {kind} {name} may be missing now"


def _properties(where: str, kind: str, old: Json, new: Json) -> Iterator[str]:
    remaining = new.get("properties") or {}
    for name, before in (old.get("properties") or {}).items():
        after, property_ = remaining.get(name), f"{where}: the {kind} {name}"
        if after is None:
            yield f"{property_} was removed"
            continue
        if before.get("secret") and not after.get("secret"):
            yield f"{property_} is no longer a secret"
        same_type = _type(before) == _type(after)
        if not same_type:
            yield f"{property_} is of type {_type(after)}, and was {_type(before)}"
        yield from _others(property_, before, after, ("secret", *(() if same_type else _TYPE)))


def _type(property_: Json) -> str:
    """The type in words. Two types are the same if their words are."""
    if "oneOf" in property_:
        return " or ".join(_type(each) for each in property_["oneOf"])
    if "$ref" in property_:
        return str(property_["$ref"]).removeprefix("#/types/").removeprefix("pulumi.json#/")
    if "items" in property_:
        return f"array of ({_type(property_['items'])})"
    if "additionalProperties" in property_:
        return f"map of ({_type(property_['additionalProperties'])})"
    return str(property_.get("type"))


def _used_types(schema: Json) -> tuple[set[str], set[str]]:
    """The types that programs write, and those that they read, directly or within another type."""
    resources = [*schema.get("resources", {}).values(), schema.get("provider", {})]
    functions = schema.get("functions", {}).values()
    written = [[each.get("inputProperties"), each.get("listInputs"), each.get("stateInputs")] for each in resources]
    read = [each.get("properties") for each in resources]
    return (
        _references(schema, [written, [each.get("inputs") for each in functions], schema.get("config")]),
        _references(schema, [read, [each.get("outputs") for each in functions]]),
    )


def _references(schema: Json, part: Any, found: frozenset[str] = frozenset()) -> set[str]:
    if isinstance(part, Mapping):
        token = str(part.get("$ref", "")).removeprefix("#/types/")
        type_ = schema.get("types", {}).get(token)
        if type_ is not None and token not in found:
            return _references(schema, [list(part.values()), type_], found | {token}) | {token}
        part = list(part.values())
    if not isinstance(part, list):
        return set()
    return {token for each in part for token in _references(schema, each, found)}


def _pairs(old: Json, new: Json, section: str) -> Iterator[tuple[str, Json, Json | None]]:
    for token, before in old.get(section, {}).items():
        yield token, before, new.get(section, {}).get(token)


def _shown(value: Any) -> str:
    return "none" if value is None else json.dumps(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the changes between two files, and returns 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m release.schema_changes", description=__doc__)
    parser.add_argument("old", type=Path, help="the schema of the last release")
    parser.add_argument("new", type=Path, help="the schema to release")
    options = parser.parse_args(arguments)
    changes = breaking_changes(*(json.loads(path.read_text(encoding="utf-8")) for path in (options.old, options.new)))
    for change in changes:
        print(change)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
