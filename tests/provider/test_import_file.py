"""`pulumi-truto import-file` writes a file that imports existing webhooks with their secrets."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.property_values import unwrap_secrets
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import cli_version
from tests.support.cli import run_cli
from tests.support.commands import run
from tests.support.project import URL, Project, ProviderKind, create_unmanaged
from tests.support.provider_process import ProviderProcess, Webhook


def write_import_file(
    sandbox: Sandbox, folder: Path, provider_kind: ProviderKind, secrets: Mapping[str, str], *options: str
) -> tuple[Any, str]:
    """Writes an import file, for all webhooks unless the options choose.

    Returns:
        The content of the file, and the output of the command.
    """
    file = folder / "webhooks.json"
    arguments = ["import-file", "--provider-kind", provider_kind, "--secrets", "-", "--output", str(file)]
    process = run_cli(sandbox, *arguments, *(options or ["--all"]), stdin=json.dumps(secrets))
    assert process.returncode == 0, process.stderr
    return json.loads(file.read_text()), process.stdout + process.stderr


def test_imported_webhook_is_unchanged(sandbox: Sandbox, tmp_path: Path, provider_kind: ProviderKind) -> None:
    """The file contains the state that the provider would store, so that the next run finds no change."""
    webhook = create_unmanaged(sandbox, event_types=["record:*", "a:b"], is_active=False)
    document, _ = write_import_file(sandbox, tmp_path, provider_kind, {webhook["id"]: webhook["secret"]})
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
        imported = Webhook(urn, resource["inputs"], webhook["id"], outputs)
        process.same(imported)
        assert sandbox.calls == []
        # The file contains the fingerprint too, so a refresh adds nothing.
        assert unwrap_secrets(process.read(imported).outputs) == outputs


def test_webhook_on_this_machine_is_imported(sandbox: Sandbox, tmp_path: Path) -> None:
    """A webhook of the sandbox that posts to this machine can be declared, so it is imported too."""
    webhook = create_unmanaged(sandbox, target_url="http://127.0.0.1:8081/truto")
    document, _ = write_import_file(sandbox, tmp_path, "dynamic", {webhook["id"]: webhook["secret"]})
    assert [resource["id"] for resource in document["resources"]] == [webhook["id"]]


def test_resource_names_are_readable_and_stable(sandbox: Sandbox, tmp_path: Path) -> None:
    """Resource names derive from the URLs, are the same in every run with any filter, and can be chosen."""
    created = []
    for url in (URL, URL, "https://x.example/Orders/"):
        created.append(create_unmanaged(sandbox, target_url=url))
        sandbox.backend.clock.advance(1)
    first, second, third = (webhook["id"] for webhook in created)
    document, _ = write_import_file(sandbox, tmp_path, "native", {})
    names = {resource["id"]: resource["name"] for resource in document["resources"]}
    assert names[first] == "hooks-example-com-truto"
    assert names[second] == f"hooks-example-com-truto-{second[:8]}"
    assert names[third] == "x-example-orders"
    options = ("--id", second, "--id", third, "--name", f"{third}=orders")
    document, _ = write_import_file(sandbox, tmp_path, "native", {}, *options)
    filtered_names = {resource["id"]: resource["name"] for resource in document["resources"]}
    assert filtered_names == {second: names[second], third: "orders"}


def test_command_prints_a_program_and_warnings(sandbox: Sandbox, tmp_path: Path) -> None:
    """The command prints a program, warns about unknown secrets, and advises to delete the file after the import."""
    known = create_unmanaged(sandbox)
    unknown = create_unmanaged(sandbox, target_url=URL + "/2", event_types=["record:created"], is_active=False)
    _, output = write_import_file(sandbox, tmp_path, "dynamic", {known["id"]: known["secret"]})
    code = output[: output.index("warning:")]
    assert code.rstrip().splitlines()[-1].endswith("delete it after the import.")
    compile(code, "program", "exec")
    assert 'target_url="https://hooks.example.com/truto/2"' in code
    assert 'event_types=["record:created"]' in code
    assert "is_active=False" in code
    assert f"the secret of webhook {unknown['id']}" in output
    assert f"the secret of webhook {known['id']}" not in output
    assert "pulumi import --file" in output
    assert known["secret"] not in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_file_is_private(sandbox: Sandbox, tmp_path: Path) -> None:
    """Only its owner can read the import file because it contains secrets."""
    webhook = create_unmanaged(sandbox)
    write_import_file(sandbox, tmp_path, "dynamic", {webhook["id"]: webhook["secret"]})
    assert stat.S_IMODE((tmp_path / "webhooks.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "secrets", "message"),
    [
        (["--all"], "[]", "--secrets must be a JSON object"),
        (["--all"], '{"a": 1}', "--secrets must be a JSON object"),
        (["--all"], "not JSON s3cr3t", "--secrets must be a JSON object"),
        ([], "{}", "say which resources to import"),
        (["--all"], '{"no-such-id": "s3cr3t"}', "the environment of this token has no no-such-id"),
        (["--id", "no-such-id"], "{}", "the environment of this token has no no-such-id"),
        (["--event-type", "record:deleted"], "{}", "nothing to import"),
        (["--target-url", "https://elsewhere.example/"], "{}", "nothing to import"),
    ],
)
def test_invalid_arguments_write_no_file(
    sandbox: Sandbox, tmp_path: Path, options: list[str], secrets: str, message: str
) -> None:
    """Invalid arguments or secrets give an error message that contains no secret, and no file is written."""
    create_unmanaged(sandbox, event_types=["record:created"])
    file = tmp_path / "webhooks.json"
    arguments = ["import-file", "--provider-kind", "native", "--secrets", "-", "--output", str(file), *options]
    process = run_cli(sandbox, *arguments, stdin=secrets)
    assert process.returncode == 1
    assert message in process.stderr
    assert "s3cr3t" not in process.stderr
    assert not file.exists()


def pulumi(project: Project, *arguments: str) -> None:
    """Runs a command of the Pulumi CLI on the project's stack."""
    env = {**os.environ, **project.stack.workspace.env_vars}
    run("pulumi", *arguments, "--yes", "--stack", "dev", cwd=Path(project.stack.workspace.work_dir), env=env)


def test_secret_that_is_found_later_is_imported(sandbox: Sandbox, tmp_path: Path, provider_kind: ProviderKind) -> None:
    """A webhook that was imported without its secret gets it: `pulumi state delete`, then the import; no call."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    project = Project("cli", sandbox, tmp_path, provider_kind=provider_kind)
    webhook = create_unmanaged(sandbox)
    for secrets in ({}, {webhook["id"]: webhook["secret"]}):
        write_import_file(
            sandbox, tmp_path, provider_kind, secrets, "--id", webhook["id"], "--name", f"{webhook['id']}=orders"
        )
        sandbox.reset_calls()
        pulumi(project, "import", "--file", str(tmp_path / "webhooks.json"), "--generate-code=false")
        project.webhook()
        assert project.up().changes["same"] >= 1
        assert project.outputs.get("secret") == secrets.get(webhook["id"])
        assert sandbox.calls == []
        if not secrets:
            pulumi(project, "state", "delete", project.managed[0]["urn"])
    assert project.preview().changes == {"same": 2}


@pytest.mark.parametrize("count", [1, 3, 150])
def test_pulumi_imports_the_file(sandbox: Sandbox, tmp_path: Path, provider_kind: ProviderKind, count: int) -> None:
    """The Pulumi CLI imports the file without an API call, and the next preview and up find no change."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    project = Project("cli", sandbox, tmp_path, provider_kind=provider_kind)
    webhooks = [
        create_unmanaged(sandbox, target_url=f"{URL}/{number}", is_active=number % 2 == 0) for number in range(count)
    ]
    # If there are several webhooks, the secret of the first one is unknown.
    secrets = {webhook["id"]: webhook["secret"] for webhook in (webhooks[1:] or webhooks)}
    document, _ = write_import_file(sandbox, tmp_path, provider_kind, secrets)
    project.program("")
    project.up()
    sandbox.reset_calls()
    pulumi(project, "import", "--file", str(tmp_path / "webhooks.json"), "--generate-code=false")
    # Before the code is in the program, an up deletes nothing: the webhooks are protected.
    assert "protect" in project.fails(project.up).text
    lines = [
        f"hook = truto.Webhook({resource['name']!r}, "
        f"target_url={resource['inputs'][project.name_of('target_url')]!r}, "
        f"is_active={resource['inputs'][project.name_of('is_active')]!r})\n"
        f"pulumi.export({resource['id']!r}, hook.secret)"
        for resource in document["resources"]
    ]
    project.program("\n".join(lines))
    assert project.preview().changes == {"same": count + 1}
    assert project.up().changes == {"same": count + 1}
    assert sandbox.calls == []
    assert {id_: secret for id_, secret in project.outputs.items() if secret} == secrets
    assert not [secret for secret in secrets.values() if secret in project.state]
