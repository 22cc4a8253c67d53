"""Python programs look webhooks up with `get_webhook` and `get_webhooks`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.project import URL, Project, create_unmanaged


@pytest.fixture
def project(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project with the dynamic provider, on each engine."""
    return Project(engine, sandbox, tmp_path)


def create_old(sandbox: Sandbox) -> str:
    """Creates an inactive webhook outside Pulumi and returns its id."""
    webhook = create_unmanaged(sandbox, target_url=f"{URL}/old", event_types=["record:*"], is_active=False)
    return str(webhook["id"])


def test_lookup_by_id_and_by_filter(project: Project) -> None:
    """A program finds a webhook by its id and all webhooks that match filters, also in a preview."""
    id_ = create_old(project.sandbox)
    project.program(f"""
        one = truto.get_webhook({id_!r})
        pulumi.export("one", [one.target_url, one.is_active, one.event_types])
        pulumi.export("subscribed", [webhook.id for webhook in truto.get_webhooks(event_type="record:created")])
        pulumi.export("active", len(truto.get_webhooks(is_active=True)))
    """)
    assert project.preview().calls == ["read", "list", "list"]
    project.up()
    assert project.outputs["one"] == [f"{URL}/old", False, ["record:*"]]
    assert project.outputs["subscribed"] == [id_]
    assert project.outputs["active"] == 0


def test_lookup_in_another_environment(project: Project) -> None:
    """A lookup accepts another token and base URL, and finds a target URL in any spelling."""
    other = project.sandbox.add_environment("staging")
    token = project.sandbox.backend.add_token(other.id)
    other_id = project.sandbox.backend.create(other.id, {"target_url": URL})["id"]
    create_old(project.sandbox)
    arguments = f"api_token={token!r}, base_url={project.sandbox.base_url!r}"
    project.program(f"""
        webhooks = truto.get_webhooks(target_url=URL.replace("hooks", "HOOKS"), {arguments})
        pulumi.export("all", [webhook.id for webhook in webhooks])
        pulumi.export("one", truto.get_webhook({other_id!r}, {arguments}).environment_id)
    """)
    project.up()
    assert project.outputs == {"all": [other_id], "one": other.id}


def test_lookup_by_an_output(project: Project) -> None:
    """An id that is an `Output` gives an `Output`, directly or with `apply`; an id that is not a string is an error."""
    project.program(f"""
        id_ = pulumi.Output.from_input({create_old(project.sandbox)!r})
        pulumi.export("with_apply", id_.apply(truto.get_webhook).target_url)
        try:
            truto.get_webhook(7)
        except TypeError as error:
            pulumi.export("error", str(error))
        pulumi.export("direct", truto.get_webhook(id_).target_url)
    """)
    project.up()
    assert project.outputs["with_apply"] == project.outputs["direct"] == f"{URL}/old"
    assert "takes an id, a string, not int" in project.outputs["error"]


@pytest.mark.parametrize("filter_", ['is_active="true"', "target_url=7", "event_type=['record:created']"])
def test_filter_of_a_wrong_type_is_an_error(project: Project, filter_: str) -> None:
    """A filter of a wrong type is an error, not an empty result."""
    project.program(f"truto.get_webhooks({filter_})")
    assert f"cannot find webhooks by {filter_.partition('=')[0]}" in project.fails(project.preview).text
