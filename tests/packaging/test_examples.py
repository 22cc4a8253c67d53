"""The examples work on the local engine, or on the Pulumi CLI if it and the language host are on PATH."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.automation import CommandError, ConfigValue

from pulumi_truto import EventType
from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import WEBHOOK
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine, cli_version, open_stack
from tests.support.commands import REPOSITORY, run
from tests.support.picture import normalize, picture_lines
from tests.support.sandbox_client import running_receiver

EXAMPLES = REPOSITORY / "examples"


def webhook_schema() -> Any:
    """The schema of the webhook resource."""
    return schema()["resources"][WEBHOOK]


def test_every_example_is_tested() -> None:
    """A new example needs a test: here, in test_language_hosts.py, test_rotation.py, test_receiver.py, ..."""
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    in_python = {"automation", "gate", "quickstart", "receiver", "rotation", "secrets", "testing", "uv"}
    assert folders == in_python | {"go", "typescript", "yaml"}


@pytest.mark.parametrize("example", ["quickstart", "uv"])
def test_example_deploys_and_destroys_a_webhook(example: str, engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """The example creates a webhook with its outputs, and destroy deletes it."""
    stack = open_stack(engine, EXAMPLES / example, tmp_path)
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
    outputs = stack.up().outputs
    [webhook] = sandbox.backend.webhooks()
    assert outputs["webhookId"].value == webhook.id
    assert outputs["webhookSecret"].value == webhook.secret
    assert outputs["webhookSecret"].secret
    stack.destroy()
    assert sandbox.backend.webhooks() == []


def test_gate_tests_the_webhook(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> None:
    """The gate example fails while its receiver rejects the test event, and passes when it accepts it."""
    stack = open_stack(engine, EXAMPLES / "gate", tmp_path / "home")
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    with running_receiver() as receiver:
        receiver.statuses = [503]
        values = {"truto:baseUrl": sandbox.base_url, "targetUrl": receiver.url, "secretFile": str(tmp_path / "secret")}
        for key, value in values.items():
            stack.set_config(key, ConfigValue(value))
        with pytest.raises(CommandError, match="did not accept the test event"):
            stack.up()
        stack.up()
    [webhook] = sandbox.backend.webhooks()
    assert (tmp_path / "secret").read_text() == webhook.secret
    stack.destroy()
    assert sandbox.backend.webhooks() == []


def test_demo_on_the_cli() -> None:
    """The run that has to fail shows its error alone, without Pulumi's pages. The rotation is that of its picture."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    output = run(sys.executable, EXAMPLES / "demo.py").stdout
    failed_run = output.partition("\n== 3.")[2].partition("\n\n== 4.")[0]
    [_, error, *lines] = failed_run.splitlines()
    assert re.match("   error: the receiver of webhook .* did not accept the test event", error)
    assert len(lines) <= 2
    assert "Traceback" not in output
    *shown, _count = picture_lines()
    rotation = [normalize(line) for line in output.partition("\n== 8. ")[2].partition("\n\n== 9.")[0].splitlines()]
    assert [line for line in rotation if line in shown] == shown
    assert re.fullmatch(r"\d+ events were sent, and 0 were lost\.", rotation[-1])


def test_yaml_example_matches_the_schema() -> None:
    """The YAML example uses only properties and event types that the schema has."""
    project = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())
    [webhook] = project["resources"].values()
    assert webhook["type"] == "truto:Webhook"
    assert set(webhook["properties"]) <= set(webhook_schema()["inputProperties"])
    assert set(webhook["properties"]) >= set(webhook_schema()["requiredInputs"])
    assert {str(event_type.value) for event_type in EventType} >= set(webhook["properties"]["eventTypes"])
    used_outputs = re.findall(r"\$\{orders\.(\w+)}", str(project["outputs"]))
    assert set(used_outputs) <= {"id", *webhook_schema()["properties"]}


def test_typescript_example_matches_the_schema() -> None:
    """The TypeScript example uses only properties and event types that the schema has."""
    program = (EXAMPLES / "typescript" / "index.ts").read_text()
    arguments = re.search(r"new truto\.Webhook\(\"orders\", \{(.*?)\}\);", program, re.DOTALL)
    assert arguments is not None
    names = set(re.findall(r"^    (\w+):", arguments[1], re.MULTILINE))
    assert set(webhook_schema()["requiredInputs"]) <= names <= set(webhook_schema()["inputProperties"])
    assert set(re.findall(r"orders\.(\w+)", program)) <= {"id", *webhook_schema()["properties"]}
    names = {member["name"] for member in schema()["types"]["truto:index:EventType"]["enum"]}
    assert set(re.findall(r"truto\.EventType\.(\w+)", program)) <= names


def test_go_example_matches_the_schema() -> None:
    """The Go example imports the SDK by the path that the schema gives it, and finds it where Pulumi generates it."""
    path = schema()["language"]["go"]["importBasePath"]
    module = path.rpartition("/")[0]
    program = (EXAMPLES / "go" / "main.go").read_text()
    assert f'"{path}"' in program, f"the path of the Go SDK is {path} now: change examples/go"
    requirements = (EXAMPLES / "go" / "go.mod").read_text()
    assert re.search(rf"^\t{module} v\S+$", requirements, re.MULTILINE)
    assert f"replace {module} => ./sdks/truto\n" in requirements
    names = {member["name"] for member in schema()["types"]["truto:index:EventType"]["enum"]}
    assert set(re.findall(r"truto\.EventType(\w+)", program)) <= names
