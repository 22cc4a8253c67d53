"""`make demo`: examples/quickstart on a sandbox, from the first `up` to the last `destroy`, everything for real.

The program, the provider and the sandbox are processes and sockets of this machine; nothing else is contacted.
"""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

from pulumi.automation import CommandError, ConfigValue
from receiver import make_server

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.config import Settings
from pulumi_truto.local_engine.open_stack import cli_version, open_stack
from pulumi_truto.sandbox import Sandbox

QUICKSTART = Path(__file__).parent / "quickstart"


def main() -> int:
    """Plays the demo; the exit code is 0 if every part of it worked."""
    version = cli_version()
    if version:
        print(f"Engine: the Pulumi CLI {version}, with its state in a temporary folder.")
    else:
        print("Engine: pulumi_truto's local engine, as there is no Pulumi CLI on PATH. Same program, same provider.")
    with tempfile.TemporaryDirectory(prefix="pulumi-truto-demo-") as folder, Sandbox() as sandbox:
        print(f"Sandbox: a local Truto on {sandbox.base_url}")
        try:
            return play("cli" if version else "local", sandbox, Path(folder))
        except CommandError:
            print("\nThe demo failed: see the error above.", file=sys.stderr)
            return 1


def play(engine, sandbox: Sandbox, folder: Path) -> int:
    """The parts of the demo, one after the other."""
    secrets: list[str] = []
    events: list[dict] = []
    receiver = make_server(0, secrets, events.append)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()

    program = folder / "quickstart"
    shutil.copytree(QUICKSTART, program)
    stack = open_stack(engine, program, folder / "home")
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
    stack.set_config("targetUrl", ConfigValue(f"http://127.0.0.1:{receiver.server_port}/truto"))

    part("1. pulumi up: creates the webhook")
    created = stack.up(on_output=show).outputs
    webhook_id, secret = created["webhookId"].value, created["webhookSecret"].value
    secrets.append(secret)
    print(f"webhookId      {webhook_id}")
    print(f"webhookSecret  {secret[:4]}{'*' * (len(secret) - 4)}  (masked here, encrypted in the state)")

    part("2. a signed test event, verified by a local receiver with the stack's secret")
    TrutoClient(Settings(sandbox.token, sandbox.base_url)).test_webhook(webhook_id)
    if [event["event"] for event in events] != ["test"]:
        print("The receiver got no event with a right signature.", file=sys.stderr)
        return 1
    print(f"Received and verified: {events[0]['event']!r} with the payload {events[0]['payload']}")

    part("3. other event types: an update in place, same id, same secret")
    stack.set_config("eventTypes", ConfigValue('["record:*"]'))
    updated = stack.up(on_output=show).outputs
    if (updated["webhookId"].value, updated["webhookSecret"].value) != (webhook_id, secret):
        print("The webhook was not updated in place.", file=sys.stderr)
        return 1

    part("4. pulumi up again: nothing to do, and no call to Truto")
    sandbox.reset_calls()
    stack.up(on_output=show)
    print(f"API calls: {len(sandbox.calls)}")

    part("5. pulumi destroy: the webhook is gone")
    stack.destroy(on_output=show)
    receiver.shutdown()
    receiver.server_close()
    print(f"Webhooks left at Truto: {len(sandbox.backend.webhooks())}")
    return 0 if not sandbox.backend.webhooks() else 1


def part(title: str) -> None:
    """Prints the title of the next part."""
    print(f"\n== {title}", flush=True)


def show(line: str) -> None:
    """Prints a line of the engine's output as it comes."""
    print(f"   {line.rstrip()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
