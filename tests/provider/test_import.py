"""Users import existing webhooks with Pulumi's own import."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pulumi_truto.plugin.tokens import WEBHOOK
from tests.support.commands import run
from tests.support.project import Project, create_unmanaged

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def test_imported_webhook_is_managed(native_project: Project) -> None:
    """An imported webhook is unchanged in the next run and managed. Its secret is null, with a warning."""
    webhook = create_unmanaged(native_project.sandbox, event_types=["record:*"])
    arguments = 'target_url=URL, event_types=["record:*"]'
    native_project.webhook(arguments, opts=f'pulumi.ResourceOptions(import_="{webhook["id"]}")')
    outcome = native_project.up()
    assert outcome.changes == {"create": 1, "import": 1}
    assert "pulumi-truto import-file" in outcome.text
    native_project.webhook(arguments)
    assert native_project.up().calls == []
    assert native_project.outputs.get("secret") is None
    native_project.destroy()
    assert native_project.sandbox.backend.webhooks() == []


def test_pulumi_import_command(native_project: Project) -> None:
    """After `pulumi import`, a program that declares the same webhook changes nothing."""
    if native_project.engine != "cli":
        pytest.skip("the local engine has no such command")
    webhook = create_unmanaged(native_project.sandbox, event_types=["record:*"])
    native_project.program("")
    native_project.up()
    code = native_project.folder / "code.json"
    command = ["pulumi", "import", WEBHOOK, "orders", webhook["id"], "--stack", "dev", "--yes", "--protect=false"]
    options = ["--generate-code=false", "--out", str(code)]
    env = {**os.environ, **native_project.stack.workspace.env_vars}
    run(*command, *options, cwd=Path(native_project.stack.workspace.work_dir), env=env)
    [managed] = native_project.managed
    assert managed["id"] == webhook["id"]
    native_project.webhook('target_url=URL, event_types=["record:*"]')
    assert native_project.preview().changes == {"same": 2}


def test_import_of_an_unknown_id_fails(native_project: Project) -> None:
    """Importing an unknown id fails, and the error contains the id."""
    native_project.webhook(opts=f'pulumi.ResourceOptions(import_="{UNKNOWN_ID}")')
    assert UNKNOWN_ID in native_project.fails(native_project.up).text


def test_import_with_different_inputs_updates_the_webhook(native_project: Project) -> None:
    """A webhook that differs from its declaration is imported and then updated, and the preview shows both."""
    webhook = create_unmanaged(native_project.sandbox)
    native_project.webhook('target_url=URL + "/2"', opts=f'pulumi.ResourceOptions(import_="{webhook["id"]}")')
    expected = {"create": 1, "import": 1, "update": 1}
    assert native_project.preview().changes == expected
    assert native_project.only_webhook.target_url == webhook["target_url"]
    outcome = native_project.up()
    assert outcome.changes == expected
    assert outcome.calls == ["read", "update"]
    assert native_project.outputs["id"] == webhook["id"]
    assert native_project.up().changes == {"same": 2}
