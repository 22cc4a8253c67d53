"""The check of the schema names each change that breaks users' programs, and nothing else."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import (
    DYNAMIC_WEBHOOK,
    EVENT_TYPE,
    GET_WEBHOOK,
    GET_WEBHOOKS,
    WEBHOOK,
    WEBHOOK_INFO,
    WEBHOOK_TEST,
)
from release.schema_changes import breaking_changes
from tests.support.commands import REPOSITORY, run

Change = Callable[[Any], object]

#: A change of the schema, and the only sentence about it.
BREAKING: Final[dict[str, Change]] = {
    f"the resource {WEBHOOK_TEST} was removed": lambda new: new["resources"].pop(WEBHOOK_TEST),
    f"the function {GET_WEBHOOK} was removed": lambda new: new["functions"].pop(GET_WEBHOOK),
    f"the type {WEBHOOK_INFO} was removed": lambda new: new["types"].pop(WEBHOOK_INFO),
    f"{WEBHOOK}: the input isActive was removed": lambda new: new["resources"][WEBHOOK]["inputProperties"].pop(
        "isActive"
    ),
    f"{WEBHOOK}: the output createdAt was removed": lambda new: new["resources"][WEBHOOK]["properties"].pop(
        "createdAt"
    ),
    f"{WEBHOOK}: the list filter targetUrl was removed": lambda new: new["resources"][WEBHOOK]["listInputs"][
        "properties"
    ].pop("targetUrl"),
    f"{GET_WEBHOOKS}: the input eventType was removed": lambda new: new["functions"][GET_WEBHOOKS]["inputs"][
        "properties"
    ].pop("eventType"),
    f"{GET_WEBHOOK}: the output targetUrl was removed": lambda new: new["functions"][GET_WEBHOOK]["outputs"][
        "properties"
    ].pop("targetUrl"),
    f"{WEBHOOK_INFO}: the property isActive was removed": lambda new: new["types"][WEBHOOK_INFO]["properties"].pop(
        "isActive"
    ),
    f'{EVENT_TYPE}: the value "record:created" was removed': lambda new: new["types"][EVENT_TYPE].update(
        enum=[each for each in new["types"][EVENT_TYPE]["enum"] if each["value"] != "record:created"]
    ),
    f'{EVENT_TYPE}: the value "record:created" has the name "NewRecord", and had "RecordCreated"': lambda new: next(
        each for each in new["types"][EVENT_TYPE]["enum"] if each["value"] == "record:created"
    ).update(name="NewRecord"),
    f'{EVENT_TYPE} has the type "integer", and had "string"': lambda new: new["types"][EVENT_TYPE].update(
        type="integer"
    ),
    f"{WEBHOOK}: the input targetUrl is of type array of (string), and was string": lambda new: new["resources"][
        WEBHOOK
    ]["inputProperties"].update(targetUrl={"type": "array", "items": {"type": "string"}}),
    f"{WEBHOOK}: the input eventTypes is of type array of (string), and was array of (string or {EVENT_TYPE})": (
        lambda new: new["resources"][WEBHOOK]["inputProperties"]["eventTypes"].update(items={"type": "string"})
    ),
    f"{WEBHOOK}: the output isActive is of type string, and was boolean": lambda new: new["resources"][WEBHOOK][
        "properties"
    ]["isActive"].update(type="string"),
    f"{GET_WEBHOOKS}: the output webhooks is of type map of ({WEBHOOK_INFO}), and was array of ({WEBHOOK_INFO})": (
        lambda new: new["functions"][GET_WEBHOOKS]["outputs"]["properties"].update(
            webhooks={"type": "object", "additionalProperties": {"$ref": f"#/types/{WEBHOOK_INFO}"}}
        )
    ),
    f"{WEBHOOK}: the input eventTypes is required now": lambda new: new["resources"][WEBHOOK]["requiredInputs"].append(
        "eventTypes"
    ),
    f"{GET_WEBHOOKS}: the input isActive is required now": lambda new: new["functions"][GET_WEBHOOKS]["inputs"].update(
        required=["isActive"]
    ),
    f"{WEBHOOK}: the output updatedAt may be missing now": lambda new: new["resources"][WEBHOOK]["required"].remove(
        "updatedAt"
    ),
    f"{WEBHOOK_INFO}: the property createdAt may be missing now": lambda new: new["types"][WEBHOOK_INFO][
        "required"
    ].remove("createdAt"),
    f"{WEBHOOK}: the output secret is no longer a secret": lambda new: new["resources"][WEBHOOK]["properties"][
        "secret"
    ].pop("secret"),
    f"{WEBHOOK}: the input isActive has the default false, and had true": lambda new: new["resources"][WEBHOOK][
        "inputProperties"
    ]["isActive"].update(default=False),
    f"{WEBHOOK}: the alias {DYNAMIC_WEBHOOK} was removed": lambda new: new["resources"][WEBHOOK].pop("aliases"),
    "configuration: the variable apiToken is no longer a secret": lambda new: new["config"]["variables"][
        "apiToken"
    ].pop("secret"),
    "configuration: the variable baseUrl was removed": lambda new: new["config"]["variables"].pop("baseUrl"),
    'configuration: the variable baseUrl has the defaultInfo.environment none, and had ["TRUTO_BASE_URL"]': (
        lambda new: new["config"]["variables"]["baseUrl"].pop("defaultInfo")
    ),
    "configuration: the variable apiToken is required now": lambda new: new["config"].update(defaults=["apiToken"]),
    "the provider: the input baseUrl was removed": lambda new: new["provider"]["inputProperties"].pop("baseUrl"),
    'the package has the name "truto2", and had "truto"': lambda new: new.update(name="truto2"),
    'the package has the language.nodejs.packageName "truto", and had "pulumi-truto"': lambda new: new["language"][
        "nodejs"
    ].update(packageName="truto"),
    'the package has the language.java.basePackage none, and had "pulumitruto"': lambda new: new["language"].pop(
        "java"
    ),
    "the package has the language.go.generateResourceContainerTypes none, and had true": lambda new: new["language"][
        "go"
    ].pop("generateResourceContainerTypes"),
    'the package has the meta.moduleFormat "(.*)", and had none': lambda new: new.update(meta={"moduleFormat": "(.*)"}),
    f'{GET_WEBHOOK} has the multiArgumentInputs ["id"], and had none': lambda new: new["functions"][GET_WEBHOOK].update(
        multiArgumentInputs=["id"]
    ),
    f'{WEBHOOK} has the methods.ping "{GET_WEBHOOK}", and had none': lambda new: new["resources"][WEBHOOK].update(
        methods={"ping": GET_WEBHOOK}
    ),
    f"{WEBHOOK}: the input targetUrl has the plain true, and had none": lambda new: new["resources"][WEBHOOK][
        "inputProperties"
    ]["targetUrl"].update(plain=True),
    f"{WEBHOOK}: the output targetUrl has the replaceOnChanges true, and had none": lambda new: new["resources"][
        WEBHOOK
    ]["properties"]["targetUrl"].update(replaceOnChanges=True),
}

#: Where a key that no rule knows is breaking: the parts of the schema, as the sentence calls them.
PARTS: Final[dict[str, Callable[[Any], Any]]] = {
    "the package": lambda new: new,
    "the provider": lambda new: new["provider"],
    "configuration: the variable baseUrl": lambda new: new["config"]["variables"]["baseUrl"],
    WEBHOOK: lambda new: new["resources"][WEBHOOK],
    f"{WEBHOOK}: the input eventTypes": lambda new: new["resources"][WEBHOOK]["inputProperties"]["eventTypes"],
    f"{WEBHOOK}: the output isActive": lambda new: new["resources"][WEBHOOK]["properties"]["isActive"],
    f"{WEBHOOK}: the list filter targetUrl": lambda new: new["resources"][WEBHOOK]["listInputs"]["properties"][
        "targetUrl"
    ],
    GET_WEBHOOK: lambda new: new["functions"][GET_WEBHOOK],
    f"{GET_WEBHOOK}: the input id": lambda new: new["functions"][GET_WEBHOOK]["inputs"]["properties"]["id"],
    f"{GET_WEBHOOK}: the output id": lambda new: new["functions"][GET_WEBHOOK]["outputs"]["properties"]["id"],
    WEBHOOK_INFO: lambda new: new["types"][WEBHOOK_INFO],
    f"{WEBHOOK_INFO}: the property id": lambda new: new["types"][WEBHOOK_INFO]["properties"]["id"],
    EVENT_TYPE: lambda new: new["types"][EVENT_TYPE],
    f'{EVENT_TYPE}: the value "record:created"': lambda new: next(
        each for each in new["types"][EVENT_TYPE]["enum"] if each["value"] == "record:created"
    ),
}

#: Changes that break nothing.
COMPATIBLE: Final[dict[str, Change]] = {
    "another version": lambda new: new.update(version="9.9.9"),
    "another description": lambda new: new["resources"][WEBHOOK].update(description=""),
    "a new resource": lambda new: new["resources"].update({"truto:index:Other": new["resources"][WEBHOOK]}),
    "a new function": lambda new: new["functions"].update({"truto:index:other": new["functions"][GET_WEBHOOK]}),
    "a new type": lambda new: new["types"].update({"truto:index:Other": {"type": "object"}}),
    "a new optional input": lambda new: new["resources"][WEBHOOK]["inputProperties"].update(name={"type": "string"}),
    "a new output": lambda new: (
        new["resources"][WEBHOOK]["properties"].update(name={"type": "string"}),
        new["resources"][WEBHOOK]["required"].append("name"),
    ),
    "a new property of what a function returns": lambda new: (
        new["types"][WEBHOOK_INFO]["properties"].update(name={"type": "string"}),
        new["types"][WEBHOOK_INFO]["required"].append("name"),
    ),
    "a new optional input of a function": lambda new: new["functions"][GET_WEBHOOK]["inputs"]["properties"].update(
        name={"type": "string"}
    ),
    "an input that is no longer required": lambda new: new["resources"][WEBHOOK]["requiredInputs"].clear(),
    "an output that is always there now": lambda new: new["resources"][WEBHOOK]["required"].append("secret"),
    "a new secret": lambda new: new["resources"][WEBHOOK]["properties"]["createdAt"].update(secret=True),
    "a new value": lambda new: new["types"][EVENT_TYPE]["enum"].append({"name": "Other", "value": "other:created"}),
    "a new alias": lambda new: new["resources"][WEBHOOK]["aliases"].append({"type": "truto:index:Hook"}),
    "a new configuration variable": lambda new: new["config"]["variables"].update(region={"type": "string"}),
    "new list filters": lambda new: new["resources"][WEBHOOK_TEST].update(
        listInputs=new["resources"][WEBHOOK]["listInputs"]
    ),
    "new state inputs": lambda new: new["resources"][WEBHOOK].update(
        stateInputs=new["resources"][WEBHOOK]["listInputs"]
    ),
    "deprecations": lambda new: [part(new).update(deprecationMessage="Old.") for part in PARTS.values()],
    "a new repository": lambda new: new.update(repository="https://example.com/pulumi-truto"),
}


def changed(change: Change) -> Any:
    """A copy of the schema with one change."""
    new = json.loads(json.dumps(schema()))  # not `deepcopy`, as parts of the schema are one object
    change(new)
    return new


@pytest.mark.parametrize("sentence", BREAKING)
def test_a_breaking_change_is_named(sentence: str) -> None:
    """Each kind of breaking change has one sentence."""
    assert breaking_changes(schema(), changed(BREAKING[sentence])) == [sentence]


@pytest.mark.parametrize("where", PARTS)
def test_an_unknown_key_is_breaking(where: str) -> None:
    """A key that nobody thought of is named where it is added, is changed, or is removed, at any depth."""
    one = changed(lambda new: PARTS[where](new).update(isNew=True))
    two = changed(lambda new: PARTS[where](new).update(isNew={"deep": [1]}))
    assert breaking_changes(schema(), one) == [f"{where} has the isNew true, and had none"]
    assert breaking_changes(one, two) == [f'{where} has the isNew {{"deep": [1]}}, and had true']
    assert breaking_changes(two, schema()) == [f"{where} has the isNew.deep none, and had [1]"]


def test_another_scalar_result_is_named() -> None:
    """A function may return a value instead of an object: its type is part of the function's signature."""
    old = changed(lambda new: new["functions"][GET_WEBHOOK].update(outputs={"type": "string"}))
    new = changed(lambda new: new["functions"][GET_WEBHOOK].update(outputs={"type": "integer"}))
    assert breaking_changes(old, new) == [f'{GET_WEBHOOK} has the outputs.type "integer", and had "string"']


def test_inputs_of_a_lookup_are_compared() -> None:
    """The inputs of a resource's `get` may get more, and lose none."""
    old = changed(COMPATIBLE["new state inputs"])
    new = json.loads(json.dumps(old))  # not `deepcopy`, as before
    new["resources"][WEBHOOK]["stateInputs"]["properties"].pop("targetUrl")
    assert breaking_changes(old, new) == [f"{WEBHOOK}: the state input targetUrl was removed"]


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_compatible_change_is_not_named(name: str) -> None:
    """Additions and relaxations break nothing."""
    new = changed(COMPATIBLE[name])
    assert new != schema()
    assert breaking_changes(schema(), new) == []


def test_inputs_of_a_function_without_inputs_are_named() -> None:
    """A function that takes its first inputs has another signature, even if they are optional."""
    old = changed(lambda new: new["functions"][GET_WEBHOOKS].pop("inputs"))
    assert breaking_changes(old, schema()) == [f"{GET_WEBHOOKS} takes inputs, and took none"]


def test_a_type_of_an_input_must_accept_what_it_did() -> None:
    """A property of a type becomes required: that breaks programs that write the type, not those that read it."""
    old = changed(
        lambda new: new["resources"][WEBHOOK]["inputProperties"].update(
            copies={"type": "array", "items": {"$ref": f"#/types/{WEBHOOK_INFO}"}}
        )
    )
    new = copy.deepcopy(old)
    new["types"][WEBHOOK_INFO]["properties"]["name"] = {"type": "string"}
    new["types"][WEBHOOK_INFO]["required"].append("name")
    assert breaking_changes(old, new) == [f"{WEBHOOK_INFO}: the property name is required now"]


def test_the_command_prints_the_changes(tmp_path: Path) -> None:
    """The command compares two files: it fails if a change breaks something, and says nothing otherwise."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(schema()))
    new.write_text(json.dumps(changed(lambda new: new["functions"].pop(GET_WEBHOOK))))
    command = (sys.executable, "-m", "release.schema_changes")
    process = run(*command, old, new, cwd=REPOSITORY, check=False)
    assert (process.returncode, process.stdout) == (1, f"the function {GET_WEBHOOK} was removed\n")
    process = run(*command, new, old, cwd=REPOSITORY)
    assert process.stdout == ""
