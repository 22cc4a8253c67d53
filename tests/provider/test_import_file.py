"""Taking over, moving and finding webhooks by Pulumi's own means: `import-file`, `orphans`, and a change of kind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.property_values import unwrap_secrets
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.properties import STATE, camel_case
from tests.support.project import URL, Project, ProviderKind
from tests.support.provider_process import ProviderProcess, Webhook

EVERYTHING = ("id", "secret", "target_url", "event_types", "is_active", "environment_id", "created_at", "updated_at")


def command(
    sandbox: Sandbox, *arguments: str | Path, given: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m pulumi_truto.cli` with the sandbox's token in the environment."""
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url, **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "pulumi_truto.cli", *map(str, arguments)],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def made_by_hand(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    """A webhook that somebody made outside Pulumi, with its secret."""
    return sandbox.backend.create(sandbox.environment_id, {"target_url": URL, **fields})


def import_file(
    sandbox: Sandbox, folder: Path, provider_kind: ProviderKind, secrets: Mapping[str, str], *more: str
) -> tuple[Any, str]:
    """The import file that the command writes for all webhooks, and what it printed."""
    file = folder / "webhooks.json"
    done = command(
        sandbox, "import-file", "--provider-kind", provider_kind, "--secrets", "-", "--output", file, *more,
        given=json.dumps(secrets),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), done.stdout + done.stderr


# import-file -----------------------------------------------------------------------------------------------


def test_an_imported_webhook_is_unchanged(sandbox: Sandbox, tmp_path: Path, provider_kind: ProviderKind) -> None:
    """What the file says of a webhook is what the provider would have kept: a run with it has nothing to do."""
    webhook = made_by_hand(sandbox, event_types=["record:*", "a:b"], is_active=False)
    document, _ = import_file(sandbox, tmp_path, provider_kind, {webhook["id"]: webhook["secret"]})
    (resource,) = document["resources"]
    assert resource["id"] == webhook["id"]
    assert resource["outputs"]["secret"] == {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": json.dumps(webhook["secret"]),
    }
    outputs = {**resource["outputs"], "secret": webhook["secret"]}
    sandbox.reset_calls()
    with ProviderProcess(provider_kind, sandbox.base_url, sandbox.token) as process:
        urn = f"urn:pulumi:dev::scenario::{resource['type']}::orders"
        kept = Webhook(urn, resource["inputs"], webhook["id"], outputs)
        process.same(kept)
        assert sandbox.calls == []
        # Complete to the fingerprint: a refresh finds nothing to add either.
        assert unwrap_secrets(process.read(kept).outputs) == outputs


def test_names_are_readable_and_stay(sandbox: Sandbox, tmp_path: Path) -> None:
    """Names come from the URLs, are the same in every run, whatever is filtered, and can be chosen."""
    made = []
    for url in (URL, URL, "https://x.example/Orders/"):
        made.append(made_by_hand(sandbox, target_url=url))
        sandbox.backend.clock.advance(1)
    first, second, third = made
    document, _ = import_file(sandbox, tmp_path, "native", {})
    names = {each["id"]: each["name"] for each in document["resources"]}
    assert names[first["id"]] == "hooks-example-com-truto"
    assert names[second["id"]] == f"hooks-example-com-truto-{second['id'][:8]}"
    assert names[third["id"]] == "x-example-orders"
    document, _ = import_file(
        sandbox, tmp_path, "native", {}, "--id", second["id"], "--id", third["id"], "--name", f"{third['id']}=orders"
    )
    assert {each["id"]: each["name"] for each in document["resources"]} == {
        second["id"]: names[second["id"]],
        third["id"]: "orders",
    }


def test_what_the_command_says(sandbox: Sandbox, tmp_path: Path) -> None:
    """It prints a program that declares the webhooks, warns of unknown secrets, and ends with the advice to delete."""
    known = made_by_hand(sandbox)
    unknown = made_by_hand(sandbox, target_url=URL + "/2", event_types=["record:created"], is_active=False)
    _, shown = import_file(sandbox, tmp_path, "dynamic", {known["id"]: known["secret"]})
    code = shown[: shown.index("warning:")]
    assert code.rstrip().splitlines()[-1].endswith("delete it after the import.")
    compile(code, "program", "exec")
    assert 'target_url="https://hooks.example.com/truto/2"' in code
    assert 'event_types=["record:created"]' in code
    assert "is_active=False" in code
    assert f"the secret of webhook {unknown['id']}" in shown
    assert f"the secret of webhook {known['id']}" not in shown
    assert "pulumi import --file" in shown
    assert known["secret"] not in shown
    assert stat.S_IMODE((tmp_path / "webhooks.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ([], "[]", "--secrets must be a JSON object"),
        ([], '{"a": 1}', "--secrets must be a JSON object"),
        ([], "not JSON s3cr3t", "--secrets must be a JSON object"),
        ([], '{"no-such-id": "s3cr3t"}', "there is no webhook no-such-id"),
        (["--id", "no-such-id"], "{}", "there is no webhook no-such-id"),
        (["--event-type", "record:deleted"], "{}", "nothing to import"),
        (["--target-url", "https://elsewhere.example/"], "{}", "nothing to import"),
    ],
)
def test_what_cannot_be_imported(sandbox: Sandbox, tmp_path: Path, arguments: list[str], given: str, said: str) -> None:
    """Wrong arguments and secrets end with one line that says so, repeats no secret, and writes no file."""
    made_by_hand(sandbox, event_types=["record:created"])
    file = tmp_path / "webhooks.json"
    base = ["import-file", "--provider-kind", "native", "--secrets", "-", "--output", str(file)]
    done = command(sandbox, *base, *arguments, given=given)
    assert done.returncode == 1
    assert said in done.stderr
    assert "s3cr3t" not in done.stderr
    assert not file.exists()


def test_without_a_token(sandbox: Sandbox, tmp_path: Path) -> None:
    """Without a token the command says where to set one."""
    done = command(sandbox, "orphans", "--stack-export", tmp_path / "none", env={"TRUTO_API_TOKEN": ""})
    assert done.returncode == 1
    assert "TRUTO_API_TOKEN" in done.stderr


@pytest.mark.parametrize("count", [1, 3, 150])
def test_import_into_a_stack(sandbox: Sandbox, tmp_path: Path, provider_kind: ProviderKind, count: int) -> None:
    """On the CLI: webhooks made by hand come into a stack without a call, and the next preview and up are unchanged."""
    from pulumi_truto.local_engine.open_stack import cli_version

    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    project = Project("cli", sandbox, tmp_path, provider_kind=provider_kind)
    made = [made_by_hand(sandbox, target_url=f"{URL}/{n}", is_active=n % 2 == 0) for n in range(count)]
    secrets = {each["id"]: each["secret"] for each in made[1:]} if count > 1 else {made[0]["id"]: made[0]["secret"]}
    document, _ = import_file(sandbox, tmp_path, provider_kind, secrets)
    project.program("")
    project.up()
    sandbox.reset_calls()
    arguments = ["import", "--file", str(tmp_path / "webhooks.json"), "--yes", "--protect=false", "--stack", "dev"]
    subprocess.run(
        ["pulumi", *arguments, "--generate-code=false"],
        cwd=project.work_dir,
        env={**os.environ, **project.stack.workspace.env_vars},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        f"hook = truto.Webhook({each['name']!r}, "
        f"target_url={each['inputs'][project.name_of('target_url')]!r}, "
        f"is_active={each['inputs'][project.name_of('is_active')]!r})\n"
        f"pulumi.export({each['id']!r}, hook.secret)"
        for each in document["resources"]
    ]
    project.program("\n".join(lines))
    assert project.preview().changes == {"same": count + 1}
    assert project.up().changes == {"same": count + 1}
    assert sandbox.calls == []
    assert {id_: secret for id_, secret in project.outputs.items() if secret} == secrets
    assert not [secret for secret in secrets.values() if secret in project.state]


# orphans ---------------------------------------------------------------------------------------------------


def export(project: Project, folder: Path) -> Path:
    """The output of `pulumi stack export`."""
    file = folder / f"{project.work_dir.parent.name}.json"
    file.write_text(json.dumps({"version": 3, "deployment": json.loads(project.state)}))
    return file


def test_orphans(project: Project, tmp_path: Path) -> None:
    """What no stack knows and what only stacks know is named; the exit code tells programs, and nothing is changed."""
    project.webhook()
    project.up()
    file = export(project, tmp_path)
    done = command(project.sandbox, "orphans", "--stack-export", file)
    assert (done.returncode, done.stderr) == (0, "")
    orphan = made_by_hand(project.sandbox, target_url=URL + "/orphan", is_active=False)
    elsewhere = project.sandbox.add_environment("elsewhere")
    project.sandbox.backend.create(elsewhere.id, {"target_url": URL})
    done = command(project.sandbox, "orphans", "--stack-export", file)
    assert done.returncode == 3
    assert f"orphan   {orphan['id']}  since {orphan['created_at']}, not active, {URL}/orphan" in done.stdout
    assert "import-file" in done.stdout
    known = project.outputs["id"]
    assert known not in done.stdout
    project.sandbox.backend.remove(known)
    project.sandbox.backend.remove(orphan["id"])
    done = command(project.sandbox, "orphans", "--stack-export", file, "--format", "json")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["orphans"] == []
    (missing,) = report["missing"]
    assert (missing["id"], missing["target_url"]) == (known, URL)
    assert {call.method for call in project.sandbox.calls if call.operation != "create"} == {"GET"}


def test_orphans_of_another_environment(project: Project, tmp_path: Path) -> None:
    """Webhooks of the stacks that belong to other environments are no difference."""
    project.webhook()
    project.up()
    other = project.sandbox.add_environment("other")
    project.program(f"""
        other = truto.Provider("other", api_token={other.token!r}, base_url={project.sandbox.base_url!r})
        truto.Webhook("orders", target_url=URL)
        truto.Webhook("there", target_url=URL, opts=pulumi.ResourceOptions(provider=other))
    """)
    project.up()
    file = export(project, tmp_path)
    done = command(project.sandbox, "orphans", "--stack-export", file, env={"TRUTO_API_TOKEN": other.token})
    assert done.returncode == 0
    assert "1 webhooks of the stacks belong to other environments" in done.stdout


def test_orphans_that_cannot_be_decided(project: Project, tmp_path: Path) -> None:
    """An empty environment and a token that wrote nothing prove nothing: that is no success."""
    project.webhook()
    project.up()
    other = project.sandbox.add_environment("empty")
    file = export(project, tmp_path)
    done = command(project.sandbox, "orphans", "--stack-export", file, env={"TRUTO_API_TOKEN": other.token})
    assert done.returncode == 3
    assert f"unknown  {project.outputs['id']}" in done.stdout
    assert "Check the token" in done.stdout
    assert "No difference" not in done.stdout


def test_a_webhook_that_cannot_be_read_is_there(project: Project, tmp_path: Path) -> None:
    """One unreadable webhook of the list is neither missing nor silently left out."""
    project.webhook()
    project.up()
    file = export(project, tmp_path)
    known = {"id": project.outputs["id"], "target_url": URL}
    body = {"result": [known, {"id": "unreadable-orphan"}], "next_cursor": None}
    project.sandbox.inject("response", "list", times=0, body=body)
    done = command(project.sandbox, "orphans", "--stack-export", file)
    assert done.returncode == 3
    assert "orphan   unreadable-orphan  cannot be read" in done.stdout
    assert "missing" not in done.stdout
    arguments = ["--provider-kind", "native", "--output", str(tmp_path / "out.json"), "--id", known["id"]]
    done = command(project.sandbox, "import-file", *arguments)
    assert done.returncode == 1
    assert f"webhook {known['id']} cannot be read" in done.stderr


@pytest.mark.parametrize("content", ["nonsense", "[]", "{}", '{"deployment": {"resources": [1]}}'])
def test_an_export_that_is_none(sandbox: Sandbox, tmp_path: Path, content: str) -> None:
    """A file that is no export is named, as it would make every webhook an orphan."""
    (tmp_path / "export.json").write_text(content)
    done = command(sandbox, "orphans", "--stack-export", tmp_path / "export.json")
    assert done.returncode == 1
    assert "export.json cannot be read" in done.stderr


# A change of kind ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ["dynamic", "native"])
def test_changing_the_kind_of_provider(engine: Engine, sandbox: Sandbox, tmp_path: Path, there: ProviderKind) -> None:
    """The move to the other kind is one update without a call; every output is there, and the next run is unchanged."""
    project = Project(engine, sandbox, tmp_path, provider_kind="native")
    body = "\n".join(f"pulumi.export({name!r}, hook.{name})" for name in EVERYTHING)
    modules = {"dynamic": "pulumi_truto", "native": "pulumi_truto_native"}
    here: ProviderKind = "native" if there == "dynamic" else "dynamic"

    def declare(kind: ProviderKind, more: str = "") -> None:
        project.program(f"import {modules[kind]} as kind\nhook = kind.Webhook('orders', URL, ['a:b']{more})\n{body}")

    declare(here)
    project.up()
    before, fingerprint = project.outputs, project.state.count("__fingerprint")
    assert set(before) == set(EVERYTHING)
    declare(there)
    assert project.preview().changes == {"same": 1, "update": 1}
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 1, "update": 1}, [])
    assert project.outputs == before
    assert project.state.count("__fingerprint") == fingerprint == 1
    outputs = next(each["outputs"] for each in json.loads(project.state)["resources"] if each.get("id") == before["id"])
    own = set(STATE) if there == "dynamic" else {camel_case(name) for name in STATE}
    assert {name for name in outputs if name not in ("__provider", "id")} <= own
    assert project.up().changes == {"same": 2}
    declare(there, ", is_active=False")
    assert project.up().calls == ["update"]
    project.destroy()
    assert sandbox.backend.webhooks() == []


@pytest.mark.parametrize("there", ["dynamic", "native"])
def test_changing_the_kind_with_ignored_changes(
    engine: Engine, sandbox: Sandbox, tmp_path: Path, there: ProviderKind
) -> None:
    """What the program ignores is not sent by the move either, though Pulumi does not find it under its new name."""
    project = Project(engine, sandbox, tmp_path, provider_kind="native")
    modules = {"dynamic": "pulumi_truto", "native": "pulumi_truto_native"}
    here: ProviderKind = "native" if there == "dynamic" else "dynamic"

    def declare(kind: ProviderKind, arguments: str, ignored: list[str]) -> None:
        options = f"pulumi.ResourceOptions(ignore_changes={ignored!r})"
        project.program(f"import {modules[kind]} as kind\nkind.Webhook('orders', URL, {arguments}, opts={options})")

    declare(here, "['a:b'], is_active=False", [])
    project.up()
    names = ["event_types", "is_active"]
    declare(there, "None", [camel_case(name) for name in names] if there == "native" else names)
    assert project.up().calls == []
    (webhook,) = sandbox.backend.webhooks()
    assert (webhook.event_types, webhook.is_active) == (["a:b"], False)
