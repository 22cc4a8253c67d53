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
    assert "set the right one" in outcome.text
    assert "pulumi state delete <urn>" in outcome.text
    assert "the environment variable TRUTO_API_TOKEN" in outcome.text
    assert sandbox.backend.webhooks() == [webhook]
    assert [managed["id"] for managed in project.managed] == [webhook.id]
    project.set_environment(TRUTO_API_TOKEN=sandbox.token)
    project.up()
    assert project.outputs["secret"] == webhook.secret


@pytest.mark.parametrize("processed", [True, False])
def test_update_with_an_unknown_outcome_says_whether_it_took_effect(project: Project, processed: bool) -> None:
    """The error says whether the update took effect, as does the plugin's state, and the next up completes it."""
    project.webhook()
    project.up()
    project.webhook("target_url=URL, is_active=False")
    project.sandbox.inject("status", "update", status=409, processed=processed)
    text = project.fails(project.up).text
    assert ("did apply the update" if processed else "has not applied the update yet") in text
    assert "`pulumi up --refresh`" in text
    (managed,) = project.managed
    if project.provider_kind == "native":
        assert managed["outputs"]["isActive"] is not processed
        assert managed["outputs"]["secret"]
    project.up(refresh=True)
    assert project.outputs["is_active"] is False
    assert project.outputs["secret"] == project.only_webhook.secret
    assert project.only_webhook.is_active is False
    assert project.up().calls == []


def test_create_with_a_lost_response_leaves_one_webhook(project: Project) -> None:
    """If the response to a create is lost, one webhook with a known secret remains, and the run reports the cleanup."""
    project.sandbox.inject("reset", "create", processed=True)
    project.webhook()
    text = project.up().text
    assert project.outputs["secret"] == project.only_webhook.secret
    assert "was deleted" in text
