"""The state file: its form, its passphrase and its secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.automation import Deployment

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import open_stack
from tests.support.project import Project


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
