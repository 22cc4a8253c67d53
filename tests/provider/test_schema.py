"""The plugin's schema describes what the code does."""

from __future__ import annotations

from typing import Any

from pulumi_truto import EventType
from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK
from pulumi_truto.version import __version__
from pulumi_truto.webhook.inputs import check
from pulumi_truto.webhook.properties import INPUTS, camel_case
from tests.support.project import URL


def test_schema_has_the_properties_of_the_code() -> None:
    """The schema has exactly the inputs that the code checks and the outputs that it stores."""
    webhook = schema()["resources"][WEBHOOK]
    assert set(webhook["inputProperties"]) == {camel_case(name) for name in INPUTS}
    checked = check({"target_url": URL}).inputs
    assert {camel_case(name) for name in checked} == set(webhook["inputProperties"])
    outputs = {"environment_id", "created_at", "updated_at", "secret", *INPUTS}
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
    assert document["language"]["python"]["packageName"] != "pulumi_truto"
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
