"""The API token and the webhooks' secrets never appear in plain text: not in state, outputs, logs or messages."""

from __future__ import annotations

import base64
import pickletools
from pathlib import Path

import dill  # type: ignore[import-untyped]
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_truto.dynamic import WebhookProvider
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.project import Project


def read_all_files(folder: Path) -> str:
    """The contents of all files in a folder and its subfolders."""
    return "".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())


def test_no_run_shows_or_stores_a_secret(project: Project) -> None:
    """No file and no output contains a secret after a create, update, failure, drift, replacement and destroy."""
    secrets = {project.sandbox.token}
    stored = ""

    def record() -> None:
        nonlocal stored
        secrets.update(webhook.secret for webhook in project.sandbox.backend.webhooks())
        stored += project.state + read_all_files(project.folder)

    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.preview()
    project.up()
    record()
    project.webhook("target_url=URL, is_active=False", 'pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    # The worst case: Truto's message repeats the token.
    project.sandbox.inject("status", "update", status=400, message=f"bad token {project.sandbox.token}")
    project.webhook("target_url=URL, is_active=True", 'pulumi.ResourceOptions(replacement_trigger="1")')
    project.fails(project.up)
    project.sandbox.backend.edit(project.outputs["id"], {"event_types": ["record:*"]})
    project.refresh()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.up()
    record()
    project.destroy()
    record()
    assert len(secrets) == 3
    for secret in secrets:
        assert secret not in stored
        assert secret not in project.output_text


def test_state_contains_the_secret_encrypted(project: Project) -> None:
    """The state contains the webhook's secret as ciphertext."""
    project.webhook()
    project.up()
    [managed] = project.managed
    assert "ciphertext" in managed["outputs"]["secret"]
    assert "ciphertext" not in str(managed["outputs"][project.name_of("target_url")])


def test_secret_url_stays_secret(project: Project) -> None:
    """A URL that the program marks as secret is never shown, and the state contains it encrypted."""
    project.webhook('target_url=pulumi.Output.secret("https://hooks.example.com/capability-9c1f")')
    project.up()
    assert project.stack.outputs()["target_url"].secret
    project.sandbox.inject("status", "update", status=400, message="no")
    project.webhook('target_url=pulumi.Output.secret("https://hooks.example.com/capability-77aa")')
    project.fails(project.up)
    assert "capability-" not in project.state + project.output_text


def test_secret_inputs_are_redacted_from_messages(project: Project) -> None:
    """No message contains a secret input, neither when Truto's response repeats it nor when the preview rejects it."""
    secrets = ["capability-9c1f", "key=77aa33+x"]
    url = f"https://hooks.example.com/{secrets[0]}?{secrets[1]}"
    arguments = f"target_url=pulumi.Output.secret({url!r}), event_types=pulumi.Output.secret(['record:created'])"
    project.webhook(arguments)
    text = project.up().text
    for message in (
        f"cannot reach {url}",
        f"nobody at /{secrets[0]}",
        f"bad query {secrets[1]} or 77aa33 x",
    ):
        for operation, run in (("update", project.up), ("read", project.refresh)):
            project.sandbox.inject("status", operation, status=400, message=message)
            project.webhook(arguments + ", is_active=False")
            text += project.fails(run).text
    project.webhook(
        f"target_url=pulumi.Output.secret('ftp:' + {url[6:]!r}), event_types=pulumi.Output.secret(['x secret'])"
    )
    text += project.fails(project.preview).text
    assert "event_types[0]" in text or "eventTypes[0]" in text
    for secret in (*secrets, "77aa33", "x secret"):
        assert secret not in text + project.output_text


def test_pickled_provider_contains_only_its_name() -> None:
    """The state stores the dynamic provider as 58 bytes, which contain only the names of its module and class."""
    pickled = base64.b64decode(serialize_provider(WebhookProvider()))
    assert len(pickled) == 58
    strings = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    assert strings == ["pulumi_truto.dynamic", "WebhookProvider"]
    assert vars(dill.loads(pickled)) == {}  # noqa: S301 - just pickled here


def test_pickled_provider_is_readable_in_the_state(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """The state does not encrypt the reference to the dynamic provider because it contains no secret."""
    project = Project(engine, sandbox, tmp_path)
    project.webhook()
    project.up()
    [managed] = project.managed
    assert base64.b64decode(managed["inputs"]["__provider"]).count(b"WebhookProvider") == 1
