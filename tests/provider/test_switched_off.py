"""Truto switches a webhook off after failed deliveries, and a refresh says why."""

from __future__ import annotations

import pytest

from tests.support.project import Project
from tests.support.sandbox_client import publish_event, unreachable_url


@pytest.fixture
def switched_off(project: Project) -> Project:
    """A stack whose webhook Truto has switched off: the receiver returned 503."""
    project.sandbox.backend.change_settings({"retry_backoff_seconds": 0.001})
    project.webhook(f'target_url="{unreachable_url()}"')
    project.up()
    project.sandbox.inject("status", "delivery", status=503, times=0)
    for _ in range(project.sandbox.backend.settings.deactivate_after):
        publish_event(project.sandbox)
    assert project.only_webhook.is_active is False
    return project


def test_refresh_says_why_truto_switched_the_webhook_off(switched_off: Project) -> None:
    """A refresh names the webhook, the receiver's status, the number of failures, their start, and the way out."""
    outcome = switched_off.refresh()
    assert outcome.calls == ["read", "log"]
    text = " ".join(outcome.text.split())
    assert f"Truto switched webhook {switched_off.only_webhook.id} off: the receiver returned 503 to its last 5" in text
    assert " UTC. The next `pulumi up` switches it on again: fix the receiver first" in text


def test_explanation_is_given_once(switched_off: Project) -> None:
    """The second refresh finds nothing new and asks for no log; the next up switches the webhook on."""
    switched_off.refresh()
    outcome = switched_off.refresh()
    assert outcome.calls == ["read"]
    assert "switched" not in outcome.text
    assert switched_off.up().calls == ["update"]
    assert switched_off.only_webhook.is_active is True


@pytest.mark.parametrize("fault", ["missing", "status", "not_json", "wrong_types", "timeout"])
def test_unreadable_log_changes_nothing_else(switched_off: Project, fault: str) -> None:
    """Without a readable log the refresh still shows that the webhook is off, and succeeds."""
    if fault == "missing":
        switched_off.sandbox.backend.change_settings({"has_delivery_log": False})
    else:
        switched_off.sandbox.inject(fault, "log", times=0, seconds=0.01)
    outcome = switched_off.refresh()
    assert outcome.changes == {"same": 1, "update": 1}
    assert "was switched off outside Pulumi. The next `pulumi up` switches it on again" in " ".join(
        outcome.text.split()
    )


def test_webhook_that_a_person_switched_off(project: Project) -> None:
    """If the last delivery succeeded, nobody claims that Truto switched the webhook off."""
    project.webhook()
    project.up()
    project.sandbox.backend.edit(project.outputs["id"], {"is_active": False})
    text = project.refresh().text
    assert "was switched off outside Pulumi" in text
    assert "Truto switched" not in text
