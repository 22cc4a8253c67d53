"""The local engine does what Pulumi does: the programs in `tests/local_engine/differential`, run on both and compared.

Without a Pulumi CLI on PATH the local engine is compared with what the CLI was recorded to do. With one, the CLI is
compared with that as well, and `pytest tests/local_engine/test_differential.py --record` writes the recordings anew.
"""

from __future__ import annotations

import importlib
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from pulumi_truto.local_engine.open_stack import Engine, cli_version
from pulumi_truto.sandbox import Sandbox
from tests.local_engine.differential.steps import Edit, Fault, Make, Remove, Run, Step
from tests.support.project import URL, Project, ProviderKind

FOLDER = Path(__file__).parent / "differential"
SCENARIOS = sorted(each.stem for each in FOLDER.glob("*.py") if each.stem not in ("__init__", "steps"))

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


def cases() -> list[Any]:
    """Every scenario with each provider kind that it is for."""
    found = []
    for name in SCENARIOS:
        kinds = getattr(importlib.import_module(f"tests.local_engine.differential.{name}"), "KINDS", ("dynamic",))
        found += [pytest.param(name, kind, id=f"{name}-{kind}") for kind in kinds]
    return found


class Observer:
    """Takes the steps of a scenario on one engine, and writes down what can be seen of each run."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.backend = project.sandbox.backend
        staging = project.sandbox.add_environment("staging")
        self.staging = {"api_token": staging.token, "base_url": project.sandbox.base_url}
        self.environments = {project.sandbox.environment_id: "<production>", staging.id: "<staging>"}
        #: What a webhook is called in a recording, by its id.
        self.labels: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def take(self, step: Step) -> dict[str, Any] | None:
        """Takes one step; what is done at Truto by hand has no record."""
        if isinstance(step, Run):
            return self._run(step)
        if isinstance(step, Make):
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
            names = {each: self.project.name_of(each) for each in ("target_url", "event_types", "is_active")}
            head = HEAD.format(ids=self._ids(), staging=self.staging, names=names)
            self.project.program(head + textwrap.dedent(step.program))
        before = len(self.project.sandbox.calls)
        record: dict[str, Any] = {"step": step.verb, "failed": False}
        outputs = None
        try:
            outcome = getattr(self.project, step.verb)()
            record["changes"], outputs = outcome.changes, outcome.outputs
        except CommandError as error:
            self.project.shown += str(error)
            record["failed"] = True
        self._label()
        calls = [self._call(each) for each in self.project.sandbox.calls[before:]]
        record["calls"] = sorted(calls) if step.any_order else calls
        record["webhooks"] = sorted(self._webhook(each) for each in self.backend.webhooks())
        if step.verb != "preview":
            outputs = self.project.stack.outputs() if outputs is None else outputs
            record["outputs"] = {name: self._output(each) for name, each in sorted(outputs.items())}
        return record

    def _ids(self) -> dict[str, str]:
        """The youngest webhook of each path."""
        return {str(each.target_url).removeprefix(URL): each.id for each in self.backend.webhooks()}

    def _id(self, path: str) -> str:
        return self._ids()[path]

    def _label(self) -> None:
        for each in self.backend.webhooks():
            if each.id not in self.labels:
                path = str(each.target_url).removeprefix(URL)
                count = sum(label.split("#")[0] == path for label in self.labels.values())
                self.labels[each.id] = path if count == 0 else f"{path}#{count + 1}"
                self.secrets[each.secret] = self.labels[each.id]

    def _call(self, call: Any) -> str:
        which = self.labels.get(call.path.rpartition("/")[2], "")
        body = json.dumps(call.body, sort_keys=True) if call.body is not None else ""
        return self._plain(" ".join(filter(None, (call.operation, which, body))))

    def _webhook(self, webhook: Any) -> str:
        events = sorted(webhook.event_types or ["every event"])
        state = "active" if webhook.is_active else "inactive"
        where = self.environments[webhook.environment_id]
        return self._plain(f"{self.labels[webhook.id]}: {webhook.target_url} {events} {state} in {where}")

    def _output(self, output: Any) -> dict[str, Any]:
        return {"value": json.loads(self._plain(json.dumps(output.value))), "secret": output.secret}

    def _plain(self, text: str) -> str:
        """The text without what differs from run to run."""
        for value, label in self.secrets.items():
            text = text.replace(value, f"<secret of {label}>")
        for value, label in {**self.labels, **self.environments}.items():
            text = text.replace(value, label if label.startswith("<") else f"<id of {label}>")
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
        return text.replace(URL, "<URL>")


def observe(engine: Engine, kind: ProviderKind, name: str, folder: Path) -> list[dict[str, Any]]:
    """What can be seen when a scenario runs on an engine."""
    with Sandbox() as sandbox:
        observer = Observer(Project(engine, sandbox, folder, provider_kind=kind))
        steps = importlib.import_module(f"tests.local_engine.differential.{name}").STEPS
        records = [record for record in map(observer.take, steps) if record is not None]
        for secret in observer.secrets:
            assert secret not in observer.project.shown
        return records


def recordings(name: str) -> dict[str, list[dict[str, Any]]]:
    """What the CLI did, for each provider kind."""
    file = FOLDER / f"{name}.json"
    recordings: dict[str, list[dict[str, Any]]] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return recordings


def recorded(name: str, kind: ProviderKind) -> list[dict[str, Any]]:
    """What the CLI did with this provider kind."""
    found = recordings(name)
    assert kind in found, f"what the CLI does with {name} is not recorded: run this test with --record"
    return found[kind]


@pytest.mark.parametrize(("name", "kind"), cases())
def test_the_local_engine_does_what_pulumi_does(name: str, kind: ProviderKind, tmp_path: Path) -> None:
    """Calls to Truto, webhooks, outputs and counted changes of each step are those of the Pulumi CLI."""
    assert observe("local", kind, name, tmp_path) == recorded(name, kind)


@pytest.mark.parametrize(("name", "kind"), cases())
def test_pulumi_does_what_was_recorded(
    name: str, kind: ProviderKind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The recordings are what the Pulumi CLI on PATH does; `--record` makes them so."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    seen = observe("cli", kind, name, tmp_path)
    if request.config.getoption("--record"):
        text = json.dumps({**recordings(name), kind: seen}, indent=2, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    assert seen == recorded(name, kind)
