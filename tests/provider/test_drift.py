"""Somebody changes or deletes a webhook outside Pulumi."""

from __future__ import annotations

import re

from tests.support.project import URL, Project

TWO_EVENT_TYPES = 'event_types=["record:created", "integrated_account:active"]'


def test_refresh_shows_drift_and_up_corrects_it(project: Project) -> None:
    """If Truto switched a webhook off, a refresh shows it and the next up switches it on. The secret stays the same."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    secret = project.outputs["secret"]
    project.sandbox.backend.edit(project.outputs["id"], {"is_active": False, "event_types": ["record:deleted"]})
    outcome = project.refresh()
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.calls == ["read", "log"]
    assert project.preview().changes == {"same": 1, "update": 1}
    assert project.up().calls == ["update"]
    assert project.only_webhook.is_active is True
    assert project.only_webhook.event_types == ["integrated_account:active", "record:created"]
    assert project.outputs["secret"] == secret == project.only_webhook.secret


def test_update_leaves_drift_to_a_refresh(project: Project) -> None:
    """An update neither sends nor takes over a change outside Pulumi in another property; a refresh shows it."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    project.sandbox.backend.edit(project.outputs["id"], {"target_url": URL + "/theirs"})
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}, is_active=False")
    project.up()
    assert project.only_webhook.target_url == URL + "/theirs"
    assert project.up().calls == []
    assert project.refresh().changes == {"same": 1, "update": 1}
    assert project.up().calls == ["update"]
    assert project.only_webhook.target_url == URL


def test_ignored_property_is_never_sent(project: Project) -> None:
    """A webhook that somebody switched off stays off if the program ignores that, whatever else it changes."""
    opts = f"pulumi.ResourceOptions(ignore_changes=[{project.name_of('is_active')!r}])"
    project.webhook("target_url=URL", opts=opts)
    project.up()
    project.sandbox.backend.edit(project.outputs["id"], {"is_active": False})
    project.webhook("target_url=URL + '/2'", opts=opts)
    assert project.up().calls == ["update"]
    assert project.up().calls == []
    project.refresh()
    assert project.up().calls == []
    assert (project.only_webhook.is_active, project.only_webhook.target_url) == (False, URL + "/2")


def test_refresh_removes_a_deleted_webhook_and_up_recreates_it(project: Project) -> None:
    """A refresh removes a webhook that was deleted by hand from the state, and up creates it with a new secret."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    assert project.refresh().changes == {"same": 1, "delete": 1}
    assert project.up().changes == {"same": 1, "create": 1}
    assert project.outputs["secret"] == project.only_webhook.secret


def test_deleting_the_last_webhook_by_hand_is_noticed(project: Project) -> None:
    """If the only webhook was deleted by hand, a refresh warns about the new secret, and destroy succeeds."""
    project.webhook()
    project.up()
    webhook_id = project.outputs["id"]
    project.sandbox.backend.remove(webhook_id)
    text = project.refresh().text
    assert f"webhook {webhook_id} was deleted outside Pulumi" in text
    assert "a new id and a new secret" in text
    assert project.up().calls == ["create", "update"]
    project.sandbox.backend.remove(project.outputs["id"])
    project.destroy()
    assert project.managed == []


def test_update_of_a_deleted_webhook_names_the_remedy(project: Project) -> None:
    """Updating a webhook that was deleted by hand fails with a remedy, and the remedy works."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    project.webhook("target_url=URL, is_active=False")
    text = project.fails(project.up).text
    assert "deleted outside Pulumi" in text
    # Pulumi shows the traceback of a dynamic provider's error. It must contain as few of our frames as possible.
    assert set(re.findall(r"pulumi_truto/(\w+)\.py", text)) == (
        {"dynamic"} if project.provider_kind == "dynamic" else set()
    )
    assert "pulumi up --refresh" in text
    project.up(refresh=True)
    assert project.only_webhook.is_active is False


def test_destroy_succeeds_if_the_webhook_is_already_deleted(project: Project) -> None:
    """Destroying a stack whose webhook was already deleted succeeds."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    assert project.destroy().changes == {"delete": 2}
