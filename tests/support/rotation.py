"""Runs the rotation example: its stack on a sandbox, its receiver in a process, and an event every 20 ms."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pulumi.automation import ConfigValue

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.deliveries import Delivery
from pulumi_truto.testing import Engine
from tests.support.commands import REPOSITORY
from tests.support.project import Project, ProviderKind

__all__ = ["EXAMPLE", "Receiver", "Rotation", "start_receiver", "start_rotation"]

EXAMPLE: Final = REPOSITORY / "examples" / "rotation"
_INTERVAL_SECONDS: Final = 0.02


@dataclass
class Receiver:
    """The example's receiver, which runs as a separate process.

    Attributes:
        url: Where it listens.
        secrets_file: The file from which it reads the secrets.
        output: The file that contains its output.
    """

    url: str
    secrets_file: Path
    output: Path

    @property
    def secrets(self) -> list[str]:
        """The secrets that it accepts."""
        accepted: list[str] = json.loads(self.secrets_file.read_text())
        return accepted

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the receiver did with each delivery. It writes the line of a delivery before it responds."""
        return [json.loads(line) for line in self.output.read_text().splitlines()][1:]

    @property
    def times_handled(self) -> Counter[str]:
        """How many times it handled each event, by the event's id."""
        return Counter(line["id"] for line in self.log if line["outcome"] == "handled")


@contextmanager
def start_receiver(folder: Path) -> Iterator[Receiver]:
    """Runs the example's receiver, with its files in the folder, until the block ends. It accepts no secret yet."""
    output, secrets_file = folder / "receiver.log", folder / "secrets.json"
    secrets_file.write_text("[]")
    command = [sys.executable, str(EXAMPLE / "receiver.py"), str(secrets_file)]
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
            yield Receiver(json.loads(output.read_text())["url"], secrets_file, output)
        finally:
            process.terminate()


@dataclass
class Rotation:
    """The example's stack and its receiver.

    Attributes:
        project: The stack, which is not deployed yet.
        receiver: The receiver.
        events: The deliveries of each event that was sent.
        secrets: The secrets of all webhooks so far.
    """

    project: Project
    receiver: Receiver
    events: list[list[Delivery]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def configure(self, key: str, value: object) -> None:
        """Sets one key of the stack's configuration."""
        self.project.stack.set_config(key, ConfigValue(str(value)))

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Sends an event every 20 ms, from before the block until after it, and then waits for the last retry."""
        sandbox, done, sent = self.project.sandbox, threading.Event(), list[Future[list[Delivery]]]()

        def keep_sending() -> None:
            while not done.wait(_INTERVAL_SECONDS):
                sent.append(pool.submit(sandbox.publish, "record:created", {"number": len(sent)}))

        self.events.append(sandbox.publish("record:created"))
        with ThreadPoolExecutor(16) as pool:
            thread = threading.Thread(target=keep_sending)
            thread.start()
            try:
                yield
            finally:
                done.set()
                thread.join()
        self.events += [future.result() for future in sent]
        self.events.append(sandbox.publish("record:created"))
        self.secrets |= {webhook.secret for webhook in sandbox.webhooks()}

    def check_events(self) -> None:
        """Asserts that every event was accepted, and handled once, and that no secret was shown or is readable."""
        assert len(self.events) > 2
        assert [deliveries for deliveries in self.events if not any(delivery.ok for delivery in deliveries)] == []
        ids = {delivery.id for deliveries in self.events for delivery in deliveries}
        handled = self.receiver.times_handled
        assert {id_: handled[id_] for id_ in ids} == dict.fromkeys(ids, 1)
        for secret in self.secrets:
            assert secret not in self.project.state
            assert secret not in self.project.output_text


@contextmanager
def start_rotation(engine: Engine, kind: ProviderKind, folder: Path) -> Iterator[Rotation]:
    """Configures the example's stack and runs its receiver until the block ends. Nothing is deployed yet."""
    # Until the receiver has the new secret, it rejects the new webhook's deliveries. Truto's limit is not known.
    settings: dict[str, Any] = {"retry_backoff_seconds": 0.01, "deactivate_after": 10**6}
    with Sandbox(rate_limit=10**6, **settings) as sandbox, start_receiver(folder) as receiver:
        project = Project(engine, sandbox, folder / "project", provider_kind=kind)
        # The project has the imports of the provider kind.
        project.program(re.sub(r"^import pulumi.*$", "", (EXAMPLE / "__main__.py").read_text(), flags=re.MULTILINE))
        rotation = Rotation(project, receiver)
        rotation.configure("targetUrl", receiver.url + "/truto")
        rotation.configure("secretsFile", receiver.secrets_file)
        yield rotation
