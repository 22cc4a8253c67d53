"""Compares the local engine with the Pulumi CLI: both run the programs in `tests/engine/differential`.

Each program has a recording of its run on the Pulumi CLI. The local engine must match the recordings. So must a
Pulumi CLI on PATH; `pytest tests/engine/test_differential.py --record` replaces the recordings.
"""

from __future__ import annotations

import importlib
import json
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine, cli_version
from tests.engine.differential.steps import Create, Edit, Fault, Remove, Run, Step
from tests.support.project import URL, Project, ProviderKind

FOLDER = Path(__file__).parent / "differential"
SCENARIOS = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in ("__init__", "steps"))

HEAD = """
IDS = {ids!r}
STAGING = {staging!r}
prop = {names!r}.__getitem__

class Receiver(pulumi.ComponentResource):
    def __init__(self, name, path, opts=None, hook_opts=None):
        super().__init__("app:index:Receiver", name, None, opts)
        hook_opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), hook_opts)
        self.hook = truto.Webhook(f"{{name}}-hook", target_url=URL + path, opts=hook_opts)
        self.register_outputs({{"url": self.hook.target_url}})
"""


def scenario_module(name: str) -> ModuleType:
    """The module of a scenario."""
    return importlib.import_module(f"tests.engine.differential.{name}")


def cases() -> list[Any]:
    """Every scenario with each of its provider kinds."""
    parameters = []
    for name in SCENARIOS:
        kinds = getattr(scenario_module(name), "KINDS", ("dynamic",))
        parameters += [pytest.param(name, kind, id=f"{name}-{kind}") for kind in kinds]
    return parameters


class Observer:
    """Takes the steps of a scenario on one engine, and records the observable results of each run."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.backend = project.sandbox.backend
        staging = project.sandbox.add_environment("staging")
        self.staging = {"api_token": staging.token, "base_url": project.sandbox.base_url}
        self.environments = {project.sandbox.environment_id: "<production>", staging.id: "<staging>"}
        #: The name of each webhook in a recording, by its id.
        self.labels: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def take(self, step: Step) -> dict[str, Any] | None:
        """Takes one step and returns the record of a run; a step that only changes Truto has no record."""
        if isinstance(step, Run):
            return self._run(step)
        if isinstance(step, Create):
            self.backend.create(self.project.sandbox.environment_id, {"target_url": URL + step.path})
        elif isinstance(step, Edit):
            self.backend.edit(self._id(step.path), step.fields)
        elif isinstance(step, Remove):
            self.backend.remove(self._id(step.path))
        elif isinstance(step, Fault):
            self.project.sandbox.inject("status", step.operation, skip=step.skip, **step.fields)
        self._label()
        return None

    def _run(self, step: Run) -> dict[str, Any]:
        if step.program is not None:
            names = {name: self.project.name_of(name) for name in ("target_url", "event_types", "is_active")}
            head = HEAD.format(ids=self._ids(), staging=self.staging, names=names)
            self.project.program(head + textwrap.dedent(step.program))
        calls_before = len(self.project.sandbox.calls)
        record: dict[str, Any] = {"step": step.verb, "failed": False}
        outputs = None
        try:
            outcome = getattr(self.project, step.verb)()
            record["changes"], outputs = outcome.changes, outcome.outputs
        except CommandError as error:
            self.project.output_text += str(error)
            record["failed"] = True
        self._label()
        # Before its first delete a provider lists the cron triggers, which says nothing about the engine. How it reads
        # several webhooks depends on how fast they are refreshed.
        ignored = ["list_triggers", *(["list", "read"] if step.any_order else [])]
        made = [call for call in self.project.sandbox.calls[calls_before:] if call.operation not in ignored]
        calls = [self._call(call) for call in made]
        record["calls"] = sorted(calls) if step.any_order else calls
        record["webhooks"] = sorted(self._webhook(webhook) for webhook in self.backend.webhooks())
        if step.verb != "preview":
            outputs = self.project.stack.outputs() if outputs is None else outputs
            record["outputs"] = {name: self._output(output) for name, output in sorted(outputs.items())}
        return record

    def _ids(self) -> dict[str, str]:
        """The id of the newest webhook of each path."""
        return {str(webhook.target_url).removeprefix(URL): webhook.id for webhook in self.backend.webhooks()}

    def _id(self, path: str) -> str:
        return self._ids()[path]

    def _label(self) -> None:
        """Labels new webhooks with their path, and with a number if the path was used before."""
        for webhook in self.backend.webhooks():
            if webhook.id not in self.labels:
                path = str(webhook.target_url).removeprefix(URL)
                count = sum(label.split("#")[0] == path for label in self.labels.values())
                self.labels[webhook.id] = path if count == 0 else f"{path}#{count + 1}"
                self.secrets[webhook.secret] = self.labels[webhook.id]

    def _call(self, call: Any) -> str:
        label = self.labels.get(call.path.rpartition("/")[2], "")
        body = json.dumps(call.body, sort_keys=True) if call.body is not None else ""
        return self._normalize(" ".join(filter(None, (call.operation, label, body))))

    def _webhook(self, webhook: Any) -> str:
        events = sorted(webhook.event_types or ["every event"])
        state = "active" if webhook.is_active else "inactive"
        environment = self.environments[webhook.environment_id]
        return self._normalize(f"{self.labels[webhook.id]}: {webhook.target_url} {events} {state} in {environment}")

    def _output(self, output: Any) -> dict[str, Any]:
        return {"value": json.loads(self._normalize(json.dumps(output.value))), "secret": output.secret}

    def _normalize(self, text: str) -> str:
        """Replaces everything that differs from run to run by a label."""
        for value, label in self.secrets.items():
            text = text.replace(value, f"<secret of {label}>")
        for value, label in {**self.labels, **self.environments}.items():
            text = text.replace(value, label if label.startswith("<") else f"<id of {label}>")
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
        return text.replace(URL, "<URL>")


def observe(engine: Engine, kind: ProviderKind, name: str, folder: Path) -> list[dict[str, Any]]:
    """Runs a scenario on an engine and returns the record of each run."""
    with Sandbox() as sandbox:
        observer = Observer(Project(engine, sandbox, folder, provider_kind=kind))
        steps = scenario_module(name).STEPS
        records = [record for record in map(observer.take, steps) if record is not None]
        for secret in observer.secrets:
            assert secret not in observer.project.output_text
        return records


def recordings(name: str) -> dict[str, list[dict[str, Any]]]:
    """The recordings of a scenario, by provider kind."""
    file = FOLDER / f"{name}.json"
    recordings: dict[str, list[dict[str, Any]]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return recordings


def recording(name: str, kind: ProviderKind) -> list[dict[str, Any]]:
    """The recording of a scenario with a provider kind."""
    by_kind = recordings(name)
    assert kind in by_kind, f"there is no recording of {name}: run this test with --record and the Pulumi CLI on PATH"
    return by_kind[kind]


@pytest.mark.parametrize(("name", "kind"), cases())
def test_local_engine_matches_the_recording(name: str, kind: ProviderKind, tmp_path: Path) -> None:
    """The local engine makes the same calls, webhooks, outputs and counted changes as the Pulumi CLI."""
    assert observe("local", kind, name, tmp_path) == recording(name, kind)


@pytest.mark.parametrize(("name", "kind"), cases())
def test_pulumi_cli_matches_the_recording(
    name: str, kind: ProviderKind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The Pulumi CLI on PATH still matches the recording; `--record` replaces the recording."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    records = observe("cli", kind, name, tmp_path)
    if request.config.getoption("--record"):
        document = json.dumps({**recordings(name), kind: records}, indent=2, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(document + "\n", encoding="utf-8")
    assert records == recording(name, kind)
