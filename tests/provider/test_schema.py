"""The plugin's schema describes what the code does."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from pulumi_truto import EventType
from pulumi_truto.plugin.schema import schema, schema_file
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK
from pulumi_truto.resource_type import camel_case
from pulumi_truto.version import __version__
from pulumi_truto.webhook.webhook_type import WEBHOOK as WEBHOOK_TYPE
from tests.support.commands import REPOSITORY, run
from tests.support.project import URL
from tests.support.validation import check


def published_schema(folder: Path, **constants: str) -> Any:
    """The schema of a copy of the package with other constants in version.py."""
    shutil.copytree(REPOSITORY / "pulumi_truto", folder / "pulumi_truto", ignore=shutil.ignore_patterns("__pycache__"))
    version = folder / "pulumi_truto" / "version.py"
    text = version.read_text()
    for name, value in constants.items():
        text, count = re.subn(rf'^{name}: Final = ".*"$', f"{name}: Final = {value!r}", text, flags=re.MULTILINE)
        assert count == 1
    version.write_text(text)
    return json.loads(run(sys.executable, "-m", "pulumi_truto.plugin.schema", cwd=folder).stdout)


def test_schema_json_is_the_generated_schema() -> None:
    """schema.json, which shows every change of the contract in a review, is what the code generates."""
    committed = (REPOSITORY / "schema.json").read_text(encoding="utf-8")
    assert committed == schema_file(), "schema.json is out of date: run `make schema`, and look at the difference"
    assert {**json.loads(committed), "version": __version__} == schema()


def test_generated_sdks_have_names_of_their_own() -> None:
    """No generated SDK is in a scope, namespace or domain of Pulumi's own, or has the name of this Python package."""
    language = schema()["language"]
    assert language["python"]["packageName"] == "pulumi_truto_native"
    assert language["nodejs"]["packageName"] == "pulumi-truto"
    assert not language["go"]["importBasePath"].startswith("github.com/pulumi/")
    assert language["csharp"]["rootNamespace"] not in ("", "Pulumi")
    assert language["java"]["basePackage"] not in ("", "com.pulumi")
    # A generated Java SDK always has the schema's version.
    assert all(language[name]["respectSchemaVersion"] for name in ("python", "nodejs", "go", "csharp"))


def test_schema_leaves_out_what_nobody_has_set(tmp_path: Path) -> None:
    """Publisher, repository and logo come from version.py, and an empty one is no property of the schema."""
    unset = published_schema(tmp_path / "unset", PUBLISHER="", REPOSITORY="", LOGO_URL="")
    assert {"publisher", "repository", "logoUrl"} & set(unset) == set()
    assert unset["language"]["go"]["importBasePath"] == "example.com/pulumi-truto/sdk/go/truto"

    address, logo = "https://git.example.org/acme/pulumi-truto", "https://example.org/logo.png"
    document = published_schema(tmp_path / "set", PUBLISHER="Acme", REPOSITORY=address, LOGO_URL=logo)
    assert (document["publisher"], document["repository"], document["logoUrl"]) == ("Acme", address, logo)
    path = "git.example.org/acme/pulumi-truto/sdk/go/truto"
    assert document["language"]["go"]["importBasePath"] == path
    described = [each["description"] for part in ("resources", "functions") for each in document[part].values()]
    assert [f'"{path}"' in description for description in described] == [True] * 4


def test_schema_has_the_properties_of_the_code() -> None:
    """The schema has exactly the inputs that the code checks and the outputs that it stores."""
    webhook = schema()["resources"][WEBHOOK]
    assert set(webhook["inputProperties"]) == {camel_case(name) for name in WEBHOOK_TYPE.inputs}
    checked = check({"target_url": URL}).inputs
    assert {camel_case(name) for name in checked} == set(webhook["inputProperties"])
    outputs = {"environment_id", "created_at", "updated_at", "secret", *WEBHOOK_TYPE.inputs}
    assert set(webhook["properties"]) == {camel_case(name) for name in outputs}
    assert webhook["aliases"] == [{"type": DYNAMIC_WEBHOOK}]
    assert webhook["inputProperties"]["isActive"]["default"] is True
    assert checked["is_active"] is True


def test_schema_lists_the_event_types() -> None:
    """The schema lists every known event type, so that editors can complete them, and accepts any other string."""
    members = schema()["types"]["truto:index:EventType"]["enum"]
    assert [member["value"] for member in members] == [str(event_type.value) for event_type in EventType]
    assert len({member["name"] for member in members}) == len(members)
    items = schema()["resources"][WEBHOOK]["inputProperties"]["eventTypes"]["items"]
    assert {"type": "string"} in items["oneOf"]


def test_schema_has_what_the_registry_needs() -> None:
    """The schema has what Pulumi's registry shows, marks token and secret as secret, and has no broken reference."""
    document = schema()
    assert document["version"] == __version__
    for name in ("displayName", "description", "license", "keywords"):
        assert document[name]
    assert document["config"]["variables"]["apiToken"]["secret"] is True
    # With it, generated SDKs copy the environment variable into the state, and not all of them as a secret.
    assert "defaultInfo" not in document["config"]["variables"]["apiToken"]
    assert document["resources"][WEBHOOK]["properties"]["secret"]["secret"] is True
    assert_references_exist(document, document)


def assert_references_exist(part: Any, document: Any) -> None:
    """Every reference in this part of the schema must name a type of the schema, or one that Pulumi defines."""
    if isinstance(part, dict):
        reference = part.get("$ref", "")
        if reference.startswith("#/types/"):
            assert reference.removeprefix("#/types/") in document["types"]
        else:
            assert not reference or reference.startswith("pulumi.json#/")
        part = list(part.values())
    if isinstance(part, list):
        for child in part:
            assert_references_exist(child, document)
