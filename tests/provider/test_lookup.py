"""Looking webhooks up from Python programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project


@pytest.fixture
def project(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that uses the dynamic provider, on each engine."""
    return Project(engine, sandbox, tmp_path)


def made_by_hand(project: Project) -> str:
    """The id of a webhook that somebody made outside Pulumi."""
    body = {"target_url": URL + "/old", "event_types": ["record:*"], "is_active": False}
    return str(project.sandbox.backend.create(project.sandbox.environment_id, body)["id"])


def test_looking_up(project: Project) -> None:
    """A program finds one webhook by its id and all that match filters, in a preview too."""
    id_ = made_by_hand(project)
    project.program(f"""
        one = truto.get_webhook({id_!r})
        pulumi.export("one", [one.target_url, one.is_active, one.event_types])
        pulumi.export("told", [each.id for each in truto.get_webhooks(event_type="record:created")])
        pulumi.export("active", len(truto.get_webhooks(is_active=True)))
    """)
    assert project.preview().calls == ["read", "list", "list"]
    project.up()
    assert project.outputs["one"] == [URL + "/old", False, ["record:*"]]
    assert project.outputs["told"] == [id_]
    assert project.outputs["active"] == 0


def test_looking_up_in_another_environment(project: Project) -> None:
    """A look-up takes its token and base URL as arguments too, and goes by the target URL however that is spelled."""
    other = project.sandbox.add_environment("staging")
    token = project.sandbox.backend.add_token(other.id)
    there = project.sandbox.backend.create(other.id, {"target_url": URL})["id"]
    made_by_hand(project)
    where = f"api_token={token!r}, base_url={project.sandbox.base_url!r}"
    project.program(f"""
        found = truto.get_webhooks(target_url=URL.replace("hooks", "HOOKS"), {where})
        pulumi.export("all", [each.id for each in found])
        pulumi.export("one", truto.get_webhook({there!r}, {where}).environment_id)
    """)
    project.up()
    assert project.outputs == {"all": [there], "one": other.id}


def test_looking_up_an_output(project: Project) -> None:
    """An id that is an output gives an output, by a call or by `apply`; what is no id at all is refused."""
    project.program(f"""
        id_ = pulumi.Output.from_input({made_by_hand(project)!r})
        pulumi.export("url", id_.apply(truto.get_webhook).target_url)
        try:
            truto.get_webhook(7)
        except TypeError as error:
            pulumi.export("error", str(error))
        pulumi.export("same", truto.get_webhook(id_).target_url)
    """)
    project.up()
    assert project.outputs["url"] == project.outputs["same"] == URL + "/old"
    assert "takes an id, a string, not int" in project.outputs["error"]


@pytest.mark.parametrize("filter_", ['is_active="true"', "target_url=7", "event_type=['record:created']"])
def test_a_filter_of_a_wrong_type(project: Project, filter_: str) -> None:
    """A filter that could never match is an error, and not an empty answer."""
    project.program(f"truto.get_webhooks({filter_})")
    assert f"cannot find webhooks by {filter_.partition('=')[0]}" in project.fails(project.preview).text
