"""Failures of Truto, of a program, of a provider process and of the disk, and the runs after them."""

from __future__ import annotations

import threading

import pytest
from pulumi.automation import CommandError

from tests.support.programs import webhooks_program
from tests.support.project import Project


def test_failed_create_is_retried_by_the_next_up(project: Project) -> None:
    """When one of several creates fails, the state has the others, and the next up creates only the missing ones."""
    project.program(webhooks_program(4))
    project.sandbox.inject("status", "create", status=422, message="no more today", skip=2)
    outcome = project.fails(project.up)
    assert "no more today" in outcome.text
    created_ids = {webhook.id for webhook in project.sandbox.backend.webhooks()}
    assert {resource["id"] for resource in project.managed} == created_ids
    missing = 4 - len(created_ids)
    assert missing >= 1
    assert sorted(project.up().calls) == ["create"] * missing + ["update"] * missing
    assert len(project.sandbox.backend.webhooks()) == 4


def test_failed_delete_is_retried_by_the_next_destroy(project: Project) -> None:
    """A webhook that could not be deleted stays in the state, and the next destroy deletes it."""
    project.webhook()
    project.up()
    project.sandbox.inject("status", "delete", status=403, message="not now")
    assert "403" in project.fails(project.destroy).text
    assert len(project.managed) == 1
    project.destroy()
    assert project.sandbox.backend.webhooks() == []


def test_killed_provider_is_reported(local_project: Project) -> None:
    """When a provider process is killed during a create, the run fails with an error that names the signal."""
    project = local_project
    hold = project.sandbox.hold("create")
    project.webhook()
    errors: list[str] = []

    def run() -> None:
        with pytest.raises(CommandError) as error_info:
            project.stack.up()
        errors.append(str(error_info.value))

    thread = threading.Thread(target=run)
    thread.start()
    hold.wait_for(1)
    [provider] = project.stack.provider_processes()
    provider.kill()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "the provider process ended during the create, with signal 9 (SIGKILL)" in errors[0]
    assert project.managed == []


def test_exception_in_the_program_is_reported(project: Project) -> None:
    """An exception in the program fails the run with its message."""
    project.program("""
        hook = truto.Webhook("orders", target_url=URL)
        raise RuntimeError("the program's own error")
    """)
    assert "the program's own error" in project.fails(project.up).text


def test_exception_in_the_program_deletes_nothing(project: Project) -> None:
    """A failed program deletes nothing because it may have failed before it registered its webhooks."""
    project.program(webhooks_program(2))
    project.up()
    project.program('raise RuntimeError("too early")')
    project.fails(project.up)
    assert len(project.sandbox.backend.webhooks()) == 2


def test_unwritable_state_creates_nothing(local_project: Project) -> None:
    """When the state cannot be saved, the run fails before it creates a webhook."""
    blocking_folder = local_project.folder / "home" / "state" / "scenario.dev.tmp"
    blocking_folder.mkdir(parents=True)
    local_project.program(webhooks_program(5))
    outcome = local_project.fails(local_project.up)
    assert "Is a directory" in outcome.text
    assert outcome.calls == []
    blocking_folder.rmdir()
    assert sorted(local_project.up().calls) == ["create"] * 5 + ["update"] * 5


def test_failed_replacement_keeps_the_old_webhook(project: Project) -> None:
    """When a replacement cannot be created, the old webhook stays, and the next up replaces it."""
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    old_id = project.outputs["id"]
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.sandbox.inject("status", "create", status=403, message="not now")
    project.fails(project.up)
    assert [resource["id"] for resource in project.managed] == [old_id]
    assert [webhook.id for webhook in project.sandbox.backend.webhooks()] == [old_id]
    assert project.up().calls == ["create", "update", "list_triggers", "delete"]
    assert project.outputs["id"] != old_id


def test_replaced_webhook_is_refreshed_until_it_is_deleted(project: Project) -> None:
    """When a replaced webhook could not be deleted, a refresh reads it too, and the next up deletes it."""
    opts = 'pulumi.ResourceOptions(replacement_trigger="%s")'
    project.webhook(opts=opts % 1)
    project.up()
    project.sandbox.inject("status", "delete", status=403, message="not now")
    project.webhook(opts=opts % 2)
    project.fails(project.up)
    assert project.refresh().changes == {"same": 3}
    assert project.up().calls == ["list_triggers", "delete"]


def test_failed_up_keeps_old_outputs(local_project: Project) -> None:
    """After a failed up, the stack has the new outputs and the old ones that the program no longer exports."""
    local_project.webhook()
    local_project.up()
    old_outputs = local_project.outputs
    local_project.sandbox.inject("status", "delete", status=403, message="not now")
    local_project.program('pulumi.export("new", 1)')
    local_project.fails(local_project.up)
    assert local_project.outputs == old_outputs | {"new": 1}
    local_project.up()
    assert local_project.outputs == {"new": 1}


def test_logged_error_does_not_fail_the_run(local_project: Project) -> None:
    """`pulumi.log.error` is shown, and the run continues and deletes unregistered webhooks."""
    local_project.webhook()
    local_project.up()
    local_project.program('pulumi.log.error("careful")')
    outcome = local_project.up()
    assert "error: careful" in outcome.text
    assert outcome.calls == ["list_triggers", "delete"]
