"""Users create, change and delete webhooks with Pulumi."""

from __future__ import annotations

import pytest

from tests.support.project import URL, Project

TWO_EVENT_TYPES = 'event_types=["record:created", "integrated_account:active"]'
SORTED = ["integrated_account:active", "record:created"]


def test_create_takes_two_calls_and_exports_every_output(project: Project) -> None:
    """A declared webhook is created with two calls, and every output has a value."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    assert project.preview().calls == []
    outcome = project.up()
    assert outcome.changes == {"create": 2}  # the webhook and the stack itself
    assert outcome.calls == ["create", "update"]
    webhook = project.only_webhook
    outputs = project.outputs
    assert outputs["id"] == webhook.id
    assert outputs["secret"] == webhook.secret
    assert outputs["target_url"] == URL == webhook.target_url
    assert outputs["event_types"] == ["integrated_account:active", "record:created"]
    assert outputs["is_active"] is True
    assert outputs["environment_id"] == project.sandbox.environment_id
    assert outputs["created_at"] <= outputs["updated_at"]
    assert outputs["created_at"].endswith("Z")
    assert {name for name, output in project.stack.outputs().items() if output.secret} == {"secret"}


def test_unchanged_program_makes_no_calls(project: Project) -> None:
    """If the program has not changed, preview and up call Truto for nothing and report no change."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    for run in (project.preview, project.up):
        outcome = run()
        assert outcome.changes == {"same": 2}
        assert outcome.calls == []


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (f'target_url=URL + "/two", {TWO_EVENT_TYPES}', {"target_url": URL + "/two", "event_types": SORTED}),
        ('target_url=URL, event_types=["record:*"]', {"event_types": ["record:*"]}),
        (f"target_url=URL, {TWO_EVENT_TYPES}, is_active=False", {"is_active": False, "event_types": SORTED}),
    ],
)
def test_changed_property_is_updated_in_place(project: Project, arguments: str, sent: dict[str, object]) -> None:
    """A changed property is updated in place with one call, which sends the event types too. The secret stays."""
    project.webhook(f"target_url=URL, {TWO_EVENT_TYPES}")
    project.up()
    old_outputs = project.outputs
    project.webhook(arguments)
    assert project.preview().changes == {"same": 1, "update": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.calls == ["update"]
    assert project.sandbox.calls[-1].body == sent
    new_outputs = project.outputs
    assert new_outputs | {"updated_at": ""} == old_outputs | sent | {"updated_at": ""}
    assert new_outputs["updated_at"] >= old_outputs["updated_at"]
    assert project.up().calls == []


def test_webhook_removed_from_the_program_is_deleted(project: Project) -> None:
    """A webhook that the program no longer declares is deleted with one call. The other webhooks stay."""
    project.program("""
        for name in ["a", "b"]:
            truto.Webhook(name, target_url=f"{URL}/{name}")
    """)
    project.up()
    project.program('truto.Webhook("b", target_url=f"{URL}/b")')
    assert project.preview().changes == {"same": 2, "delete": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 2, "delete": 1}
    assert outcome.calls == ["list_triggers", "delete"]
    assert project.only_webhook.target_url == f"{URL}/b"


def test_unknown_inputs_pass_the_preview(project: Project) -> None:
    """A URL that depends on another resource passes the preview and has its value after up."""
    project.program("""
        first = truto.Webhook("first", target_url=URL)
        second = truto.Webhook(
            "second",
            target_url=first.id.apply(lambda id: f"{URL}/{id}"),
            event_types=[first.id.apply(lambda id: "record:created"), "record:deleted"],
        )
        pulumi.export("first", first.id)
        pulumi.export("url", second.target_url)
    """)
    outcome = project.preview()
    assert outcome.changes == {"create": 3}
    assert outcome.calls == []
    assert sorted(project.up().calls) == ["create", "create", "update", "update"]
    assert project.outputs["url"] == f"{URL}/{project.outputs['first']}"


def test_outputs_stay_known_in_the_preview_of_an_update(native_project: Project) -> None:
    """In the preview of an update, the id stays known to the plugin's dependents, so they do not change."""
    body = """
        first = truto.Webhook("first", target_url=URL, is_active={active})
        second = truto.Webhook("second", target_url=pulumi.Output.concat(URL, "/", first.id))
    """
    native_project.program(body.format(active=True))
    native_project.up()
    native_project.program(body.format(active=False))
    assert native_project.preview().changes == {"same": 2, "update": 1}
