"""Runs the rotation example: its stack on a sandbox, its receiver in a process, and the commands of its README."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
from pulumi.automation import ConfigValue

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine, open_stack
from tests.support.commands import REPOSITORY

__all__ = ["Receiver", "Rotation", "UnexpectedChangesError", "readme_commands", "start_receiver", "start_rotation"]

EVENT_TYPE: Final = "record:created"
#: The README's command that gives the receiver the secrets.
HAND_OVER: Final = (
    "(umask 077; pulumi stack output webhookSecrets --show-secrets --json > secrets.new) && mv secrets.new secrets.json"
)


def readme_commands() -> dict[str, list[str]]:
    """The commands in the README's ``sh`` blocks: of the first deployment as "start", and of each numbered step."""
    readme = (REPOSITORY / "examples" / "rotation" / "README.md").read_text()
    start, _, rotation = readme.partition("## The rotation")
    start_block = re.findall(r"^```sh\n(.*?)^```", start, re.MULTILINE | re.DOTALL)[-1]
    steps = re.findall(r"^### (\d)\..*?^```sh\n(.*?)^```", rotation, re.MULTILINE | re.DOTALL)
    return {"start": start_block.splitlines(), **{number: block.splitlines() for number, block in steps}}


class UnexpectedChangesError(Exception):
    """`pulumi preview --expect-no-changes` found changes."""


@dataclass
class Receiver:
    """The example's receiver, which runs as a separate process.

    Attributes:
        url: Where it listens.
        output: The file that contains its output.
    """

    url: str
    output: Path

    @property
    def log(self) -> list[dict[str, Any]]:
        """The receiver's log of deliveries. It writes the line of a delivery before it responds."""
        return [json.loads(line) for line in self.output.read_text().splitlines()][1:]

    def count(self, outcome: str) -> int:
        """How many deliveries had this outcome."""
        return sum(line["outcome"] == outcome for line in self.log)


@contextmanager
def start_receiver(folder: Path, *options: str) -> Iterator[Receiver]:
    """Runs the receiver that is in the folder until the block ends."""
    output = folder / "receiver.log"
    command = [sys.executable, str(folder / "receiver.py"), "secrets.json", *options]
    with (
        output.open("w") as stdout,
        subprocess.Popen(command, cwd=folder, env={**os.environ, "PORT": "0"}, stdout=stdout) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while "\n" not in output.read_text():
                assert process.poll() is None, "the receiver exited"
                assert time.monotonic() < deadline, "the receiver did not start in time"
                time.sleep(0.02)
            yield Receiver(json.loads(output.read_text())["url"], output)
        finally:
            process.terminate()


@dataclass
class Rotation:
    """The example's stack on a sandbox, its receiver, and the events that were sent.

    Attributes:
        folder: A copy of the example.
        sandbox: The Truto API.
        stack: The stack, or None if a test uses only the receiver.
        receiver: The receiver.
        events: The deliveries of each event.
    """

    folder: Path
    sandbox: Sandbox
    stack: Any
    receiver: Receiver
    events: list[list[dict[str, Any]]] = field(default_factory=list)

    def run(self, *steps: str, events: bool = True) -> None:
        """Runs the README's commands for some steps.

        Args:
            *steps: The keys of `readme_commands`.
            events: Whether events are sent before, during and after each command.
        """
        for step in steps:
            for command in readme_commands()[step]:
                with self.sending() if events else nullcontext():
                    self._run_command(command)

    def _run_command(self, command: str) -> None:
        if command == HAND_OVER:
            self.hand_over()
            return
        words = shlex.split(command)
        if words == ["pulumi", "up"]:
            self.stack.up()
        elif words == ["pulumi", "refresh"]:
            self.stack.refresh()
        elif words == ["pulumi", "preview", "--expect-no-changes"]:
            # The local engine does not have this option, so the changes are checked here.
            changes = {
                getattr(operation, "value", operation): count
                for operation, count in self.stack.preview().change_summary.items()
            }
            if any(count for operation, count in changes.items() if operation != "same"):
                raise UnexpectedChangesError(changes)
        elif words[:3] == ["pulumi", "config", "set"] and len(words) == 5:
            self.stack.set_config(words[3], ConfigValue(words[4]))
        else:
            # A sleep is skipped: it waits for retries, and the sandbox delivers each event before `send` returns.
            assert words[0] == "sleep", f"this test cannot run a command of the README: {command}"

    def hand_over(self) -> None:
        """Gives the receiver the secrets in the stack's output."""
        output = self.stack.outputs()["webhookSecrets"]
        assert output.secret
        (self.folder / "secrets.new").write_text(json.dumps(output.value))
        (self.folder / "secrets.new").replace(self.folder / "secrets.json")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Sends one event before the block, several during it, and one after it."""
        stopped = threading.Event()

        def keep_sending() -> None:
            for _ in range(500):
                if stopped.is_set():
                    return
                self.send()
                stopped.wait(0.02)

        self.send()
        thread = threading.Thread(target=keep_sending)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
        self.send()

    def send(self) -> int:
        """Makes Truto deliver one event, and returns the number of webhooks that received it."""
        body = {"event": EVENT_TYPE, "payload": {"number": len(self.events)}}
        response = requests.post(f"{self.sandbox.base_url}/__sandbox__/events", json=body, timeout=30)
        assert response.status_code == 200, response.text
        self.events.append(response.json()["deliveries"])
        return len(self.events[-1])

    @property
    def times_handled(self) -> Counter[int]:
        """How many events the receiver handled 0 times, once, twice and so on."""
        handled = Counter(line["id"] for line in self.receiver.log if line["outcome"] == "handled")
        return Counter(sum(handled[id_] for id_ in {delivery["id"] for delivery in event}) for event in self.events)


@contextmanager
def start_rotation(engine: Engine, example: Path, **settings: Any) -> Iterator[Rotation]:
    """Configures the example's stack and runs its receiver until the block ends. Nothing is deployed yet.

    Args:
        engine: The engine that runs the stack.
        example: A copy of the example.
        **settings: Settings of the sandbox.
    """
    with Sandbox(**settings) as sandbox, start_receiver(example) as receiver:
        stack = open_stack(engine, example, example.parent / "home", env_vars={"TRUTO_API_TOKEN": sandbox.token})
        stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        stack.set_config("targetUrl", ConfigValue(receiver.url + "/truto"))
        yield Rotation(example, sandbox, stack, receiver)
