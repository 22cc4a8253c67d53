"""No webhook is lost in silence, whatever the token, and every message ends the search: both kinds, both engines."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project

# The wrong token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["refresh", "destroy", "up"])
def test_a_token_of_an_empty_environment_forgets_nothing(new_project: Callable[..., Project], run: str) -> None:
    """Refresh, destroy and an update with it fail, name the environment and both ways out, and change nothing."""
    sandbox = new_project().sandbox
    environment = {"TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
    project = new_project(**environment)
    project.set_token(None)
    project.stack.remove_config("truto:baseUrl")
    project.webhook()
    project.up()
    (webhook,) = sandbox.backend.webhooks()
    # A token from the environment is always the current one, also for a refresh.
    project.set_environment(TRUTO_API_TOKEN=sandbox.add_environment("empty").token)
    project.webhook("target_url=URL, is_active=False")
    outcome = project.fails(getattr(project, run))
    assert webhook.environment_id in outcome.text
    assert "set the right token" in outcome.text
    assert "pulumi state delete <urn>" in outcome.text
    assert "the environment variable TRUTO_API_TOKEN" in outcome.text
    assert sandbox.backend.webhooks() == [webhook]
    assert [each["id"] for each in project.managed] == [webhook.id]
    project.set_environment(TRUTO_API_TOKEN=sandbox.token)
    project.up()
    assert project.outputs["secret"] == webhook.secret


def test_the_last_webhook_deleted_by_hand(project: Project) -> None:
    """It is created again by a refresh and an up, and destroyed without a question; a warning says what follows."""
    project.webhook()
    project.up()
    first = project.outputs["id"]
    project.sandbox.backend.remove(first)
    text = project.refresh().text
    assert f"webhook {first} was deleted outside Pulumi" in text
    assert "a new id and a new secret" in text
    assert project.up().calls == ["create"]
    project.sandbox.backend.remove(project.outputs["id"])
    project.destroy()
    assert project.managed == []


def test_the_fingerprint_is_never_a_difference(project: Project) -> None:
    """Another token of the same environment is no change, neither for up nor for refresh, and is not in the state."""
    project.webhook()
    project.up()
    project.set_token(project.sandbox.backend.add_token(project.sandbox.environment_id))
    assert project.preview().changes == {"same": 2}
    assert project.up().changes == {"same": 2}
    assert project.refresh().changes == {"same": 2}
    (managed,) = project.managed
    assert len(managed["outputs"]["__fingerprint"]) == 8
    assert "__fingerprint" not in managed["inputs"]
    assert "__fingerprint" not in project.shown


# What Truto did is what the state says ---------------------------------------------------------------------


@pytest.mark.parametrize("processed", [True, False])
def test_an_update_with_an_unknown_outcome(project: Project, processed: bool) -> None:
    """The error says whether it took effect; the plugin's state says so too, and the next up brings all in order."""
    project.webhook()
    project.up()
    project.webhook("target_url=URL, is_active=False")
    project.sandbox.inject("status", "update", status=409, processed=processed)
    text = project.fails(project.up).text
    assert ("applied the update all the same" if processed else "has not applied the update so far") in text
    assert "`pulumi up --refresh`" in text
    (managed,) = project.managed
    if project.provider_kind == "native":
        assert managed["outputs"]["isActive"] is not processed
        assert managed["outputs"]["secret"]
    project.up(refresh=True)
    assert project.outputs["is_active"] is False
    assert project.outputs["secret"] == project.sandbox.backend.webhooks()[0].secret
    assert project.sandbox.backend.webhooks()[0].is_active is False
    assert project.up().calls == []


def test_a_lost_response_to_a_create(project: Project) -> None:
    """One webhook remains, with a known secret, and the run tells which one it deleted."""
    project.sandbox.inject("reset", "create", processed=True)
    project.webhook()
    text = project.up().text
    (webhook,) = project.sandbox.backend.webhooks()
    assert project.outputs["secret"] == webhook.secret
    assert "was deleted" in text


# Messages that end the search ------------------------------------------------------------------------------


def test_where_the_token_came_from(project: Project) -> None:
    """A 401 names the place of the token: the stack's configuration, or the provider's own argument."""
    project.webhook()
    project.set_token("wrong-token")
    text = project.fails(project.up).text
    assert "comes from the stack's configuration, truto:apiToken" in text
    assert "--run-program" in text
    project.program(f"""
        staging = truto.Provider("staging", api_token="another-wrong-token", base_url={project.sandbox.base_url!r})
        truto.Webhook("orders", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
    """)
    text = project.fails(project.up).text
    argument = "apiToken" if project.provider_kind == "native" else "api_token"
    assert f'comes from the argument {argument} of the provider "staging"' in text


def test_the_token_of_the_environment_variable(new_project: Callable[..., Project]) -> None:
    """A token of the environment variable is named as such, without advice for recorded tokens."""
    sandbox = new_project().sandbox
    project = new_project(TRUTO_API_TOKEN="wrong-token", TRUTO_BASE_URL=sandbox.base_url)
    project.set_token(None)
    project.webhook()
    text = project.fails(project.up).text
    assert "comes from the environment variable TRUTO_API_TOKEN" in text
    assert "--run-program" not in text


def test_the_token_of_a_look_up(local_project: Project) -> None:
    """A look-up with a token of its own names that argument, and gives no advice for recorded tokens."""
    local_project.program("""truto.get_webhook("some-id", api_token="wrong-token")""")
    text = local_project.fails(local_project.preview).text
    assert "The token in use comes from the argument api_token." in text
    assert "--run-program" not in text
    local_project.program("""truto.get_webhooks(target_url=["https://h.example/s3cr3t" + "-path"])""")
    text = local_project.fails(local_project.preview).text
    assert "it must be a string, not a list" in text
    assert "s3cr3t-path" not in text


def test_a_provider_of_the_plugin_without_a_token(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """An explicit provider of the plugin does not take the stack's token: the message says that this one has none."""
    project = Project(engine, sandbox, tmp_path, provider_kind="native")
    project.program("""
        staging = pulumi.ProviderResource("truto", "staging", {})
        truto.Webhook("orders", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
    """)
    text = project.fails(project.preview).text
    assert 'the provider "staging" has no API token' in text
    assert "Give it apiToken" in text


def test_properties_that_a_webhook_does_not_have(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """A misspelt property of a YAML or TypeScript program is told in the preview, and so is a resource of no type."""
    project = Project(engine, sandbox, tmp_path, provider_kind="native")
    project.program("""pulumi.CustomResource("truto:index:Webhook", "orders", {"targetUrl": URL, "isactive": False})""")
    text = project.fails(project.preview).text
    assert "isactive is not an input of a webhook. Did you mean isActive?" in text
    project.program("""pulumi.CustomResource("truto:index:Webhok", "orders", {"targetUrl": URL})""")
    assert "there is no resource truto:index:Webhok" in project.fails(project.preview).text


def test_look_ups_take_outputs(local_project: Project) -> None:
    """`get_webhook` and `get_webhooks` take outputs, and give an output then."""
    local_project.program("""
        token = pulumi.Config("truto").require_secret("apiToken")
        hook = truto.Webhook("orders", target_url=URL)
        pulumi.export("one", truto.get_webhook(hook.id, api_token=token).apply(lambda found: found.target_url))
        found = truto.get_webhooks(api_token=token, is_active=True)
        pulumi.export("all", found.apply(lambda each: type(each).__name__))
        pulumi.export("plain", type(truto.get_webhooks()).__name__)
    """)
    local_project.preview()
    local_project.up()
    assert local_project.outputs == {"one": URL, "all": "list", "plain": "list"}


# Nothing secret in plain -----------------------------------------------------------------------------------


def test_secrets_that_truto_repeats(project: Project) -> None:
    """What the program marks as secret is not shown where Truto's response repeats it, nor where it is refused."""
    secrets = ["capability-9c1f", "key=77aa33", "secret:event"]
    url = f"https://hooks.example.com/{secrets[0]}?{secrets[1]}"
    declare = f"target_url=pulumi.Output.secret({url!r}), event_types=pulumi.Output.secret([{secrets[2]!r}])"
    project.webhook(declare)
    text = project.up().text
    for message in (
        f"cannot reach {url}",
        f"nobody at /{secrets[0]}",
        f"bad query {secrets[1]} or 77aa33",
        f"no event {secrets[2]}",
    ):
        for operation, run in (("update", project.up), ("read", project.refresh)):
            project.sandbox.inject("status", operation, status=400, message=message)
            project.webhook(declare + ", is_active=False")
            text += project.fails(run).text
    project.webhook(
        f"target_url=pulumi.Output.secret('ftp:' + {url[6:]!r}), event_types=pulumi.Output.secret(['x secret'])"
    )
    text += project.fails(project.preview).text
    assert "event_types[0]" in text or "eventTypes[0]" in text
    for secret in (*secrets, "77aa33", "x secret"):
        assert secret not in text + project.shown


# The sandbox's own command ---------------------------------------------------------------------------------


def sandbox_up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m pulumi_truto.sandbox up`."""
    command = [sys.executable, "-m", "pulumi_truto.local_engine", "up", str(folder), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(folder)}
    )


def test_sandbox_up_leaves_nothing_behind(tmp_path: Path) -> None:
    """Also when the program fails half-way, what it had created is deleted, and no file remains."""
    (tmp_path / "Pulumi.yaml").write_text("name: fails\nruntime: python\n")
    program = f"import pulumi_truto as truto\nhook = truto.Webhook('orders', {URL!r})\n"
    (tmp_path / "__main__.py").write_text(program + "hook.id.apply(lambda _: 1 / 0)\n")
    done = sandbox_up(tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout
    assert "orders deleted" in done.stdout
    assert sorted(each.name for each in tmp_path.iterdir()) == ["Pulumi.yaml", "__main__.py"]


def test_sandbox_up_touches_no_other_truto(tmp_path: Path) -> None:
    """A base URL of its own is refused: the program would run against that, and nothing would be cleaned up."""
    (tmp_path / "Pulumi.yaml").write_text("name: elsewhere\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("print('it ran')\n")
    done = sandbox_up(tmp_path, "--config", "truto:baseUrl=http://127.0.0.1:9")
    assert done.returncode == 1
    assert "truto:baseUrl cannot be set here" in done.stderr
    assert "it ran" not in done.stdout
