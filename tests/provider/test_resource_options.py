"""Pulumi's resource options work with webhooks."""

from __future__ import annotations

import pytest

from tests.support.project import Project


def test_replacement_trigger_creates_before_it_deletes(project: Project) -> None:
    """A changed trigger creates a new webhook with a new secret, and then deletes the old webhook."""
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    old_outputs = project.outputs
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    assert project.preview().changes == {"same": 1, "replace": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 1, "replace": 1}
    assert outcome.calls == ["create", "update", "list_triggers", "delete"]
    assert project.outputs["id"] != old_outputs["id"]
    assert project.outputs["secret"] != old_outputs["secret"]
    assert project.outputs["secret"] == project.only_webhook.secret


def test_delete_before_replace_deletes_first(project: Project) -> None:
    """With delete_before_replace, the old webhook is deleted before the new one is created."""
    for trigger, calls in (("1", ["create", "update"]), ("2", ["list_triggers", "delete", "create", "update"])):
        project.webhook(opts=f'pulumi.ResourceOptions(replacement_trigger="{trigger}", delete_before_replace=True)')
        assert project.up().calls == calls
    assert project.outputs["secret"] == project.only_webhook.secret


def test_adding_a_replacement_trigger_replaces_nothing(project: Project) -> None:
    """Adding a trigger to an existing webhook does not replace the webhook."""
    project.webhook()
    project.up()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    assert project.up().calls == []


@pytest.mark.parametrize(
    ("ignored", "calls"),
    [
        ("target_url", []),
        ("targetUrl", []),
        ("event_types", ["update"]),
        ("eventTypes", ["update"]),
    ],
)
def test_ignore_changes(project: Project, ignored: str, calls: list[str]) -> None:
    """Changes of ignored properties are not sent, in either spelling. Changes of other properties are."""
    opts = f'pulumi.ResourceOptions(ignore_changes=["{project.name_of(ignored)}"])'
    project.webhook(opts=opts)
    project.up()
    project.webhook('target_url=URL + "/two"', opts=opts)
    if calls and project.provider_kind == "native":
        calls = ["read", *calls]  # a dynamic provider is not told, and sends those of the last run
    assert project.up().calls == calls


@pytest.mark.parametrize("name", ["target_url", "targetUrl"])
def test_additional_secret_outputs(project: Project, name: str) -> None:
    """The named output is a secret, in either spelling."""
    name = project.name_of(name)
    project.webhook(opts=f"pulumi.ResourceOptions(additional_secret_outputs=[{name!r}])")
    project.up()
    assert project.stack.outputs()["target_url"].secret
    assert project.stack.outputs()["secret"].secret


@pytest.mark.parametrize("name", ["target_url", "targetUrl"])
def test_hide_diffs(project: Project, name: str) -> None:
    """A preview does not show the values of the named properties, in either spelling."""
    if project.engine == "local":
        pytest.skip("the local engine shows no diffs")
    opts = f"opts=pulumi.ResourceOptions(hide_diffs=[{project.name_of(name)!r}])"
    project.program(f"truto.Webhook('orders', target_url=URL, {opts})")
    project.up()
    project.program(f"truto.Webhook('orders', target_url=URL + '/hidden', is_active=False, {opts})")
    text = project.preview(diff=True).text
    assert "/hidden" not in text
    assert project.name_of("is_active") in text


def test_replace_on_changes_works_only_with_the_plugin(project: Project) -> None:
    """Pulumi honours replace_on_changes only for the plugin because dynamic providers report no changed properties."""
    opts = f'pulumi.ResourceOptions(replace_on_changes=["{project.name_of("target_url")}"])'
    project.webhook(opts=opts)
    project.up()
    project.webhook('target_url=URL + "/two"', opts=opts)
    assert project.up().calls == (
        ["create", "update", "list_triggers", "delete"] if project.provider_kind == "native" else ["update"]
    )


def test_protected_webhook_is_not_deleted(project: Project) -> None:
    """Destroying a protected webhook fails with the reason, and the webhook stays."""
    project.webhook(opts="pulumi.ResourceOptions(protect=True)")
    project.up()
    text = project.fails(project.destroy).text
    assert "protect" in text
    assert len(project.sandbox.backend.webhooks()) == 1


def test_retain_on_delete_keeps_the_webhook_at_truto(project: Project) -> None:
    """With retain_on_delete, destroy removes the webhook from the state but not from Truto."""
    project.webhook(opts="pulumi.ResourceOptions(retain_on_delete=True)")
    project.up()
    assert project.destroy().calls == []
    assert project.managed == []
    assert len(project.sandbox.backend.webhooks()) == 1
