"""Taking over webhooks that exist, and looking them up, from Python programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.stacks import Engine
from tests.harness import URL, Project

ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def project(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that uses the dynamic provider, on each engine."""
    return Project(engine, sandbox, tmp_path)


def made_by_hand(project: Project) -> str:
    """The id of a webhook that somebody made outside Pulumi."""
    body = {"target_url": URL + "/old", "event_types": ["record:*"], "is_active": False}
    return str(project.sandbox.truto.create(project.sandbox.environment_id, body)["id"])


def test_adopt(project: Project) -> None:
    """An adopted webhook keeps its id, is brought to what is declared with one update, and takes the given secret."""
    id_ = made_by_hand(project)
    project.webhook(f'target_url=URL, adopt="{id_}", known_secret="from the vault"')
    assert project.preview().changes == {"create": 2}
    outcome = project.up()
    assert outcome.calls == ["read", "update"]
    assert project.outputs["id"] == id_
    assert project.outputs["secret"] == "from the vault"
    [webhook] = project.sandbox.truto.webhooks()
    assert (webhook.target_url, webhook.is_active) == (URL, True)
    assert "from the vault" not in project.state + project.shown


def test_adopting_is_forgotten(project: Project) -> None:
    """Removing the two arguments afterwards is no change, and the webhook is managed as any other."""
    id_ = made_by_hand(project)
    project.webhook(f'target_url=URL, adopt="{id_}", known_secret="from the vault"')
    project.up()
    project.webhook()
    assert project.preview().changes == {"same": 2}
    assert project.up().calls == []
    assert project.outputs["secret"] == "from the vault"
    assert project.refresh().changes == {"same": 2}
    project.destroy()
    assert project.sandbox.truto.webhooks() == []


def test_adopt_without_the_secret(project: Project) -> None:
    """Without the known secret the output is null with a warning, and giving it later makes no API call."""
    id_ = made_by_hand(project)
    project.webhook(f'target_url=URL, adopt="{id_}"')
    assert "Truto shows it only once" in project.up().text
    assert project.outputs.get("secret") is None
    project.webhook(f'target_url=URL, adopt="{id_}", known_secret="found"')
    outcome = project.up()
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.calls == []
    assert project.outputs["secret"] == "found"


def test_adopt_for_a_webhook_that_is_there(project: Project) -> None:
    """Naming another webhook later changes nothing, and a warning says so."""
    project.webhook()
    project.up()
    mine = project.outputs["id"]
    project.webhook(f'target_url=URL, adopt="{made_by_hand(project)}"')
    assert "`adopt` has no effect here" in project.up().text
    assert project.outputs["id"] == mine


def test_adopt_of_nothing(project: Project) -> None:
    """Adopting a webhook that does not exist fails, names the id, and creates none."""
    project.webhook(f'target_url=URL, adopt="{ID}"')
    outcome = project.fails(project.up)
    assert ID in outcome.text
    assert "create" not in outcome.calls


@pytest.mark.parametrize("before", [True, False])
def test_a_replacement_never_adopts_what_it_replaces(project: Project, before: bool) -> None:
    """With `adopt` left in the program, a replacement is refused: it would take the webhook over and then delete it."""
    id_ = made_by_hand(project)
    opts = f'pulumi.ResourceOptions(replacement_trigger="{{}}", delete_before_replace={before})'
    project.webhook(f'target_url=URL, adopt="{id_}"', opts=opts.format(1))
    project.up()
    project.refresh()
    project.webhook(f'target_url=URL, adopt="{id_}"', opts=opts.format(2))
    outcome = project.fails(project.up)
    assert "Remove `adopt`" in outcome.text
    assert outcome.calls == []
    assert [webhook.id for webhook in project.sandbox.truto.webhooks()] == [id_]
    assert [each["id"] for each in project.managed] == [id_]
    project.webhook("target_url=URL", opts=opts.format(2))
    assert project.up().changes == {"same": 1, "replace": 1}
    [webhook] = project.sandbox.truto.webhooks()
    assert webhook.id == project.outputs["id"] != id_


def test_two_resources_never_adopt_the_same(project: Project) -> None:
    """A second resource that adopts the same webhook is refused: deleting either would take it from the other."""
    id_ = made_by_hand(project)
    project.program(f"""
        first = truto.Webhook("first", URL, adopt={id_!r})
        truto.Webhook("second", URL, adopt={id_!r}, opts=pulumi.ResourceOptions(depends_on=[first]))
    """)
    assert "manages already" in project.fails(project.up).text
    assert [each["id"] for each in project.managed] == [id_]


def test_adopt_of_a_wrong_type(project: Project) -> None:
    """A wrong type is refused in the preview."""
    project.webhook('target_url=URL, adopt=7, known_secret=""')
    text = project.fails(project.preview).text
    assert "adopt must be a string" in text
    assert "known_secret must not be empty" in text
    project.webhook('target_url=URL, adopt="../x", known_secret="copied with its line break\\n"')
    text = project.fails(project.preview).text
    assert "adopt must be the id of a webhook" in text
    assert "known_secret must not begin or end with whitespace" in text


def test_moving_between_the_ways_in(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """A webhook moves from the dynamic provider to the native plugin and back, with its id and secret."""
    project = Project(engine, sandbox, tmp_path, way="native")
    dynamic = """
        import pulumi_truto
        hook = pulumi_truto.Webhook("orders", URL, opts=pulumi.ResourceOptions(retain_on_delete=True){more})
        pulumi.export("id", hook.id)
        pulumi.export("secret", hook.secret)
    """
    native = """
        hook = truto.Webhook("orders", URL, known_secret={secret!r}, opts=pulumi.ResourceOptions({opts}))
        pulumi.export("id", hook.id)
        pulumi.export("secret", hook.secret)
    """
    project.program(dynamic.format(more=""))
    project.up()
    first = project.outputs
    project.program(native.format(secret=first["secret"], opts=f'import_="{first["id"]}", retain_on_delete=True'))
    moved = project.up()
    project.program(native.format(secret=first["secret"], opts="retain_on_delete=True"))
    learned = project.up()
    assert project.outputs == first
    project.program(dynamic.format(more=f", adopt={first['id']!r}, known_secret={first['secret']!r}"))
    back = project.up()
    assert project.outputs == first
    assert "create" not in [*moved.calls, *learned.calls, *back.calls]
    assert "delete" not in [*moved.calls, *learned.calls, *back.calls]
    assert [webhook.id for webhook in sandbox.truto.webhooks()] == [first["id"]]


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
    token = project.sandbox.truto.add_token(other.id)
    there = project.sandbox.truto.create(other.id, {"target_url": URL})["id"]
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
    """An id that is an output is refused with what works, and that works."""
    project.program(f"""
        id_ = pulumi.Output.from_input({made_by_hand(project)!r})
        pulumi.export("url", id_.apply(truto.get_webhook).target_url)
        try:
            truto.get_webhook(id_)
        except TypeError as error:
            pulumi.export("error", str(error))
    """)
    project.up()
    assert project.outputs["url"] == URL + "/old"
    assert "output.apply(truto.get_webhook)" in project.outputs["error"]


@pytest.mark.parametrize("filter_", ['is_active="true"', "target_url=7", "event_type=['record:created']"])
def test_a_filter_of_a_wrong_type(project: Project, filter_: str) -> None:
    """A filter that could never match is an error, and not an empty answer."""
    project.program(f"truto.get_webhooks({filter_})")
    assert f"cannot find webhooks by {filter_.partition('=')[0]}" in project.fails(project.preview).text
