"""Programs read webhooks that they do not manage."""

from __future__ import annotations

from pathlib import Path

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.project import URL, Project, create_unmanaged

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def test_get_reads_a_webhook_without_managing_it(project: Project) -> None:
    """Webhook.get reads a webhook. Its secret is null with a warning, and destroy does not delete it."""
    webhook = create_unmanaged(project.sandbox, event_types=["record:*"])
    project.program(f"""
        hook = truto.Webhook.get("theirs", {webhook["id"]!r})
        pulumi.export("url", hook.target_url)
        pulumi.export("event_types", hook.event_types)
        pulumi.export("secret", hook.secret)
    """)
    outcome = project.up()
    assert outcome.calls == ["read"]
    assert "Truto shows it only when" in outcome.text
    assert project.outputs["url"] == URL
    assert project.outputs["event_types"] == ["record:*"]
    assert project.outputs.get("secret") is None
    assert project.up().calls == ["read"]
    project.destroy()
    assert len(project.sandbox.backend.webhooks()) == 1


def test_get_of_an_unknown_id_fails(project: Project) -> None:
    """Webhook.get with an unknown id fails, and the error contains the id."""
    project.program(f'truto.Webhook.get("theirs", "{UNKNOWN_ID}")')
    assert UNKNOWN_ID in project.fails(project.up).text


def test_require_secret_returns_the_secret(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """`require_secret` is the secret of a created webhook, as a Pulumi secret, and unknown in the first preview."""
    project = Project(engine, sandbox, tmp_path)
    project.program("""
        hook = truto.Webhook("orders", target_url=URL)
        pulumi.export("required", hook.require_secret())
    """)
    project.preview()
    project.up()
    output = project.stack.outputs()["required"]
    assert (output.value, output.secret) == (project.only_webhook.secret, True)


def test_require_secret_fails_if_the_secret_is_not_known(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """`require_secret` of a webhook that was only read fails the run, and says why and what to do."""
    project = Project(engine, sandbox, tmp_path)
    webhook = create_unmanaged(sandbox)
    project.program(f"""
        hook = truto.Webhook.get("theirs", {webhook["id"]!r})
        pulumi.export("required", hook.require_secret())
    """)
    text = " ".join(project.fails(project.up).text.split())
    assert f"the secret of webhook {webhook['id']} is not known" in text
    assert "pulumi-truto import-file" in text


def test_lookups_accept_outputs(local_project: Project) -> None:
    """`get_webhook` and `get_webhooks` return an output if one of their arguments is an output."""
    local_project.program("""
        token = pulumi.Config("truto").require_secret("apiToken")
        hook = truto.Webhook("orders", target_url=URL)
        pulumi.export("one", truto.get_webhook(hook.id, api_token=token).apply(lambda found: found.target_url))
        webhooks = truto.get_webhooks(api_token=token, is_active=True)
        pulumi.export("all", webhooks.apply(lambda webhooks: type(webhooks).__name__))
        pulumi.export("plain", type(truto.get_webhooks()).__name__)
    """)
    local_project.preview()
    local_project.up()
    assert local_project.outputs == {"one": URL, "all": "list", "plain": "list"}


def test_plugin_functions_find_webhooks(native_project: Project) -> None:
    """The plugin's functions find one webhook by its id, and all webhooks that match filters, on all pages."""
    for number in range(120):
        create_unmanaged(native_project.sandbox, target_url=f"{URL}/{number}", is_active=number != 7)
    existing = create_unmanaged(native_project.sandbox, event_types=["record:*"])
    native_project.program(f"""
        one = pulumi.runtime.invoke("truto:index:getWebhook", {{"id": {existing["id"]!r}}}).value
        pulumi.export("one", one)
        for name, filters in {{
            "all": {{}},
            "inactive": {{"isActive": False}},
            "url": {{"targetUrl": URL}},
            "event": {{"eventType": "sync_job_run:failed", "isActive": True}},
        }}.items():
            webhooks = pulumi.runtime.invoke("truto:index:getWebhooks", filters).value
            pulumi.export(name, len(webhooks["webhooks"]))
    """)
    native_project.up()
    outputs = native_project.outputs
    assert outputs["one"]["targetUrl"] == URL
    assert outputs["one"]["eventTypes"] == ["record:*"]
    assert "secret" not in outputs["one"]
    assert (outputs["all"], outputs["inactive"], outputs["url"], outputs["event"]) == (121, 1, 1, 119)
