"""The command lines of the local engine and of the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import REPOSITORY, format_output, run
from tests.support.project import URL


def run_module(module: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of the package. It may fail."""
    command = [sys.executable, "-m", f"pulumi_truto.{module}", *arguments]
    return run(*command, env={**os.environ, **env}, check=False)


def test_up_deploys_and_destroys_a_program() -> None:
    """``testing up DIR`` deploys a program with configuration from the command line, and destroys it again."""
    arguments = ["--config", "targetUrl=https://hooks.example.com/other", "--secret", "unused=s3cr3t-value"]
    folder = REPOSITORY / "examples" / "quickstart"
    process = run_module("testing", "up", str(folder), *arguments, PULUMI_CONFIG_PASSPHRASE="")
    assert process.returncode == 0, format_output(process)
    assert "Webhook orders created" in process.stdout
    assert "webhookSecret: [secret]" in process.stdout
    assert "Webhook orders deleted" in process.stdout
    assert "s3cr3t-value" not in process.stdout + process.stderr


def test_failed_up_leaves_nothing_behind(tmp_path: Path) -> None:
    """If the program fails, its webhooks are deleted and no file remains."""
    (tmp_path / "Pulumi.yaml").write_text("name: fails\nruntime: python\n")
    program = f"import pulumi_truto as truto\nhook = truto.Webhook('orders', {URL!r})\n"
    (tmp_path / "__main__.py").write_text(program + "hook.id.apply(lambda _: 1 / 0)\n")
    process = run_module("testing", "up", str(tmp_path), TMPDIR=str(tmp_path))
    assert process.returncode == 1
    assert "ZeroDivisionError" in process.stdout
    assert "orders deleted" in process.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["Pulumi.yaml", "__main__.py"]


def test_up_rejects_a_base_url(tmp_path: Path) -> None:
    """The command rejects a base URL before it runs the program because it only works on its own sandbox."""
    (tmp_path / "Pulumi.yaml").write_text("name: elsewhere\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("print('it ran')\n")
    arguments = ["--config", "truto:baseUrl=http://127.0.0.1:9"]
    process = run_module("testing", "up", str(tmp_path), *arguments, TMPDIR=str(tmp_path))
    assert process.returncode == 1
    assert "truto:baseUrl cannot be set here" in process.stderr
    assert "it ran" not in process.stdout


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("testing", ["up", "/nowhere"], "there is no Pulumi.yaml in /nowhere"),
        ("sandbox", ["serve", "--port", "1", "--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
    ],
)
def test_invalid_argument_is_one_line(module: str, arguments: list[str], message: str) -> None:
    """An invalid folder or address gives exit code 1 and a message without a traceback."""
    process = run_module(module, *arguments)
    assert process.returncode == 1, format_output(process)
    assert message in process.stderr
    assert "Traceback" not in process.stderr
