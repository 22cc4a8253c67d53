"""The rotation example keeps its promise: the README's commands, in the README's order, lose and refuse no event."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from pulumi.automation import CommandError, ConfigValue

from pulumi_truto.local_engine.open_stack import Engine, open_stack
from pulumi_truto.sandbox import Sandbox
from tests.support.commands import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "rotation"
EVENT = "record:created"
HAND_OVER = (
    "(umask 077; pulumi stack output webhookSecrets --show-secrets --json > secrets.new) && mv secrets.new secrets.json"
)


def readme_commands() -> dict[str, list[str]]:
    """The commands of the README's ``sh`` blocks: "start" for the first deployment, then one entry for each step."""
    text = (EXAMPLE / "README.md").read_text()
    start, _, rotation = text.partition("## The rotation")
    first = re.findall(r"^```sh\n(.*?)^```", start, re.MULTILINE | re.DOTALL)[-1]
    steps = re.findall(r"^### (\d)\..*?^```sh\n(.*?)^```", rotation, re.MULTILINE | re.DOTALL)
    return {"start": first.splitlines(), **{number: commands.splitlines() for number, commands in steps}}


class UnexpectedChangesError(Exception):
    """The preview of ``--expect-no-changes`` shows changes."""


@dataclass
class Receiver:
    """The example's own receiver, as a process of its own."""

    url: str
    output: Path

    @property
    def log(self) -> list[dict[str, Any]]:
        """What became of each delivery so far. A delivery's line is written before its response."""
        return [json.loads(line) for line in self.output.read_text().splitlines()][1:]

    def count(self, outcome: str) -> int:
        """How many deliveries had this outcome."""
        return sum(line["outcome"] == outcome for line in self.log)


@contextmanager
def receiving(folder: Path, *options: str) -> Iterator[Receiver]:
    output = folder / "receiver.log"
    command = [sys.executable, str(folder / "receiver.py"), "secrets.json", *options]
    with (
        output.open("w") as stdout,
        subprocess.Popen(command, cwd=folder, env={**os.environ, "PORT": "0"}, stdout=stdout) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while "\n" not in output.read_text():
                assert process.poll() is None, "the receiver did not start"
                assert time.monotonic() < deadline, "the receiver did not start in time"
                time.sleep(0.02)
            yield Receiver(json.loads(output.read_text())["url"], output)
        finally:
            process.terminate()


@dataclass
class Rotation:
    """The example's stack on a sandbox, its receiver, and the events that were sent."""

    folder: Path
    sandbox: Sandbox
    stack: Any
    receiver: Receiver
    events: list[list[dict[str, Any]]] = field(default_factory=list)
    """For each event its deliveries."""

    def run(self, *steps: str, events: bool = True) -> None:
        """Runs the commands of steps, with events before, during and after each command."""
        for step in steps:
            for command in readme_commands()[step]:
                with self.sending() if events else nullcontext():
                    self._run(command)

    def _run(self, command: str) -> None:
        if command == HAND_OVER:
            self.hand_over()
            return
        words = shlex.split(command)
        if words == ["pulumi", "up"]:
            self.stack.up()
        elif words == ["pulumi", "refresh"]:
            self.stack.refresh()
        elif words == ["pulumi", "preview", "--expect-no-changes"]:
            # The local engine has no such option, so the changes are looked at here.
            changes = {getattr(op, "value", op): count for op, count in self.stack.preview().change_summary.items()}
            if any(count for op, count in changes.items() if op != "same"):
                raise UnexpectedChangesError(changes)
        elif words[:3] == ["pulumi", "config", "set"] and len(words) == 5:
            self.stack.set_config(words[3], ConfigValue(words[4]))
        else:
            # The sandbox has delivered an event when `send` returns, so there are no retries to wait for.
            assert words[0] == "sleep", f"the README has a command that this test cannot run: {command}"

    def hand_over(self) -> None:
        """Gives the receiver the secrets of the stack's output."""
        output = self.stack.outputs()["webhookSecrets"]
        assert output.secret
        (self.folder / "secrets.new").write_text(json.dumps(output.value))
        (self.folder / "secrets.new").replace(self.folder / "secrets.json")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Sends an event before the block, some during it, and one after it."""
        done = threading.Event()

        def keep_sending() -> None:
            for _ in range(500):
                if done.is_set():
                    return
                self.send()
                done.wait(0.02)

        self.send()
        thread = threading.Thread(target=keep_sending)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        self.send()

    def send(self) -> int:
        """Makes Truto deliver one event; returns to how many webhooks."""
        body = {"event": EVENT, "payload": {"number": len(self.events)}}
        response = requests.post(f"{self.sandbox.base_url}/__sandbox__/events", json=body, timeout=30)
        assert response.status_code == 200, response.text
        self.events.append(response.json()["deliveries"])
        return len(self.events[-1])

    @property
    def times_handled(self) -> Counter[int]:
        """How many events the receiver handled how often."""
        handled = Counter(line["id"] for line in self.receiver.log if line["outcome"] == "handled")
        return Counter(sum(handled[id_] for id_ in {each["id"] for each in event}) for event in self.events)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example's folder."""
    return shutil.copytree(EXAMPLE, tmp_path / "program", ignore=shutil.ignore_patterns("Pulumi.*.yaml", "secrets*"))


@contextmanager
def rotating(engine: Engine, example: Path, **settings: Any) -> Iterator[Rotation]:
    """The example with its token and URLs set and its receiver running, before the first `up`."""
    with Sandbox(**settings) as sandbox, receiving(example) as receiver:
        stack = open_stack(engine, example, example.parent / "home", env_vars={"TRUTO_API_TOKEN": sandbox.token})
        stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        stack.set_config("targetUrl", ConfigValue(receiver.url + "/truto"))
        yield Rotation(example, sandbox, stack, receiver)


def test_rotation(engine: Engine, example: Path) -> None:
    """Every event through all steps is handled exactly once; none is refused, duplicates are recognised by id."""
    with rotating(engine, example) as rotation:
        rotation.run("start")
        assert rotation.send() == 1
        # Events from before the first activation went to nobody; none from after it was refused.
        assert set(rotation.times_handled) == {0, 1}
        assert rotation.receiver.count("refused") == 0

        rotation.events.clear()
        duplicates_before = rotation.receiver.count("duplicate")
        [old] = rotation.sandbox.backend.webhooks()
        webhooks_per_event = {}
        _, *steps = readme_commands()  # in the README's order
        for step in steps:
            rotation.run(step)
            webhooks_per_event[step] = rotation.send()
        assert webhooks_per_event == {"1": 1, "2": 1, "3": 2, "4": 1, "5": 1}

        assert rotation.times_handled == {1: len(rotation.events)}
        assert rotation.receiver.count("refused") == 0
        assert {(each.ok, each.attempts) for each in rotation.sandbox.deliveries} == {(True, 1)}
        twice = [event for event in rotation.events if len(event) == 2]
        assert duplicates_before == 0
        assert rotation.receiver.count("duplicate") == len(twice) > 0
        for event in twice:
            assert len({each["id"] for each in event}) == 1
            assert len({each["webhook_id"] for each in event}) == 2

        [new] = rotation.sandbox.backend.webhooks()
        assert new.id != old.id
        assert new.secret != old.secret
        assert json.loads((example / "secrets.json").read_text()) == [new.secret]
        assert rotation.stack.outputs()["webhookIds"].value == {"2": new.id}


def test_activating_before_the_hand_over_refuses_deliveries(engine: Engine, example: Path) -> None:
    """With steps 2 and 3 exchanged the receiver refuses what the new webhook delivers, until Truto switches it off.

    The check of step 3 says so. Who goes on with step 4 all the same loses events.
    """
    with rotating(engine, example, deactivate_after=3) as rotation:
        rotation.run("start", "1", events=False)
        [_, new] = rotation.sandbox.backend.webhooks()
        with pytest.raises(UnexpectedChangesError):
            rotation.run("3")
        assert rotation.receiver.count("refused") > 0
        assert {each.webhook_id for each in rotation.sandbox.deliveries if not each.ok} == {new.id}
        assert [each.is_active for each in rotation.sandbox.backend.webhooks()] == [True, False]
        assert rotation.times_handled == {1: len(rotation.events)}  # by webhook 1

        rotation.run("4")
        assert rotation.send() == 0
        assert rotation.times_handled[0] > 0


def test_deactivating_before_activating_loses_events(example: Path) -> None:
    """Without the overlap, events are lost, although the receiver has both secrets."""
    with rotating("local", example) as rotation:
        rotation.run("start", "1", "2", events=False)
        rotation.stack.set_config("active", ConfigValue("[]"))
        with rotation.sending():
            rotation.stack.up()
        rotation.run("4")
        assert rotation.times_handled[0] > 0
        assert rotation.receiver.count("refused") == 0


def test_mistakes_in_the_configuration_change_nothing(engine: Engine, example: Path) -> None:
    """Removing an active generation, or losing one of the two lists, fails before Truto is called."""
    with rotating(engine, example) as rotation:
        rotation.run("start", events=False)
        rotation.sandbox.reset_calls()
        with pytest.raises(CommandError, match="'active' names 1, which 'generations' does not contain"):
            rotation.run("5", events=False)
        rotation.stack.remove_config("generations")
        with pytest.raises(CommandError, match="truto-rotation:generations"):
            rotation.stack.up()
        rotation.stack.set_config("generations", ConfigValue('["1"]'))
        rotation.stack.remove_config("active")
        with pytest.raises(CommandError, match="truto-rotation:active"):
            rotation.stack.up()
        assert rotation.sandbox.calls == []


def test_a_replacement_refuses_deliveries(engine: Engine, example: Path) -> None:
    """A replacement trigger changes the secret within one `up`: the receiver refuses events until it has it."""
    program = example / "__main__.py"
    declared = "        is_active=generation in active,\n"
    trigger = "        opts=pulumi.ResourceOptions(replacement_trigger=config.require('trigger')),\n"
    assert declared in program.read_text()
    program.write_text(program.read_text().replace(declared, declared + trigger))
    with rotating(engine, example) as rotation:
        rotation.stack.set_config("trigger", ConfigValue("2026-05"))
        rotation.run("start", events=False)
        [old] = rotation.sandbox.backend.webhooks()
        rotation.stack.set_config("trigger", ConfigValue("2026-11"))
        rotation.stack.up()
        [new] = rotation.sandbox.backend.webhooks()
        assert new.id != old.id
        rotation.send()
        assert rotation.times_handled == {0: 1}
        assert rotation.receiver.count("refused") > 0
        rotation.hand_over()
        rotation.send()
        assert rotation.times_handled == {0: 1, 1: 1}


# The receiver by itself -----------------------------------------------------------------------------------


@contextmanager
def two_webhooks(folder: Path, *options: str, **settings: Any) -> Iterator[Rotation]:
    """Two active webhooks and a receiver that has both secrets, without a stack."""
    with Sandbox(**settings) as sandbox, receiving(folder, *options) as receiver:
        body = {"target_url": receiver.url}
        made = [sandbox.backend.create(sandbox.environment_id, body) for _ in range(2)]
        (folder / "secrets.json").write_text(json.dumps([webhook["secret"] for webhook in made]))
        yield Rotation(folder, sandbox, None, receiver)


@pytest.mark.parametrize(("options", "handled"), [((), 2), (("--compare-content",), 1)])
def test_ids_that_differ(example: Path, options: tuple[str, ...], handled: int) -> None:
    """If Truto gives one event two ids, it is handled twice, and once by a receiver that compares the content."""
    with two_webhooks(example, *options, event_id="per_webhook") as rotation:
        for _ in range(3):
            assert rotation.send() == 2
        assert rotation.times_handled == {handled: 3}


def test_equal_events_of_one_webhook_are_two(example: Path) -> None:
    """A receiver that compares the content still handles every event of a webhook that is alone."""
    with two_webhooks(example, "--compare-content") as rotation:
        rotation.sandbox.backend.remove(rotation.sandbox.backend.webhooks()[0].id)
        for _ in range(2):
            rotation.events.clear()  # the payload is the number of the event
            rotation.send()
        assert rotation.receiver.count("handled") == 2


def test_a_receiver_without_secrets_refuses(example: Path) -> None:
    """Before the first hand-over nothing is accepted."""
    with two_webhooks(example) as rotation:
        (example / "secrets.json").unlink()
        rotation.send()
        assert rotation.times_handled == {0: 1}
        assert {line["reason"] for line in rotation.receiver.log} == {
            "no secret was given to verify the signature with"
        }
