"""The check of the schema names each change that breaks users' programs, and nothing else."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import EVENT_TYPE, GET_WEBHOOK, GET_WEBHOOKS, WEBHOOK, WEBHOOK_INFO, WEBHOOK_TEST
from release.schema_changes import breaking_changes

#: The parts of the schema that most paths begin with.
HOOK: Final = f"resources/{WEBHOOK}"
INFO: Final = f"types/{WEBHOOK_INFO}"
GET: Final = f"functions/{GET_WEBHOOK}"
LIST: Final = f"functions/{GET_WEBHOOKS}"
REMOVED: Final = object()
STRING: Final = {"type": "string"}


def changed(path: str, value: object = REMOVED, document: Any = None) -> Any:
    """A copy of the schema, in which a path has another value, is new or is removed.

    An item of a list is named by its text or by its "value".
    """
    copy = json.loads(json.dumps(document or schema()))
    *parents, key = path.split("/")
    parent = copy
    for name in parents:
        parent = parent[name]
    if not isinstance(parent, list):
        if value is REMOVED:
            del parent[key]
        else:
            parent[key] = value
    elif value is REMOVED:
        parent[:] = [item for item in parent if key not in (item if isinstance(item, str) else item["value"])]
    else:
        parent.append(value)
    return copy


@pytest.mark.parametrize(
    "path",
    [
        f"resources/{WEBHOOK_TEST}",
        GET,
        INFO,
        f"{HOOK}/inputProperties/isActive",
        f"{HOOK}/properties/createdAt",
        f"{HOOK}/listInputs/properties/targetUrl",
        f"{LIST}/inputs/properties/eventType",
        f"{GET}/outputs/properties/targetUrl",
        f"{INFO}/properties/isActive",
        f"types/{EVENT_TYPE}/enum/record:created",
        f"{HOOK}/required/updatedAt",
        f"{INFO}/required/createdAt",
        f"{HOOK}/properties/secret/secret",
        f"{HOOK}/aliases",
        "config/variables/apiToken/secret",
        "config/variables/baseUrl",
        "config/variables/baseUrl/defaultInfo",
        "provider/inputProperties/baseUrl",
        "language/java",
        "language/go/generateResourceContainerTypes",
    ],
)
def test_removal_is_breaking(path: str) -> None:
    """A removed part of the schema that programs or states may use is named."""
    assert breaking_changes(schema(), changed(path)) == [f"{path} was removed"]


@pytest.mark.parametrize(
    ("path", "value", "old_value"),
    [
        ("name", "truto2", "truto"),
        ("language/nodejs/packageName", "truto", "pulumi-truto"),
        (f"types/{EVENT_TYPE}/type", "integer", "string"),
        (f"{HOOK}/inputProperties/targetUrl/type", "array", "string"),
        (f"{HOOK}/properties/isActive/type", "string", "boolean"),
        (f"{HOOK}/inputProperties/isActive/default", False, True),
        (f"{LIST}/outputs/properties/webhooks/items/$ref", f"#/types/{EVENT_TYPE}", f"#/types/{WEBHOOK_INFO}"),
    ],
)
def test_other_value_is_breaking(path: str, value: object, old_value: object) -> None:
    """Another name, type or default is named, with the earlier one."""
    assert breaking_changes(schema(), changed(path, value)) == [
        f"{path} is {json.dumps(value)}, was {json.dumps(old_value)}"
    ]


def test_other_name_of_an_enum_value_is_breaking() -> None:
    """The name of a value is that of a constant in programs."""
    path = f"types/{EVENT_TYPE}/enum/record:created"
    new = changed(path, {"name": "New", "value": "record:created"}, changed(path))
    assert breaking_changes(schema(), new) == [f'{path}/name is "New", was "RecordCreated"']


#: Where a key that nobody thought of is breaking.
PARTS: Final = [
    "",
    "provider/",
    "config/",
    "config/variables/baseUrl/",
    f"{HOOK}/",
    f"{HOOK}/inputProperties/eventTypes/",
    f"{HOOK}/properties/isActive/",
    f"{HOOK}/listInputs/",
    f"{HOOK}/listInputs/properties/targetUrl/",
    f"{GET}/",
    f"{GET}/inputs/",
    f"{GET}/inputs/properties/id/",
    f"{GET}/outputs/properties/id/",
    f"{INFO}/",
    f"{INFO}/properties/id/",
    f"types/{EVENT_TYPE}/",
    "language/python/",
]


@pytest.mark.parametrize("part", PARTS)
def test_unknown_key_is_breaking(part: str) -> None:
    """A key that nobody thought of is named where it is added, is changed, or is removed, at any depth."""
    simple_schema, nested_schema = changed(f"{part}isNew", value=True), changed(f"{part}isNew", {"deep": [1]})
    assert breaking_changes(schema(), simple_schema) == [f"{part}isNew was added: true"]
    assert breaking_changes(simple_schema, nested_schema) == [f'{part}isNew is {{"deep": [1]}}, was true']
    assert breaking_changes(nested_schema, changed(f"{part}isNew", {"deep": [2]})) == [
        f"{part}isNew/deep is [2], was [1]"
    ]
    assert breaking_changes(nested_schema, schema()) == [f"{part}isNew was removed"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{HOOK}/requiredInputs/eventTypes", "eventTypes"),
        (f"{GET}/inputs/required/isActive", "isActive"),
        (f"{LIST}/inputs/required", ["isActive"]),
        ("config/defaults", ["apiToken"]),
        ("provider/requiredInputs", ["apiToken"]),
        (f"{HOOK}/inputProperties/targetUrl/plain", True),
        (f"{HOOK}/properties/targetUrl/replaceOnChanges", True),
        (f"{HOOK}/methods", {"ping": GET_WEBHOOK}),
        (f"{GET}/multiArgumentInputs", ["id"]),
        ("meta", {"moduleFormat": "(.*)"}),
    ],
)
def test_new_requirement_is_breaking(path: str, value: object) -> None:
    """A new requirement, or a change of the generated code, is named."""
    assert [line.partition(" was added")[0] for line in breaking_changes(schema(), changed(path, value))] == [path]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "9.9.9"),
        ("repository", "https://example.com/pulumi-truto"),
        (f"{HOOK}/description", ""),
        ("resources/truto:index:Other", {}),
        ("functions/truto:index:other", {}),
        ("types/truto:index:Other", {"type": "object"}),
        (f"{HOOK}/inputProperties/description", STRING),
        (f"{HOOK}/requiredInputs/targetUrl", REMOVED),
        (f"{HOOK}/properties/name", STRING),
        (f"{HOOK}/required/secret", "secret"),
        (f"{HOOK}/properties/createdAt/secret", True),
        (f"{HOOK}/aliases/other", {"type": "pulumi-python:dynamic/truto:Hook"}),
        (f"{HOOK}/stateInputs", {"type": "object", "properties": {"id": STRING}}),
        (f"{GET}/inputs/properties/name", STRING),
        (f"{GET}/outputs/properties/name", STRING),
        (f"{GET}/outputs/required/name", "name"),
        (f"{INFO}/properties/name", STRING),
        (f"{INFO}/required/name", "name"),
        (f"types/{EVENT_TYPE}/enum/other:created", {"name": "Other", "value": "other:created"}),
        ("config/variables/region", STRING),
        *((f"{part}deprecationMessage", "Old.") for part in PARTS if part.count("/") > 1 and "language" not in part),
    ],
)
def test_addition_is_compatible(path: str, value: object) -> None:
    """Additions, relaxations and descriptions break nothing."""
    new = changed(path, value)
    assert new != schema()
    assert breaking_changes(schema(), new) == []


def test_order_of_required_properties_is_compatible() -> None:
    """The lists of names have no order."""
    assert (
        breaking_changes(schema(), changed(f"{INFO}/required", schema()["types"][WEBHOOK_INFO]["required"][::-1])) == []
    )


def test_property_called_like_a_harmless_key_is_compared() -> None:
    """Only the key is harmless: a property that is called description is a property."""
    old = changed(f"{HOOK}/inputProperties/description", STRING)
    assert breaking_changes(old, schema()) == [f"{HOOK}/inputProperties/description was removed"]


def test_first_inputs_of_a_function_are_breaking() -> None:
    """A function that takes its first inputs has another signature, even if they are optional."""
    [line] = breaking_changes(changed(f"{LIST}/inputs"), schema())
    assert line.startswith(f"{LIST}/inputs was added")


@pytest.mark.parametrize("owner", [f"{HOOK}/inputProperties/copies", f"types/{EVENT_TYPE}/properties"])
def test_type_of_an_input_must_accept_what_it_did(owner: str) -> None:
    """A property of a type becomes required: that breaks programs that may write the type, not those that read it."""
    old = changed(owner, {"items": {"$ref": f"#/types/{WEBHOOK_INFO}"}})
    [line] = breaking_changes(old, changed(f"{INFO}/required/name", "name", old))
    assert line.startswith(f"{INFO}/required/name was added")
