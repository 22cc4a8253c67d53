"""`make demo` runs examples/gate, then examples/rotation, against a sandbox: from "created" to "rotated".

Program, provider, sandbox and receiver are real processes and sockets on this machine. Nothing else is contacted.
"""

import json
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from demo_receiver import make_server
from pulumi.automation import CommandError, ConfigValue

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing.stack import Engine, cli_version, open_stack

PROGRAM = Path(__file__).parent / "gate"
ROTATION = Path(__file__).parent / "rotation" / "__main__.py"


def main() -> int:
    """Plays the demo; the exit code is 0 if every part worked."""
    version = cli_version()
    if version:
        print(f"Engine: the Pulumi CLI {version}, with its state in a temporary folder.")
    else:
        print(
            "Engine: the local engine of pulumi_truto because there is no Pulumi CLI on PATH. Same program, "
            "same provider."
        )
    with tempfile.TemporaryDirectory(prefix="pulumi-truto-demo-") as folder, Sandbox() as sandbox:
        print(f"Sandbox: a local Truto API on {sandbox.base_url}")
        demo = Demo("cli" if version else "local", sandbox, Path(folder))
        try:
            demo.play()
        except (CommandError, AssertionError) as error:
            reason = str(error) if isinstance(error, AssertionError) else "see the error above"
            print(f"\nThe demo failed: {reason}", file=sys.stderr)
            return 1
        finally:
            demo.receiver.stop()
        return 0


class Receiver:
    """The service that receives the events. It reads the secret, or a list of secrets, from a file."""

    def __init__(self, secret_file: Path) -> None:
        self._secret_file = secret_file
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.events: list[dict[str, Any]] = []

    def start(self) -> None:
        """Listens; after a stop on the same port."""
        self._server = make_server(self.port, self._secrets, self.events.append)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _secrets(self) -> list[str]:
        text = self._secret_file.read_text()
        return list(json.loads(text)) if text.startswith("[") else [text]


class Demo:
    """The parts of the demo, in order."""

    def __init__(self, engine: Engine, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.receiver = Receiver(folder / "secret")
        self.receiver.start()
        self.program = folder / "gate" / "__main__.py"
        shutil.copytree(PROGRAM, self.program.parent)
        self.stack = open_stack(engine, folder / "gate", folder / "home")
        for key, value in (
            ("truto:baseUrl", sandbox.base_url),
            ("targetUrl", f"http://127.0.0.1:{self.receiver.port}/truto"),
            ("secretFile", str(folder / "secret")),
            ("secretsFile", str(folder / "secret")),
        ):
            self.stack.set_config(key, ConfigValue(value))
        self.stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))

    def play(self) -> None:
        """Plays every part."""
        part("1. pulumi up: creates the webhook, then Truto's test event has to pass")
        outputs = self.stack.up(on_output=show).outputs
        webhook_id, secret = outputs["webhookId"].value, outputs["webhookSecret"].value
        print(f"webhookId      {webhook_id}")
        print(f"webhookSecret  {secret[:4]}{'*' * (len(secret) - 4)}  (masked here, encrypted in the state)")
        require([event["event"] for event in self.receiver.events] == ["test"], "the receiver got no signed test event")
        print("The receiver verified the signature of the test event with the stack's secret.")

        part("2. pulumi up without changes: no call to Truto")
        self.sandbox.reset_calls()
        self.stack.up(on_output=show)
        print(f"API calls: {len(self.sandbox.calls)}")

        part("3. A new release, but the receiver is down: the run fails and says why")
        self.receiver.stop()
        self.stack.set_config("release", ConfigValue("2"))
        self.fail_to_deploy()

        part("4. The receiver is up again: the same run passes")
        self.receiver.start()
        self.stack.up(on_output=show)

        part("5. The receiver fails for a while, and Truto switches the webhook off: a refresh says why")
        self.lose_events()
        for notification in self.sandbox.notifications:
            print(f"Truto notified the destination {notification.destination_id}: {notification.text}")
        require(len(self.sandbox.notifications) == 1, "nobody was told")
        self.stack.refresh(on_output=show)

        part("6. pulumi up switches it on again")
        outputs = self.stack.up(on_output=show).outputs
        require(outputs["webhookId"].value == webhook_id, "the webhook was not updated in place")
        require(self.sandbox.backend.webhooks()[0].is_active, "the webhook is still off")

        part("7. examples/rotation in its place: SigningSecrets come, the destination goes, the webhook stays")
        shutil.copy(ROTATION, self.program)
        again = self.stack.up(on_output=show).outputs
        require(again["webhookId"].value == webhook_id, "the webhook was replaced")

        part("8. One changed line rotates the secret, while an event is sent every 20 ms")
        show("$ pulumi config set rotation 2026-12")
        show("$ pulumi up")
        self.stack.set_config("rotation", ConfigValue("2026-12"))
        # Until the service has the new secret it rejects the new webhook's deliveries. Truto's limit is not known.
        self.sandbox.backend.change_settings({"deactivate_after": 10_000})
        with self.sending() as accepted:
            rotated = self.stack.up(on_output=show).outputs
        require(rotated["webhookId"].value != webhook_id, "the webhook was not replaced")
        print(f"{len(accepted)} events were sent, and {accepted.count(False)} were lost.")
        require(all(accepted), "an event was lost")

        part("9. pulumi destroy: deletes the webhook")
        self.stack.destroy(on_output=show)
        remaining = len(self.sandbox.backend.webhooks())
        print(f"Webhooks left at Truto: {remaining}. The stack is deleted with its temporary folder.")
        require(remaining == 0, "a webhook is left")

    @contextmanager
    def sending(self) -> Generator[list[bool], None, None]:
        """Sends events until the block ends. The list says of each whether the receiver accepted it at least once."""
        done, accepted = threading.Event(), list[bool]()

        def send() -> None:
            while not done.wait(0.02):
                deliveries = self.sandbox.publish("record:created")
                accepted.append(any(delivery.ok for delivery in deliveries))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield accepted
        finally:
            done.set()
            thread.join()

    def fail_to_deploy(self) -> None:
        """Runs a step that has to fail, and shows its error alone."""
        try:
            self.stack.up()
        except CommandError as error:
            reason = re.search("the receiver of webhook .*", str(error))
            if reason is None:
                raise AssertionError(f"the run failed for another reason:\n{error}") from None
            show(f"error: {reason[0]}")
            print("The run failed, as it should. The webhook and its secret are still in the state.")
            if "KeyboardInterrupt" in str(error):
                print("Not shown: Pulumi's pages of KeyboardInterrupt, which it prints because it stops the program.")
        else:
            require(False, "the run passed although the receiver is down")

    def lose_events(self) -> None:
        """Publishes events that the receiver rejects with 503, until Truto switches the webhook off."""
        event = {"event": "record:created"}
        self.sandbox.inject("status", "delivery", status=503, times=0)
        for _ in range(self.sandbox.backend.settings.deactivate_after):
            requests.post(f"{self.sandbox.base_url}/__sandbox__/events", json=event, timeout=30).raise_for_status()
        self.sandbox.faults.clear()


def part(title: str) -> None:
    """Prints the title of the next part."""
    print(f"\n== {title}", flush=True)


def show(line: str) -> None:
    """Prints a line of the engine's output as it arrives."""
    print(f"   {line.rstrip()}", flush=True)


def require(condition: bool, message: str) -> None:
    """Ends the demo if something is not as it should be."""
    if not condition:
        raise AssertionError(message)


if __name__ == "__main__":
    sys.exit(main())
