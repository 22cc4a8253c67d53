"""Users choose the event types of a webhook."""

from __future__ import annotations

import pytest

from tests.support.project import Project

TWO_EVENT_TYPES = 'event_types=["record:created", "integrated_account:active"]'


def test_reordering_event_types_is_no_change(project: Project) -> None:
    """Reordering or repeating the event types changes nothing."""
    project.webhook('target_url=URL, event_types=["record:created", "record:deleted"]')
    project.up()
    project.webhook('target_url=URL, event_types=["record:deleted", "record:created", "record:deleted"]')
    assert project.preview().changes == {"same": 2}
    outcome = project.up()
    assert outcome.changes == {"same": 2}
    assert outcome.calls == []


def test_none_and_an_empty_list_mean_every_event(project: Project) -> None:
    """A webhook switches from a list to every event and back. None and an empty list mean the same."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    project.webhook("target_url=URL, event_types=None")
    assert project.up().calls == ["update"]
    assert project.only_webhook.event_types == []
    assert project.outputs["event_types"] == []
    project.webhook("target_url=URL, event_types=[]")
    assert project.preview().changes == {"same": 2}
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    assert project.up().calls == ["update"]
    assert project.only_webhook.event_types == ["integrated_account:active", "record:created"]


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_every_event_is_never_drift(project: Project, empty_event_types_as: str) -> None:
    """However Truto returns "every event", a refresh finds no drift and the next run no change."""
    project.sandbox.backend.change_settings({"empty_event_types_as": empty_event_types_as, "timestamp_format": "space"})
    project.webhook("target_url=URL")
    project.up()
    assert project.refresh().changes == {"same": 2}
    assert project.up().changes == {"same": 2}


def test_enum_members_and_strings_can_be_mixed(project: Project) -> None:
    """A list of event types can contain both members of truto.EventType and strings."""
    project.webhook('target_url=URL, event_types=[truto.EventType.RECORD_CREATED, "record:deleted"]')
    project.up()
    assert project.outputs["event_types"] == ["record:created", "record:deleted"]


def test_unknown_event_type_is_a_warning(project: Project) -> None:
    """An unknown event type is sent to Truto, with a warning that suggests a similar one."""
    project.program("""
        for name in ["a", "b"]:
            truto.Webhook(name, target_url=f"{URL}/{name}", event_types=["record:creatd"])
    """)
    text = project.preview().text
    assert "warning" in text
    assert 'Did you mean "record:created"?' in text
    assert sorted(project.up().calls) == ["create", "create", "update", "update"]
    if project.engine == "local":  # The CLI shows every diagnostic twice: when it occurs and at the end.
        assert text.count("Did you mean") == 2
    for name in ("a", "b"):
        assert f"{name}: event" in text


def test_emptied_event_types_are_a_warning(project: Project) -> None:
    """A program that no longer lists event types subscribes to every event, and the preview says so."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    project.webhook("target_url=URL")
    text = project.preview().text
    assert "orders: event" in text
    assert "will get every event" in text
    project.up()
    assert "will get every event" not in project.up().text
