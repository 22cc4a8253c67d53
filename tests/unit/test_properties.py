"""The declared properties, and everything that derives from them."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import pulumi_truto as truto
from pulumi_truto.notification_destination import NOTIFICATION_DESTINATION
from pulumi_truto.property_names import camel_case, from_camel, is_camel, to_camel
from pulumi_truto.resource_type import ResourceType
from pulumi_truto.resource_types import RESOURCE_TYPES
from pulumi_truto.rest.rest_type import FINGERPRINT
from pulumi_truto.webhook.signing_secrets import SIGNING_SECRETS
from pulumi_truto.webhook.tester import WEBHOOK_TEST
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.commands import REPOSITORY

REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")


def table_rows(heading: str) -> dict[str, str]:
    """The rows of the reference table with this heading: the description of each name."""
    table = REFERENCE[REFERENCE.index(f"| {heading} |") :].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
    return {name.strip("`"): description for name, _, description in cells}


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [(WEBHOOK, ""), (WEBHOOK_TEST, "test "), (SIGNING_SECRETS, "secrets "), (NOTIFICATION_DESTINATION, "destination ")],
)
def test_reference_describes_properties_as_the_declaration_does(kind: ResourceType, prefix: str) -> None:
    """The reference has the inputs and outputs, in the declaration's order and words."""
    inputs = [(known.name, known.input) for known in kind.properties if known.is_input]
    assert list(table_rows(f"{prefix}input").items()) == inputs
    outputs = [row for row in table_rows(f"{prefix}output").items() if row[0] != "id"]
    assert outputs == [(known.name, known.output) for known in kind.properties]


@pytest.mark.parametrize("kind", RESOURCE_TYPES.values(), ids=lambda kind: kind.name)
def test_resource_has_the_inputs_and_outputs(kind: ResourceType) -> None:
    """A resource takes the inputs, with the declaration's defaults, and declares every output."""
    resource: Any = getattr(truto, kind.name)
    parameters = inspect.signature(resource).parameters
    assert [name for name in parameters if name not in ("resource_name", "opts")] == kind.inputs
    for known in kind.properties:
        if known.is_required:
            assert parameters[known.name].default is inspect.Parameter.empty
        elif known.is_input:
            assert parameters[known.name].default == (known.default if known.default != () else None)
    assert list(resource.__annotations__) == [known.name for known in kind.properties]


@pytest.mark.parametrize("name", ["id", "event_type", FINGERPRINT, *WEBHOOK.inputs, *WEBHOOK.outputs])
def test_names_survive_camel_case_and_back(name: str) -> None:
    """Every name can be recovered from its camelCase form."""
    assert from_camel(to_camel({name: 1})) == {name: 1}
    assert re.fullmatch(r"[a-z][a-zA-Z]*|__fingerprint", camel_case(name))


def test_fingerprint_keeps_its_underscores() -> None:
    """The fingerprint keeps its two underscores in camelCase: Pulumi hides such names."""
    assert camel_case(FINGERPRINT) == FINGERPRINT
    assert FINGERPRINT.startswith("__")


def test_unknown_names_are_omitted() -> None:
    """A name that no webhook has is in no state."""
    assert WEBHOOK.pick_state({"other": 1, "isActive": True}) == {"is_active": True}


def test_names_of_a_state_show_its_provider_kind() -> None:
    """A state of the plugin differs from one of the dynamic provider in its names."""
    assert is_camel({"targetUrl": "https://hooks.example.com"})
    assert not is_camel({"target_url": "https://hooks.example.com"})
