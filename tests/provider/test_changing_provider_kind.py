"""A webhook moves from the dynamic provider to the plugin, or back."""

from __future__ import annotations

import json
from typing import Final

import pytest

from pulumi_truto.property_names import camel_case
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.project import Project, ProviderKind

OUTPUTS: Final = (
    "id",
    "secret",
    "target_url",
    "event_types",
    "is_active",
    "environment_id",
    "created_at",
    "updated_at",
)
MODULES: Final = {"dynamic": "pulumi_truto", "native": "pulumi_truto_native"}


@pytest.mark.parametrize("new_kind", ["dynamic", "native"])
def test_changing_the_provider_kind_keeps_the_webhook(native_project: Project, new_kind: ProviderKind) -> None:
    """The change is one update without an API call, every output stays the same, and the next run finds no change."""
    project = native_project
    exports = "\n".join(f"pulumi.export({name!r}, hook.{name})" for name in OUTPUTS)
    old_kind: ProviderKind = "native" if new_kind == "dynamic" else "dynamic"

    def declare(kind: ProviderKind, option: str = "") -> None:
        arguments = f"target_url=URL, event_types=['a:b']{option}"
        body = f"import {MODULES[kind]} as kind\nhook = kind.Webhook('orders', {arguments})\n"
        project.program(body + exports)

    declare(old_kind)
    project.up()
    old_outputs, fingerprints = project.outputs, project.state.count("__fingerprint")
    assert set(old_outputs) == set(OUTPUTS)
    declare(new_kind)
    assert project.preview().changes == {"same": 1, "update": 1}
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 1, "update": 1}, [])
    assert project.outputs == old_outputs
    assert project.state.count("__fingerprint") == fingerprints == 1
    resources = json.loads(project.state)["resources"]
    stored = next(resource["outputs"] for resource in resources if resource.get("id") == old_outputs["id"])
    state = {*WEBHOOK.inputs, *WEBHOOK.outputs, *WEBHOOK.hidden}
    expected = state if new_kind == "dynamic" else {camel_case(name) for name in state}
    assert {name for name in stored if name not in ("__provider", "id")} <= expected
    assert project.up().changes == {"same": 2}
    declare(new_kind, ", is_active=False")
    assert project.up().calls == ["update"]
    project.destroy()
    assert project.sandbox.backend.webhooks() == []


@pytest.mark.parametrize("new_kind", ["dynamic", "native"])
def test_changing_the_provider_kind_respects_ignore_changes(native_project: Project, new_kind: ProviderKind) -> None:
    """The change does not send ignored properties, although Pulumi does not know them under their new names."""
    project = native_project
    old_kind: ProviderKind = "native" if new_kind == "dynamic" else "dynamic"

    def declare(kind: ProviderKind, arguments: str, ignored: list[str]) -> None:
        options = f"pulumi.ResourceOptions(ignore_changes={ignored!r})"
        project.program(
            f"import {MODULES[kind]} as kind\nkind.Webhook('orders', target_url=URL, {arguments}, opts={options})"
        )

    declare(old_kind, "event_types=['a:b'], is_active=False", [])
    project.up()
    names = ["event_types", "is_active"]
    declare(new_kind, "event_types=None", [camel_case(name) for name in names] if new_kind == "native" else names)
    assert project.up().calls == []
    webhook = project.only_webhook
    assert (webhook.event_types, webhook.is_active) == (["a:b"], False)
