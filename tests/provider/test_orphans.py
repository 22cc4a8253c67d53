"""`pulumi-truto orphans` compares the webhooks at Truto with exported stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.cli import run_cli
from tests.support.project import URL, Project, create_unmanaged


def export_stack(project: Project, folder: Path) -> Path:
    """Writes a file like `pulumi stack export` does."""
    file = folder / f"{project.folder.name}.json"
    file.write_text(json.dumps({"version": 3, "deployment": json.loads(project.state)}))
    return file


def test_reports_orphans_and_missing_webhooks(project: Project, tmp_path: Path) -> None:
    """The command reports webhooks that only Truto or only the stack has, sets the exit code, and changes nothing."""
    project.webhook()
    project.up()
    file = export_stack(project, tmp_path)
    process = run_cli(project.sandbox, "orphans", "--stack-export", file)
    assert (process.returncode, process.stderr) == (0, "")
    orphan = create_unmanaged(project.sandbox, target_url=URL + "/orphan", is_active=False)
    other_environment = project.sandbox.add_environment("other")
    project.sandbox.backend.create(other_environment.id, {"target_url": URL})
    process = run_cli(project.sandbox, "orphans", "--stack-export", file)
    assert process.returncode == 3
    assert (
        f"orphan   {orphan['id']}  since {orphan['created_at']}, not active, never switched on, {URL}/orphan"
        in process.stdout
    )
    assert "import-file" in process.stdout
    managed_id = project.outputs["id"]
    assert managed_id not in process.stdout
    project.sandbox.backend.remove(managed_id)
    project.sandbox.backend.remove(orphan["id"])
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, "--format", "json")
    assert process.returncode == 3
    report = json.loads(process.stdout)
    assert report["orphans"] == []
    (missing,) = report["missing"]
    assert (missing["id"], missing["name"]) == (managed_id, URL)
    assert {call.method for call in project.sandbox.calls if call.operation not in ("create", "update")} == {"GET"}


def test_managed_webhooks_are_not_imported_again(project: Project, tmp_path: Path) -> None:
    """With the exports of the stacks, `import-file` leaves out their webhooks, and refuses them by id."""
    project.webhook()
    project.up()
    file, output = export_stack(project, tmp_path), tmp_path / "webhooks.json"
    options = ("import-file", "--provider-kind", "native", "--output", output, "--stack-export", file)
    process = run_cli(project.sandbox, *options)
    assert (process.returncode, output.exists()) == (1, False)
    assert "nothing to import" in process.stderr
    unmanaged = create_unmanaged(project.sandbox)
    assert run_cli(project.sandbox, *options).returncode == 0
    assert [resource["id"] for resource in json.loads(output.read_text())["resources"]] == [unmanaged["id"]]
    process = run_cli(project.sandbox, *options, "--id", project.outputs["id"])
    assert process.returncode == 1
    assert f"a stack has {project.outputs['id']}, as urn:" in process.stderr


def test_webhook_that_is_managed_twice_is_a_difference(project: Project, tmp_path: Path) -> None:
    """A webhook that two resources manage is named with both of them; a resource that only reads it is none of them."""
    project.webhook()
    project.up()
    id_, file = project.outputs["id"], export_stack(project, tmp_path)
    document = json.loads(file.read_text())
    [resource] = project.managed
    document["deployment"]["resources"] += [
        {**resource, "urn": "urn:pulumi:dev::other::again"},
        {**resource, "urn": "urn:pulumi:dev::other::read", "external": True},
    ]
    file.write_text(json.dumps(document))
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, file)
    assert process.returncode == 3
    assert f"twice    {id_}  managed as {resource['urn']} and as urn:pulumi:dev::other::again\n" in process.stdout
    assert "pulumi state delete" in process.stdout
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, "--format", "json")
    [[_, second_resource]] = json.loads(process.stdout)["managed_twice"]
    assert second_resource["urn"] == "urn:pulumi:dev::other::again"


def test_stacks_of_two_backends_are_told_apart(project: Project, tmp_path: Path) -> None:
    """Two stacks with one name, as after a move to another backend, manage a webhook twice; one file is one stack."""
    project.webhook()
    project.up()
    file, moved = export_stack(project, tmp_path), tmp_path / "moved.json"
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, f"{tmp_path}/./{file.name}")
    assert process.returncode == 0
    moved.write_text(file.read_text())
    [resource] = project.managed
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, moved)
    assert process.returncode == 3
    urn = resource["urn"]
    assert f"twice    {resource['id']}  managed as {urn} in {file} and as {urn} in {moved}\n" in process.stdout
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, moved, "--format", "json")
    [resources] = json.loads(process.stdout)["managed_twice"]
    assert [known["export"] for known in resources] == [str(file), str(moved)]
    # A stack of the same name with a webhook that is its own.
    other = create_unmanaged(project.sandbox)
    moved.write_text(file.read_text().replace(resource["id"], other["id"]))
    assert run_cli(project.sandbox, "orphans", "--stack-export", file, moved).returncode == 0


def test_webhooks_of_other_environments_are_no_difference(project: Project, tmp_path: Path) -> None:
    """Webhooks that a stack manages in other environments are only counted."""
    project.webhook()
    project.up()
    other = project.sandbox.add_environment("other")
    project.program(f"""
        other = truto.Provider("other", api_token={other.token!r}, base_url={project.sandbox.base_url!r})
        truto.Webhook("orders", target_url=URL)
        truto.Webhook("other", target_url=URL, opts=pulumi.ResourceOptions(provider=other))
    """)
    project.up()
    file = export_stack(project, tmp_path)
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, env={"TRUTO_API_TOKEN": other.token})
    assert process.returncode == 0
    assert "1 resources of the stacks belong to other environments" in process.stdout


def test_token_of_an_empty_environment_is_a_difference(project: Project, tmp_path: Path) -> None:
    """With the token of an empty environment the command cannot tell which webhooks are missing, so it fails."""
    project.webhook()
    project.up()
    other = project.sandbox.add_environment("empty")
    file = export_stack(project, tmp_path)
    process = run_cli(project.sandbox, "orphans", "--stack-export", file, env={"TRUTO_API_TOKEN": other.token})
    assert process.returncode == 3
    assert f"unknown  {project.outputs['id']}" in process.stdout
    assert "Check the token" in process.stdout
    assert "No difference" not in process.stdout


def test_unreadable_webhook_is_not_missing(project: Project, tmp_path: Path) -> None:
    """A webhook that cannot be read is never reported as missing, and an unreadable orphan is reported."""
    project.webhook()
    project.up()
    file = export_stack(project, tmp_path)
    managed = {"id": project.outputs["id"], "target_url": URL}
    body = {"result": [managed, {"id": "unreadable-orphan"}], "next_cursor": None}
    project.sandbox.inject("response", "list", times=0, body=body)
    process = run_cli(project.sandbox, "orphans", "--stack-export", file)
    assert process.returncode == 3
    assert "orphan   unreadable-orphan  cannot be read" in process.stdout
    assert "missing" not in process.stdout
    options = ["--provider-kind", "native", "--output", tmp_path / "out.json", "--id", managed["id"]]
    process = run_cli(project.sandbox, "import-file", *options)
    assert process.returncode == 1
    assert f"{managed['id']} cannot be read" in process.stderr


@pytest.mark.parametrize("content", ["[]", "{}", '{"deployment": {"resources": [1]}}'])
def test_invalid_export_is_an_error(sandbox: Sandbox, tmp_path: Path, content: str) -> None:
    """A file that is not an export is an error because otherwise every webhook would be an orphan."""
    (tmp_path / "export.json").write_text(content)
    process = run_cli(sandbox, "orphans", "--stack-export", tmp_path / "export.json")
    assert process.returncode == 1
    assert "export.json cannot be read" in process.stderr


def test_missing_token_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    """Without a token the command says where to set one."""
    process = run_cli(sandbox, "orphans", "--stack-export", tmp_path / "none", env={"TRUTO_API_TOKEN": ""})
    assert process.returncode == 1
    assert "TRUTO_API_TOKEN" in process.stderr


@pytest.mark.parametrize("answers", [None, "n\ny\n", ""])
def test_orphans_are_deleted_one_by_one(project: Project, tmp_path: Path, answers: str | None) -> None:
    """With --delete each orphan is deleted after a question, or without one with --yes; no other webhook is touched."""
    project.webhook()
    project.up()
    orphans = [
        create_unmanaged(project.sandbox, target_url=f"{URL}/{number}", is_active=False)["id"] for number in range(2)
    ]
    options = ("orphans", "--stack-export", export_stack(project, tmp_path), "--delete")
    if answers is None:
        process = run_cli(project.sandbox, *options, "--yes")
        remaining_ids = []
    else:
        process = run_cli(project.sandbox, *options, stdin=answers)
        remaining_ids = orphans[:1] if answers else orphans
        assert f"Delete webhook {orphans[0]}" in process.stderr
    assert process.returncode == (3 if remaining_ids else 0)
    assert [webhook.id for webhook in project.sandbox.backend.webhooks()] == [project.outputs["id"], *remaining_ids]


def test_orphans_needs_stack_exports(sandbox: Sandbox) -> None:
    """Without the exports of stacks nothing is an orphan, so nothing is deleted."""
    webhook = create_unmanaged(sandbox)
    assert run_cli(sandbox, "orphans", "--delete", "--yes").returncode == 2
    assert [remaining.id for remaining in sandbox.backend.webhooks()] == [webhook["id"]]
