"""A webhook that cron triggers of sync jobs name is deleted with a warning: they still name it afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.cli import run_cli
from tests.support.project import Project, create_unmanaged


def create_trigger(sandbox: Sandbox, **fields: Any) -> str:
    """Creates a cron trigger and returns its id."""
    body = {"sync_job_id": "job", "cron_expression": "0 * * * *", **fields}
    return str(sandbox.backend.cron_triggers.create(sandbox.environment_id, body)["id"])


def test_delete_warns_of_triggers(project: Project) -> None:
    """A replacement lists the triggers of all pages once, and names the first of those that name the old webhook."""
    project.sandbox.backend.change_settings({"page_maximum": 2})
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    old = project.outputs["id"]
    ids = [create_trigger(project.sandbox, webhook_id=old) for _ in range(3)]
    ids.append(create_trigger(project.sandbox, args={"webhook_id": old}))
    create_trigger(project.sandbox, webhook_id="another", args={"webhook_id": 1})
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    outcome = project.up()
    assert outcome.calls == ["create", "update", *["list_triggers"] * 3, "delete"]
    text = " ".join(outcome.text.split())
    assert f"4 cron triggers name webhook {old}, which is being deleted: {', '.join(ids[:3])}, ..." in text
    assert "to the new webhook's id" in text


def test_triggers_are_listed_once_in_a_run(project: Project) -> None:
    """Three deletes of one run list the triggers once; without a trigger there is no warning."""
    project.program('for name in "abc": truto.Webhook(name, target_url=URL)')
    project.up()
    outcome = project.destroy()
    assert sorted(outcome.calls) == ["delete"] * 3 + ["list_triggers"]
    assert outcome.calls[0] == "list_triggers"
    assert "cron trigger" not in outcome.text


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 404},
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 503},
        {"kind": "not_json"},
        {"kind": "response", "body": {"result": [{"id": 1}]}},
        {"kind": "reset"},
    ],
    ids=str,
)
def test_list_that_cannot_be_read_changes_nothing(local_project: Project, fault: dict[str, Any]) -> None:
    """One attempt is made, and the webhook is deleted without a word."""
    local_project.webhook()
    local_project.up()
    local_project.sandbox.inject(**fault, operation="list_triggers", times=0)
    outcome = local_project.destroy()
    assert outcome.calls == ["list_triggers", "delete"]
    assert "trigger" not in outcome.text


def test_orphans_lists_triggers_without_a_webhook(sandbox: Sandbox, tmp_path: Path) -> None:
    """`pulumi-truto orphans` lists the triggers that name a webhook which does not exist, and exits with 3."""
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"deployment": {"resources": []}}))
    webhook = create_unmanaged(sandbox)
    create_trigger(sandbox, webhook_id=webhook["id"])
    wrong = create_trigger(sandbox, webhook_id=webhook["id"], args={"webhook_id": "deleted"})
    process = run_cli(sandbox, "orphans", "--stack-export", file, "--delete", "--yes", "--format", "json")
    assert [trigger["id"] for trigger in json.loads(process.stdout)["triggers"]] == [wrong]
    process = run_cli(sandbox, "orphans", "--stack-export", file)
    assert process.returncode == 3
    assert f"trigger  {wrong}  names a webhook that does not exist: " in process.stdout
    sandbox.inject("status", "list_triggers", status=404, times=0)
    process = run_cli(sandbox, "orphans", "--stack-export", file)
    assert process.returncode == 0
    assert "the cron triggers are left out" in process.stderr
