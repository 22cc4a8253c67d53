"""The code of the README and of the first pages works as it is written there."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import REPOSITORY, run
from tests.support.language_hosts import skip_without

README: Final = (REPOSITORY / "README.md").read_text(encoding="utf-8")
START: Final = (REPOSITORY / "docs" / "start.md").read_text(encoding="utf-8")


def code(page: str, language: str) -> list[str]:
    """The blocks of code in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project of the start page, next to a clone. Its environment is that of the tests."""
    (tmp_path / "pulumi-truto").symlink_to(REPOSITORY)
    folder = tmp_path / "my-webhooks"
    folder.mkdir()
    (folder / "venv").symlink_to(sys.prefix)
    [project] = code(START, "yaml")
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "__main__.py").write_text(code(START, "python")[0])
    return folder


def run_script(script: str, folder: Path) -> str:
    """Runs commands of a page as a new user, who confirms each run, and returns their output."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "PYTHONPATH": str(REPOSITORY),
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = f"set -e; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"
    return run("bash", "-c", command, cwd=folder, env=env).stdout


def test_commands_of_the_start_page(folder: Path) -> None:
    """On the CLI, a new user creates a webhook, verifies its events, rotates its secret and deletes it."""
    skip_without("python")
    install, *blocks = code(START, "sh")
    assert "'../pulumi-truto[testing]'" in install
    script = "".join(blocks)
    for port in ("8080", "8081"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            script = script.replace(port, str(server.getsockname()[1]))
    output = run_script(script, folder)
    ids = re.findall(r'^ +webhookId +: "(.*)"$', output, re.MULTILINE)
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert re.search(rf'"outcome": "handled", .*"event": "record:created", "webhook_id": "{ids[0]}"', output)
    assert re.search(rf'webhookId: "{ids[0]}" => ', output)
    assert re.search(r"Resources:\n +- 4 deleted\n", output)


def test_start_page_without_the_cli(folder: Path) -> None:
    """Without a CLI, the local engine runs the program of the page."""
    [command] = re.findall(r"^    (venv/bin/python -m pulumi_truto.testing .*)$", START, re.MULTILINE)
    assert "webhookSecret: [secret]" in run_script(command, folder)


def test_program_of_the_readme(folder: Path) -> None:
    """The example of the README has eight lines, and creates a webhook."""
    [program] = code(README, "python")
    assert len([line for line in program.splitlines() if line]) == 8
    (folder / "__main__.py").write_text(program)
    assert "webhookSecret: [secret]" in run_script("venv/bin/python -m pulumi_truto.testing up .", folder)


def test_number_of_crash_points_is_that_of_the_guarantees() -> None:
    """The README has the number that the last full run had."""
    guarantees = (REPOSITORY / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert re.findall(r"([\d,]+)\s+crash points", README) == re.findall(r"([\d,]+)\s+crash points", guarantees)
