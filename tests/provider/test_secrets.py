"""The API token and the webhooks' secrets stand in plain nowhere: state, outputs, logs, the pickled provider."""

from __future__ import annotations

import base64
import pickletools
from pathlib import Path

import dill  # type: ignore[import-untyped]
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_truto.dynamic import WebhookProvider
from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.sandbox import Sandbox
from tests.support.project import Project


def files_below(folder: Path) -> str:
    """Everything that was written there."""
    return "".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())


def test_a_whole_life_shows_no_secret(project: Project) -> None:
    """After create, update, drift, failures, replacement and destroy no file and no output holds a secret."""
    seen = {project.sandbox.token}

    def note() -> None:
        seen.update(webhook.secret for webhook in project.sandbox.backend.webhooks())

    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.preview()
    project.up()
    note()
    states = project.state + files_below(project.folder)
    project.webhook("target_url=URL, is_active=False", 'pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    # Truto's message repeats the token: the worst it could do.
    project.sandbox.inject("status", "update", status=400, message=f"bad token {project.sandbox.token}")
    project.webhook("target_url=URL, is_active=True", 'pulumi.ResourceOptions(replacement_trigger="1")')
    project.fails(project.up)
    project.sandbox.backend.edit(project.outputs["id"], {"event_types": ["record:*"]})
    project.refresh()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.up()
    note()
    states += project.state + files_below(project.folder)
    project.destroy()
    states += project.state + files_below(project.folder)
    assert len(seen) == 3
    for secret in seen:
        assert secret not in states
        assert secret not in project.shown


def test_the_secret_is_encrypted_in_the_state(project: Project) -> None:
    """The state holds the webhook's secret, as cipher text."""
    project.webhook()
    project.up()
    [webhook] = project.managed
    assert "ciphertext" in webhook["outputs"]["secret"]
    assert "ciphertext" not in str(webhook["outputs"][project.name_of("target_url")])


def test_the_pickled_provider() -> None:
    """What Pulumi keeps of the provider in every webhook's state is its dotted name, 58 bytes, and nothing else."""
    pickled = base64.b64decode(serialize_provider(WebhookProvider()))
    assert len(pickled) == 58
    texts = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    assert texts == ["pulumi_truto.dynamic", "WebhookProvider"]
    assert vars(dill.loads(pickled)) == {}  # noqa: S301 - just pickled here


def test_the_provider_is_readable_in_the_state(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """The reference to the dynamic provider stays readable in the state: there is nothing secret in it."""
    project = Project(engine, sandbox, tmp_path)
    project.webhook()
    project.up()
    [webhook] = project.managed
    assert base64.b64decode(webhook["inputs"]["__provider"]).count(b"WebhookProvider") == 1
