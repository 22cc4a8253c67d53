"""Neither a wrong token nor a lost response makes Pulumi lose a webhook."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.project import Project


@pytest.mark.parametrize("run", ["refresh", "destroy", "up"])
def test_token_of_an_empty_environment_changes_nothing(new_project: Callable[..., Project], run: str) -> None:
    """With the token of an empty environment, a run fails, names both remedies, and keeps the webhook in the state."""
    sandbox = new_project().sandbox
    project = new_project(TRUTO_API_TOKEN=sandbox.token, TRUTO_BASE_URL=sandbox.base_url)
    project.set_token(None)
    project.stack.remove_config("truto:baseUrl")
    project.webhook()
    project.up()
    webhook = project.only_webhook
    # A token from an environment variable is always the current one, even for a refresh.
    project.set_environment(TRUTO_API_TOKEN=sandbox.add_environment("empty").token)
    project.webhook("target_url=URL, is_active=False")
    outcome = project.fails(getattr(project, run))
    assert webhook.environment_id in outcome.text
    assert "Use a token of that environment" in outcome.text
    assert "pulumi state delete <urn>" in outcome.text
    assert "the environment variable TRUTO_API_TOKEN" in outcome.text
    assert sandbox.backend.webhooks() == [webhook]
    assert [managed["id"] for managed in project.managed] == [webhook.id]
    project.set_environment(TRUTO_API_TOKEN=sandbox.token)
    project.up()
    assert project.outputs["secret"] == webhook.secret


@pytest.mark.parametrize("processed", [True, False])
def test_update_with_an_unknown_outcome_is_sent_again(project: Project, processed: bool) -> None:
    """The error says that the outcome is not known, and the next up sends the update again."""
    project.webhook()
    project.up()
    project.webhook("target_url=URL, is_active=False")
    project.sandbox.inject("status", "update", status=409, processed=processed)
    text = project.fails(project.up).text
    assert "not known whether the update took effect" in text
    assert "`pulumi up --refresh`" in text
    assert project.up().calls == ["update"]
    assert project.outputs["is_active"] is False
    assert project.outputs["secret"] == project.only_webhook.secret
    assert project.only_webhook.is_active is False
    assert project.up().calls == []


def test_create_with_a_lost_response_leaves_nothing_that_delivers(project: Project) -> None:
    """If the response to a create is lost, one webhook is active, and the run says how to find orphans."""
    project.sandbox.inject("reset", "create", processed=True)
    project.webhook()
    text = project.up().text
    [orphan, webhook] = project.sandbox.backend.webhooks()
    assert (orphan.is_active, webhook.is_active) == (False, True)
    assert (project.outputs["id"], project.outputs["secret"]) == (webhook.id, webhook.secret)
    assert "`pulumi-truto orphans` finds it" in text


def test_webhook_that_cannot_be_switched_on_fails_the_run(project: Project) -> None:
    """The run is red. The plugin keeps the webhook and its secret, and the next up switches it on."""
    project.sandbox.inject("status", "update", status=403, message="not now")
    project.webhook()
    failed = project.fails(project.up)
    [webhook] = project.sandbox.backend.webhooks()
    assert f"webhook {webhook.id} was created, and could not be switched on" in failed.text
    assert "not now" in failed.text
    if project.provider_kind == "native":
        assert [managed["id"] for managed in project.managed] == [webhook.id]
        assert project.up().calls == ["update"]
        assert project.outputs["secret"] == webhook.secret
        assert project.only_webhook.is_active
    else:
        assert "`pulumi-truto orphans` finds it" in failed.text
        assert project.managed == []
        assert project.up().calls == ["create", "update"]
        assert project.outputs["id"] != webhook.id
