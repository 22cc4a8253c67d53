"""The table of properties, and what derives from it."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import pulumi_truto as truto
from pulumi_truto.webhook.diff import WebhookState
from pulumi_truto.webhook.inputs import WebhookInputs
from pulumi_truto.webhook.properties import (
    FINGERPRINT,
    INPUTS,
    PROPERTIES,
    STATE,
    TEST_INPUTS,
    TEST_PROPERTIES,
    Property,
    camel_case,
    from_camel,
    is_camel,
    to_camel,
)
from pulumi_truto.webhook.tester import WebhookTestInputs
from tests.support.commands import REPOSITORY

REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")


def table_rows(heading: str) -> dict[str, str]:
    """The rows of the reference table with this heading: the description of each name."""
    table = REFERENCE[REFERENCE.index(f"| {heading} |") :].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
    return {name.strip("`"): description for name, _, description in cells}


def test_reference_describes_inputs_as_the_table_does() -> None:
    """The reference has the inputs, in the table's order and words."""
    expected = {each.name: each.input for each in PROPERTIES if each.is_input}
    assert list(table_rows("input").items()) == list(expected.items())


def test_reference_describes_outputs_as_the_table_does() -> None:
    """The reference has the outputs, in the table's order and words."""
    outputs = table_rows("output")
    assert outputs.pop("id") == "The webhook's id at Truto."
    assert list(outputs.items()) == [(each.name, each.output) for each in PROPERTIES]


@pytest.mark.parametrize(
    ("resource", "properties"), [(truto.Webhook, PROPERTIES), (truto.WebhookTest, TEST_PROPERTIES)]
)
def test_resource_has_the_inputs_and_outputs(resource: Any, properties: tuple[Property, ...]) -> None:
    """A resource takes the inputs, with the table's defaults, and declares every output."""
    parameters = inspect.signature(resource).parameters
    inputs = [each.name for each in properties if each.is_input]
    assert [name for name in parameters if name not in ("resource_name", "opts")] == inputs
    for each in properties:
        if each.is_required:
            assert parameters[each.name].default is inspect.Parameter.empty
        elif each.is_input:
            assert parameters[each.name].default is each.default
    assert list(resource.__annotations__) == [each.name for each in properties]


def test_reference_describes_a_test_as_the_table_does() -> None:
    """The reference has the inputs and outputs of a test, in the table's order and words."""
    inputs = [(each.name, each.input) for each in TEST_PROPERTIES if each.is_input]
    assert list(table_rows("test input").items()) == inputs
    assert list(table_rows("test output").items()) == [(each.name, each.output) for each in TEST_PROPERTIES]


def test_types_have_the_names_of_the_table() -> None:
    """The types of inputs and state have exactly the table's names."""
    assert tuple(WebhookInputs.__annotations__) == INPUTS
    assert set(WebhookState.__annotations__) == set(STATE)
    assert tuple(WebhookTestInputs.__annotations__) == TEST_INPUTS


@pytest.mark.parametrize("name", ["id", "event_type", *STATE])
def test_names_survive_camel_case_and_back(name: str) -> None:
    """Every name can be recovered from its camelCase form."""
    assert from_camel(to_camel({name: 1})) == {name: 1}
    assert re.fullmatch(r"[a-z][a-zA-Z]*|__fingerprint", camel_case(name))


def test_fingerprint_keeps_its_underscores() -> None:
    """The fingerprint keeps its two underscores in camelCase: Pulumi hides such names."""
    assert camel_case(FINGERPRINT) == FINGERPRINT
    assert FINGERPRINT.startswith("__")


def test_unknown_names_are_omitted() -> None:
    """A name that no webhook has is in neither spelling."""
    assert to_camel({"other": 1, "is_active": True}) == {"isActive": True}
    assert from_camel({"other": 1, "isActive": True}) == {"is_active": True}


def test_names_of_a_state_show_its_provider_kind() -> None:
    """A state of the plugin differs from one of the dynamic provider in its names."""
    assert is_camel({"targetUrl": "https://hooks.example.com"})
    assert not is_camel({"target_url": "https://hooks.example.com"})
