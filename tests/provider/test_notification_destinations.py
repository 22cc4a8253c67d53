"""`truto.NotificationDestination`, which has the rules of `truto.Webhook` by declaration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from pulumi_truto.property_values import unwrap_secrets
from pulumi_truto.sandbox import Sandbox
from tests.support.cli import run_cli
from tests.support.project import Project, create_unmanaged
from tests.support.provider_process import ProviderProcess, Webhook

SLACK_URL: Final = "https://hooks.slack.example.com/services/T0/B0/hunter2hunter2"
SLACK: Final = f'type="slack", config={{"webhook_url": {SLACK_URL!r}}}'
EMAIL: Final = 'type="email", config={"to": ["a@example.com"], "subject_prefix": "[truto]"}'


def declare(project: Project, arguments: str = SLACK, opts: str = "None") -> None:
    """Declares a destination, and exports its outputs."""
    project.program(f"""
        on_call = truto.NotificationDestination("on-call", {arguments}, opts={opts})
        for name in ["id", "type", "config", "label", "event_types", "is_active", "environment_id", "created_at"]:
            pulumi.export(name, getattr(on_call, name))
    """)


def destinations(project: Project) -> list[Any]:
    """The destinations at Truto."""
    return project.sandbox.backend.notification_destinations.items()


def test_life_cycle(project: Project) -> None:
    """A destination is created switched off, then on, updated in place, replaced for another type, and deleted."""
    declare(project, SLACK + ', label="On call", event_types=["b", "a", "b"]')
    assert project.preview().calls == []
    assert project.up().calls == ["create_destination", "update_destination"]
    creation, switching_on = project.sandbox.calls[-2:]
    assert creation.body == {
        "type": "slack",
        "config": {"webhook_url": SLACK_URL},
        "label": "On call",
        "event_types": ["a", "b"],
        "is_active": False,
    }
    assert switching_on.body == {"is_active": True, "event_types": ["a", "b"]}
    outputs = project.outputs
    [destination] = destinations(project)
    assert (outputs["id"], outputs["is_active"]) == (destination.id, True)
    assert outputs["config"][project.name_of("webhook_url")] == SLACK_URL
    assert project.up().calls == project.refresh().calls[1:] == []

    declare(project, SLACK + ', label="Night", event_types=["a", "b"]')
    assert project.up().calls == ["update_destination"]
    assert project.sandbox.calls[-1].body == {"label": "Night", "event_types": ["a", "b"]}
    declare(project, EMAIL)
    assert project.preview().changes == {"same": 1, "replace": 1}
    assert project.up().calls == ["create_destination", "update_destination", "delete_destination"]
    [destination] = destinations(project)
    assert destination.config == {"to": ["a@example.com"], "subject_prefix": "[truto]"}
    project.destroy()
    assert destinations(project) == []


def test_the_url_of_a_slack_webhook_is_never_shown(project: Project) -> None:
    """`config` is a secret in the state and the outputs, also after a read that shows it, and in no message."""
    declare(project)
    project.up()
    [destination] = destinations(project)
    new = SLACK_URL.replace("hunter2hunter2", "hunter3hunter3")
    project.sandbox.backend.notification_destinations.edit(destination.id, {"config": {"webhook_url": new}})
    project.refresh()
    assert project.stack.outputs()["config"].secret
    assert "hunter" not in project.state
    project.preview(diff=True) if project.engine == "cli" else project.preview()
    project.sandbox.inject("status", status=422, message=f"config.webhook_url: {SLACK_URL} is not known", times=0)
    error = project.fails(project.up)
    project.sandbox.faults.clear()
    assert error.calls == ["update_destination"]
    assert project.up().calls == ["update_destination"]
    assert "hunter" not in project.output_text


def test_all_errors_at_once(project: Project) -> None:
    """Every wrong part of `config` is named, in the program's spelling, without its value."""
    name = project.name_of
    config = {"webhook_ulr": "https://x", name("webhook_url"): 5, "ignored_status_codes": [200, 99], "to": ["a"]}
    declare(project, f'type="slack", config={config!r}, event_types=[1]')
    text = project.fails(project.preview).text
    for message in (
        f"config.{name('webhook_ulr')} is not an input of `config`. Did you mean {name('webhook_url')}?",
        f"config.{name('webhook_url')} must be a string",
        f"config.{name('ignored_status_codes')}[1] must be an HTTP status",
        'config.to is not an input for the type "slack"',
        f"{name('event_types')}[0] must be a string",
    ):
        assert message in text
    declare(project, 'type="slak", config={}')
    assert 'type must be "slack" or "email". Did you mean slack?' in project.fails(project.preview).text
    declare(project, 'type="email", config={"cc": ["a@example.com"]}')
    assert 'config.to is required for the type "email"' in project.fails(project.up).text
    assert project.sandbox.calls == []


def test_drift_and_deletion(project: Project) -> None:
    """A refresh brings drift into the state and `up` corrects it; a deleted destination is created again."""
    declare(project, EMAIL)
    project.up()
    [destination] = destinations(project)
    backend = project.sandbox.backend.notification_destinations
    backend.edit(destination.id, {"is_active": False, "label": "by hand"})
    assert "was switched off outside Pulumi" in project.refresh().text
    assert project.up().calls == ["update_destination"]
    assert (destinations(project)[0].is_active, destinations(project)[0].label) == (True, None)
    backend.remove(destination.id)
    assert f"notification destination {destination.id} was deleted outside Pulumi" in project.refresh().text
    project.up()
    assert len(destinations(project)) == 1


def test_get_reads_a_destination(project: Project) -> None:
    """A program can read a destination that it does not manage. Its `config` is a secret too."""
    created = project.sandbox.backend.notification_destinations.create(
        project.sandbox.environment_id, {"type": "slack", "config": {"webhook_url": SLACK_URL}, "label": "By hand"}
    )
    project.program(f"""
        read = truto.NotificationDestination.get("read", {created["id"]!r})
        pulumi.export("label", read.label)
        pulumi.export("config", read.config)
    """)
    outcome = project.up()
    assert outcome.calls == ["read_destination"]
    assert project.outputs["label"] == "By hand"
    assert project.stack.outputs()["config"].secret
    assert "hunter" not in project.state + project.output_text
    assert project.destroy().calls == []


def test_parts_of_the_config_can_be_ignored(project: Project) -> None:
    """`ignore_changes` keeps a part of `config`, in the spelling of Pulumi's own pages too."""
    opts = 'pulumi.ResourceOptions(ignore_changes=["config.subjectPrefix"])'
    declare(project, EMAIL, opts)
    project.up()
    declare(project, EMAIL.replace("[truto]", "[other]"), opts)
    assert project.up().calls == []


def test_equivalent_configs_are_no_change(project: Project) -> None:
    """Other orders of addresses, empty parts, and parts that Truto adds, are no change."""
    declare(project, 'type="email", config={"to": ["a@example.com", "b@example.com"]}')
    project.up()
    [destination] = destinations(project)
    config = {"to": ["b@example.com", "a@example.com"], "cc": [], "added": 1}
    destination.config.clear()
    destination.config.update(config)
    declare(project, 'type="email", config={"to": ["a@example.com", "b@example.com"], "bcc": []}')
    assert project.up(refresh=True).calls == ["read_destination"]


def test_an_empty_label_is_none(project: Project) -> None:
    """An empty label is the same as none, in the program and at Truto."""
    declare(project, EMAIL + ', label=""')
    project.up()
    assert "label" not in project.sandbox.calls[-2].body
    [destination] = destinations(project)
    declare(project, EMAIL)
    project.sandbox.backend.notification_destinations.edit(destination.id, {"label": ""})
    assert project.up(refresh=True).calls == ["read_destination"]


@pytest.mark.parametrize("name", ["webhook_url", "webhookUrl"])
def test_ignored_parts_of_the_config(project: Project, name: str) -> None:
    """A change of an ignored part of `config` is not sent, in either spelling."""
    opts = f'pulumi.ResourceOptions(ignore_changes=["config.{project.name_of(name)}"])'
    declare(project, opts=opts)
    project.up()
    declare(project, SLACK.replace("hunter2hunter2", "hunter3hunter3"), opts)
    assert project.up().calls == []


@pytest.mark.parametrize("new_kind", ["dynamic", "native"])
def test_moves_between_the_kinds(native_project: Project, new_kind: str) -> None:
    """A move to the other provider kind makes no call, and the next run finds no change."""
    project = native_project
    modules = {"dynamic": "pulumi_truto", "native": "pulumi_truto_native"}
    for kind in ("native" if new_kind == "dynamic" else "dynamic", new_kind):
        project.program(f"import {modules[kind]} as kind\nkind.NotificationDestination('on-call', {SLACK})")
        outcome = project.up()
    assert outcome.calls == []
    assert project.up().changes == {"same": 2}
    state = json.loads(project.state)["resources"]
    assert "hunter2" not in json.dumps(state)


def test_inputs_that_are_not_known_yet_pass_the_preview(project: Project) -> None:
    """A URL that another resource produces passes the preview."""
    project.program(f"""
        hook = truto.Webhook("orders", target_url=URL)
        url = hook.id.apply(lambda id: {SLACK_URL!r} + id)
        truto.NotificationDestination("on-call", type="slack", config={{"webhook_url": url}})
    """)
    assert project.preview().changes == {"create": 3}
    project.up()
    [destination] = destinations(project)
    assert destination.config["webhook_url"] == SLACK_URL + project.only_webhook.id


def test_commands_find_and_import_destinations(project: Project, tmp_path: Path) -> None:
    """`orphans` finds a destination that no stack knows, and `import-file` imports it without a later change."""
    declare(project)
    project.up()
    created = project.sandbox.backend.notification_destinations.create(
        project.sandbox.environment_id, {"type": "slack", "config": {"webhook_url": SLACK_URL}, "label": "By hand"}
    )
    export, file = tmp_path / "export.json", tmp_path / "import.json"
    export.write_text(json.dumps({"version": 3, "deployment": json.loads(project.state)}))
    process = run_cli(project.sandbox, "orphans", "--stack-export", export)
    assert process.returncode == 3
    assert f"orphan   {created['id']}  since" in process.stdout
    assert "notification destination By hand" in process.stdout
    command = ("import-file", "--provider-kind", project.provider_kind, "--output", file, "--stack-export", export)
    process = run_cli(project.sandbox, *command)
    assert process.returncode == 0, process.stderr
    assert "hunter" not in process.stdout + process.stderr
    if project.provider_kind == "dynamic":
        assert '{"webhook_url": pulumi.Config().require_secret("by-hand-webhook-url")}' in process.stdout
    [resource] = json.loads(file.read_text())["resources"]
    assert (resource["id"], resource["name"]) == (created["id"], "by-hand")
    with ProviderProcess(project.provider_kind, project.sandbox.base_url, project.sandbox.token) as provider:
        urn = f"urn:pulumi:dev::scenario::{resource['type']}::by-hand"
        imported = Webhook(urn, plain(resource["inputs"]), created["id"], plain(resource["outputs"]))
        provider.same(imported)
        assert unwrap_secrets(provider.read(imported).outputs) == imported.outputs
    process = run_cli(project.sandbox, "orphans", "--stack-export", export, "--delete", "--yes")
    assert (process.returncode, len(destinations(project))) == (0, 1)


def test_commands_do_without_destinations(sandbox: Sandbox, tmp_path: Path) -> None:
    """If Truto has no such endpoint, a warning says so, and no destination of a stack counts as missing."""
    sandbox.inject("status", "list_destinations", status=404, times=0)
    resource = {"urn": "urn:pulumi:dev::p::truto:index:NotificationDestination::a", "id": "an-id"}
    resource["type"] = "truto:index:NotificationDestination"
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"deployment": {"resources": [resource]}}))
    process = run_cli(sandbox, "orphans", "--stack-export", export)
    assert process.returncode == 0
    assert "the notification destinations are left out" in process.stderr


def test_commands_do_not_go_on_without_the_destinations(sandbox: Sandbox, tmp_path: Path) -> None:
    """A list that fails for another reason than a missing endpoint is an error: an orphan could be missed."""
    sandbox.inject("status", "list_destinations", status=403, times=0)
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"deployment": {"resources": []}}))
    process = run_cli(sandbox, "orphans", "--stack-export", export)
    assert process.returncode == 1
    assert "cannot list the notification destinations" in process.stderr


def test_commands_choose_a_resource_type(sandbox: Sandbox, tmp_path: Path) -> None:
    """With `--type Webhook`, orphaned destinations are neither reported nor deleted."""
    create_unmanaged(sandbox)
    body = {"type": "slack", "config": {"webhook_url": SLACK_URL}}
    sandbox.backend.notification_destinations.create(sandbox.environment_id, body)
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"deployment": {"resources": []}}))
    command = ("orphans", "--stack-export", export, "--delete", "--yes", "--type", "Webhook")
    assert run_cli(sandbox, *command).returncode == 0
    assert (sandbox.webhooks(), len(sandbox.backend.notification_destinations.items())) == ([], 1)


def test_destinations_that_cannot_be_declared_are_not_imported(sandbox: Sandbox, tmp_path: Path) -> None:
    """A destination whose `config` has no known part is left out of the file, with the reason."""
    body = {"type": "slack", "config": {"webhook_url": SLACK_URL}}
    created = sandbox.backend.notification_destinations.create(sandbox.environment_id, body)
    sandbox.backend.notification_destinations.edit(created["id"], {"config": {"channel": "alerts"}})
    file = tmp_path / "file.json"
    process = run_cli(sandbox, "import-file", "--provider-kind", "dynamic", "--output", file, "--all")
    assert (process.returncode, file.exists()) == (1, False)
    assert f"notification destination {created['id']} is left out because no program can declare it" in process.stderr


def plain(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of an import file with their secrets in plain."""
    return {
        name: json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value
        for name, value in properties.items()
    }
