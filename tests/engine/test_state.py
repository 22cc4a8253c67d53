"""The state file: its form, its passphrase and its secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.automation import Deployment

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import open_stack
from tests.support.project import URL, Project


def test_exported_state_has_pulumi_form(project: Project) -> None:
    """The exported state has Pulumi's keys, so that a tool can read the state of either engine."""
    project.webhook()
    project.up()
    [webhook] = project.managed
    type_ = "truto:index:Webhook" if project.provider_kind == "native" else "pulumi-python:dynamic/truto:Webhook"
    assert webhook["urn"] == f"urn:pulumi:dev::scenario::{type_}::orders"
    assert webhook["parent"] == "urn:pulumi:dev::scenario::pulumi:pulumi:Stack::scenario-dev"
    target_url = project.name_of("target_url")
    assert webhook["inputs"][target_url] == webhook["outputs"][target_url]
    json.dumps(webhook)


def test_wrong_passphrase_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    """A state can only be read with its own passphrase."""
    project = Project("local", sandbox, tmp_path)
    project.webhook()
    project.up()
    stack = open_stack("local", project.work_dir, tmp_path / "home", env_vars={"PULUMI_CONFIG_PASSPHRASE": "other"})
    with pytest.raises(ValueError, match="PULUMI_CONFIG_PASSPHRASE"):
        stack.outputs()


def test_nested_secret_is_masked_and_encrypted(local_project: Project) -> None:
    """An output object that contains a secret is not itself a secret, but the secret is never shown or saved."""
    local_project.program("""
        hook = truto.Webhook("orders", target_url=URL)
        pulumi.export("nested", {"secret": hook.secret})
        pulumi.export("whole", hook.secret)
    """)
    text = local_project.up().text
    outputs = local_project.stack.outputs()
    assert {name: output.secret for name, output in outputs.items()} == {"nested": False, "whole": True}
    secret = outputs["whole"].value
    assert outputs["nested"].value == {"secret": secret}
    assert secret not in text + local_project.state


def test_refresh_drops_references_to_a_deleted_webhook(project: Project) -> None:
    """The state of the other webhooks names only what exists, and each resource comes after those that it names."""
    project.program("""
        a = truto.Webhook("a", target_url=URL + "/a")
        b = truto.Webhook("b", target_url=a.id.apply(lambda id: URL + "/b"))
        c = truto.Webhook("c", target_url=URL + "/c", opts=pulumi.ResourceOptions(parent=a))
        truto.Webhook("d", target_url=URL + "/d", opts=pulumi.ResourceOptions(parent=c, depends_on=[a, b]))
    """)
    project.up()
    [deleted] = [webhook for webhook in project.sandbox.webhooks() if webhook.target_url == f"{URL}/a"]
    project.sandbox.backend.remove(deleted.id)
    project.refresh()
    references: dict[str, list[str]] = {}
    for resource in project.managed:
        urns = [resource.get("parent", ""), *resource.get("dependencies", [])]
        urns += [urn for values in resource.get("propertyDependencies", {}).values() for urn in values]
        names = [urn.rpartition("::")[2] for urn in urns if "Webhook" in urn]
        assert set(names) <= set(references)
        references[resource["urn"].rpartition("::")[2]] = names
    assert references == {"b": [], "c": [], "d": ["c", "b"]}
    assert project.up().changes["create"] == 1
    assert project.preview().changes == {"same": 5}


def test_outputs_are_sorted(project: Project) -> None:
    """The outputs of a stack, and the keys inside them, come in the order of their names."""
    names = "zyxwvutsrqponml"
    project.program(f"""
        pulumi.export("z", 1)
        pulumi.export("objects", [dict.fromkeys({names!r}, 1)])
        pulumi.export("a", 1)
    """)
    outputs = project.up().outputs
    assert outputs is not None
    assert [*outputs] == ["a", "objects", "z"]
    assert [*outputs["objects"].value[0]] == sorted(names)


def test_exported_state_can_be_imported(project: Project) -> None:
    """As with Pulumi, importing an exported state undoes a loss of the state: the webhook is managed again."""
    project.webhook()
    secret = project.up().outputs
    assert secret is not None
    exported = project.stack.export_stack()
    project.stack.import_stack(Deployment(version=3, deployment={**exported.deployment, "resources": []}))
    assert project.managed == []
    project.stack.import_stack(exported)
    outcome = project.up()
    assert set(outcome.changes) == {"same"}
    assert outcome.calls == []
    assert project.outputs["secret"] == secret["secret"].value


def test_state_of_another_version_is_not_imported(local_project: Project) -> None:
    """A state of an unknown version is refused."""
    with pytest.raises(ValueError, match="version 4"):
        local_project.stack.import_stack(Deployment(version=4, deployment={"resources": []}))
