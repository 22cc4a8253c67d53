"""What the commands print: no string from Truto or from a state is a command to a terminal or a CI system."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Final

import pytest

from pulumi_truto.plugin.tokens import WEBHOOK
from pulumi_truto.sandbox import Sandbox
from tests.support.cli import run_cli

#: Clears a screen, starts lines with commands of two CI systems, and turns the direction of the text.
HOSTILE: Final = (
    "https://x.example/ü\x1b[2J\r\n::error::made up\n##vso[task.setvariable]x\u2028##[group]\x9b1m\u202e\t😀"
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The export of a stack whose state has a hostile URL and URN."""
    resource = {"type": WEBHOOK, "id": f"missing{HOSTILE}", "urn": HOSTILE, "outputs": {"targetUrl": HOSTILE}}
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"deployment": {"resources": [resource, {**resource, "urn": f"other{HOSTILE}"}]}}))
    return file


@pytest.fixture
def hostile(sandbox: Sandbox) -> Sandbox:
    """A Truto whose strings are hostile wherever they can be."""
    webhook = {"id": "an-orphan", "target_url": HOSTILE, "is_active": True, "event_types": [HOSTILE]}
    trigger = {"id": "a-trigger", "webhook_id": HOSTILE}
    for operation, item in (("list", webhook), ("list_triggers", trigger)):
        sandbox.inject("response", operation, times=0, body={"result": [item], "next_cursor": None})
    return sandbox


def assert_harmless(text: str) -> None:
    """Asserts that a terminal and a CI system see lines of the command only."""
    assert "made up" in text
    assert text.endswith(("\n", "? [y/N] "))
    for line in text.split("\n"):
        assert line.isprintable()
        assert "##" not in line
        assert not line.lstrip().startswith("::")


def test_text_is_escaped(hostile: Sandbox, export: Path) -> None:
    """The report for people and the question before a delete are escaped; nothing is deleted without an answer."""
    process = run_cli(hostile, "orphans", "--stack-export", export, "--delete", stdin="")
    assert process.returncode == 3
    assert_harmless(process.stdout)
    assert_harmless(process.stderr)
    first_words = {line.split()[0] for line in process.stdout.splitlines()}
    assert first_words >= {"orphan", "unknown", "twice", "trigger"}
    assert hostile.count("delete") == 0


def test_json_has_the_same_strings(hostile: Sandbox, export: Path) -> None:
    """The report for programs is escaped too, and is JSON with the same strings."""
    process = run_cli(hostile, "orphans", "--stack-export", export, "--format", "json")
    assert_harmless(process.stdout)
    report = json.loads(process.stdout)
    assert report["orphans"][0]["target_url"] == HOSTILE
    assert report["managed_twice"][0][0]["urn"] == HOSTILE


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_code_has_the_same_strings(hostile: Sandbox, tmp_path: Path, encoding: str) -> None:
    """The printed code is escaped, and valid Python with the same strings, whatever the terminal can show."""
    output = tmp_path / "webhooks.json"
    # The label of a destination is the one string that can be hostile where a program can declare the resource.
    destination = {"id": "a-label", "type": "email", "config": {"to": [HOSTILE]}, "label": HOSTILE, "is_active": True}
    hostile.inject("response", "list_destinations", times=0, body={"result": [destination], "next_cursor": None})
    options = ("--provider-kind", "dynamic", "--id", "a-label", "--name", "a-label=class")
    process = run_cli(hostile, "import-file", *options, "--output", output, env={"PYTHONIOENCODING": encoding})
    assert process.returncode == 0, process.stderr
    assert_harmless(process.stdout)
    strings = [node.value for node in ast.walk(ast.parse(process.stdout)) if isinstance(node, ast.Constant)]
    assert {*strings} == {"class", "email", "to", HOSTILE}
    assert json.loads(output.read_text())["resources"][0]["outputs"]["label"] == HOSTILE


def test_errors_are_escaped(sandbox: Sandbox, export: Path) -> None:
    """An error with strings from Truto or from a state is one line."""
    document = json.loads(export.read_text())
    options = ("--provider-kind", "native", "--output", export.parent / "out.json", "--stack-export", export)
    process = run_cli(sandbox, "import-file", *options, "--id", document["deployment"]["resources"][0]["id"])
    assert process.returncode == 1
    assert_harmless(process.stderr)
    assert process.stderr.count("\n") == 1
    sandbox.inject("status", "list", times=0, status=400, message=HOSTILE)
    process = run_cli(sandbox, "orphans", "--stack-export", export)
    assert process.returncode == 1
    assert_harmless(process.stderr)
    assert process.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither")
@pytest.mark.parametrize("arguments", [["--format", "json"], ["--format", "text"]])
def test_reader_that_has_enough_is_no_error(hostile: Sandbox, export: Path, arguments: list[str]) -> None:
    """If the reader ends, as `head` does, the command ends without a word and with the usual exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    process = run_cli(hostile, "orphans", "--stack-export", export, *arguments, stdout=writer)
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_cannot_be_printed_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    """A full disk behind a redirection is an error of one line."""
    export = tmp_path / "export.json"
    export.write_text('{"deployment": {}}')
    with Path("/dev/full").open("w") as full:
        process = run_cli(sandbox, "orphans", "--stack-export", export, stdout=full.fileno())
    assert process.returncode == 1
    assert process.stderr == "error: [Errno 28] No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(hostile: Sandbox, export: Path, closed: str) -> None:
    """Closed streams change neither the result nor what the other streams get; a closed input answers no question."""
    script = f'exec "$@" {closed}'
    options = ("orphans", "--stack-export", export, "--format", "json", "--delete")
    process = run_cli(hostile, *options, stdin="", script=script)
    assert process.returncode == 3
    assert process.stdout == "" if ">&-" in closed.split() else json.loads(process.stdout)["orphans"]
    assert "Traceback" not in process.stderr
