"""Takes a stack from its first preview to its destroy, with whatever versions of the dependencies are installed.

Usage: ``python lifecycle.py FOLDER``, with `lifecycle_program.py` next to this file. FOLDER must be empty.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi.automation import ConfigValue

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import open_stack


def create_stack(folder: Path, sandbox: Sandbox, unmanaged_id: str, staging_token: str) -> Any:
    """Creates the stack and its configuration."""
    (folder / "Pulumi.yaml").write_text("name: lifecycle\nruntime: python\n")
    shutil.copy(Path(__file__).with_name("lifecycle_program.py"), folder / "__main__.py")
    stack = open_stack("local", folder, folder)
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
    stack.set_config("unmanagedId", ConfigValue(unmanaged_id))
    stack.set_config("stagingToken", ConfigValue(staging_token, secret=True))
    stack.set_config("eventTypes", ConfigValue('["record:created"]'))
    stack.set_config("trigger", ConfigValue("1"))
    return stack


def outputs(stack: Any) -> dict[str, Any]:
    """The outputs of the stack, with secrets in plain text."""
    return {name: output.value for name, output in stack.outputs().items()}


def run_lifecycle(stack: Any, sandbox: Sandbox, unmanaged: dict[str, Any], staging_id: str) -> None:
    """Runs every operation and checks its calls and outputs."""

    def changes(run: Callable[[], object]) -> list[str]:
        """The calls of a run, sorted, without those that only read."""
        sandbox.reset_calls()
        run()
        return sorted(
            call.operation for call in sandbox.calls if call.operation not in ("read", "list", "list_triggers")
        )

    assert changes(stack.preview) == []
    assert changes(stack.up) == ["create", "create", "create", "update", "update", "update"]
    first_outputs = outputs(stack)
    assert first_outputs["unmanaged_url"] == unmanaged["target_url"]
    assert first_outputs["environment_id"] == sandbox.environment_id
    assert first_outputs["staging_environment_id"] == staging_id
    assert changes(stack.up) == []

    stack.set_config("eventTypes", ConfigValue('["record:*"]'))
    assert changes(stack.preview) == []
    assert changes(stack.up) == ["update"]
    assert outputs(stack) == {**first_outputs, "event_types": ["record:*"]}

    # A change outside Pulumi: a refresh finds it, and the next up corrects it.
    sandbox.backend.edit(first_outputs["id"], {"event_types": ["record:deleted"]})
    assert changes(stack.refresh) == []
    assert changes(stack.up) == ["update"]

    stack.set_config("trigger", ConfigValue("2"))
    assert changes(stack.up) == ["create", "delete", "update", "update"]
    assert outputs(stack)["secret"] != first_outputs["secret"]

    assert changes(stack.destroy) == ["delete", "delete", "delete"]
    assert [webhook.id for webhook in sandbox.backend.webhooks()] == [unmanaged["id"]]


def main(folder: Path) -> None:
    """Runs the lifecycle of one stack in a folder."""
    with Sandbox() as sandbox:
        unmanaged = sandbox.backend.create(sandbox.environment_id, {"target_url": "https://hooks.example.com/theirs"})
        staging = sandbox.add_environment("staging")
        run_lifecycle(create_stack(folder, sandbox, unmanaged["id"], staging.token), sandbox, unmanaged, staging.id)
    print("lifecycle completed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
