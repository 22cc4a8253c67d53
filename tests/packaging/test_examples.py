"""Every example is run: on the local engine where that can, on the real CLI with its language hosts where they are."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.automation import ConfigValue

from pulumi_truto import EventType
from pulumi_truto.local_engine.open_stack import Engine, cli_version, open_stack
from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import WEBHOOK
from pulumi_truto.sandbox import Sandbox
from tests.support.commands import REPOSITORY, run, shown

EXAMPLES = REPOSITORY / "examples"


def resource() -> Any:
    """What the schema says of the webhook."""
    return schema()["resources"][WEBHOOK]


def test_every_example_is_tested() -> None:
    """There is no example that no test names; rotation has tests/packaging/test_rotation.py."""
    folders = {file.name for file in EXAMPLES.iterdir() if file.is_dir() and file.name != "__pycache__"}
    assert folders == {"quickstart", "rotation", "typescript", "yaml"}


def test_quickstart(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """The quickstart comes up with its outputs, and down again."""
    shutil.copytree(EXAMPLES / "quickstart", tmp_path / "program")
    stack = open_stack(engine, tmp_path / "program", tmp_path / "home")
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
    outputs = stack.up().outputs
    [webhook] = sandbox.backend.webhooks()
    assert outputs["webhookId"].value == webhook.id
    assert outputs["webhookSecret"].value == webhook.secret
    assert outputs["webhookSecret"].secret
    stack.destroy()
    assert sandbox.backend.webhooks() == []


def test_local_engine_up() -> None:
    """``local_engine up DIR`` brings a program up and down again, with configuration from the command line."""
    command = [sys.executable, "-m", "pulumi_truto.local_engine", "up", str(EXAMPLES / "quickstart")]
    config = ["--config", "targetUrl=https://hooks.example.com/other", "--secret", "unused=s3cr3t-value"]
    environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": ""}
    done = run(*command, *config, env=environment)
    assert "Webhook orders created" in done.stdout
    assert "webhookSecret: [secret]" in done.stdout
    assert "Webhook orders deleted" in done.stdout
    assert "s3cr3t-value" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["local_engine", "up", "/nowhere"], "Pulumi.yaml cannot be read"),
        (["sandbox", "serve", "--port", "1", "--host", "203.0.113.1"], "cannot listen on 203.0.113.1"),
    ],
)
def test_command_line_errors(arguments: list[str], message: str) -> None:
    """A wrong folder or address is one clear line and exit code 1."""
    module, *options = arguments
    command = [sys.executable, "-m", f"pulumi_truto.{module}", *options]
    done = run(*command, ok=False)
    assert done.returncode == 1, shown(done)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_yaml_fits_the_schema() -> None:
    """The YAML example uses only what the schema has."""
    project = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())
    [webhook] = project["resources"].values()
    assert webhook["type"] == "truto:Webhook"
    assert set(webhook["properties"]) <= set(resource()["inputProperties"])
    assert set(webhook["properties"]) >= set(resource()["requiredInputs"])
    assert {str(each.value) for each in EventType} >= set(webhook["properties"]["eventTypes"])
    used = re.findall(r"\$\{orders\.(\w+)}", str(project["outputs"]))
    assert set(used) <= {"id", *resource()["properties"]}


def test_typescript_fits_the_schema() -> None:
    """The TypeScript example uses only what the schema has."""
    program = (EXAMPLES / "typescript" / "index.ts").read_text()
    arguments = re.search(r"new truto\.Webhook\(\"orders\", \{(.*?)\}\);", program, re.DOTALL)
    assert arguments is not None
    given = set(re.findall(r"^    (\w+):", arguments[1], re.MULTILINE))
    assert set(resource()["requiredInputs"]) <= given <= set(resource()["inputProperties"])
    assert set(re.findall(r"orders\.(\w+)", program)) <= {"id", *resource()["properties"]}
    names = {each["name"] for each in schema()["types"]["truto:index:EventType"]["enum"]}
    assert set(re.findall(r"truto\.EventType\.(\w+)", program)) <= names


@pytest.mark.parametrize("example", ["yaml", "typescript"])
def test_with_its_language_host(example: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """The example installs, comes up, is then no change, and goes down, as a user runs it."""
    host = {"yaml": "pulumi-language-yaml", "typescript": "pulumi-language-nodejs"}[example]
    needed = ["pulumi", "pulumi-language-python", host, *(["npm"] if example == "typescript" else [])]
    missing = [each for each in needed if shutil.which(each) is None]
    if missing or cli_version() is None:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    for name in listed.stdout.splitlines():
        if (REPOSITORY / name).is_file():
            (tmp_path / "repository" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tmp_path / "repository" / name)
    environment = {
        **os.environ,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "TRUTO_API_TOKEN": sandbox.token,
        "TRUTO_BASE_URL": sandbox.base_url,
    }

    def pulumi(*arguments: str) -> str:
        folder = tmp_path / "repository" / "examples" / example
        return run("pulumi", *arguments, "--non-interactive", cwd=folder, env=environment).stdout

    pulumi("stack", "init", "dev")
    pulumi("install")
    pulumi("up", "--yes")
    [webhook] = sandbox.backend.webhooks()
    assert pulumi("stack", "output", "webhookSecret", "--show-secrets").strip() == webhook.secret
    assert webhook.secret not in pulumi("stack", "export")
    pulumi("preview", "--expect-no-changes")
    assert sandbox.count() == 1
    pulumi("destroy", "--yes")
    assert sandbox.backend.webhooks() == []
