"""Deploys a webhook from a Python script with Pulumi's Automation API: the program is a function, without a project."""

import os
import sys
from pathlib import Path

import pulumi
from pulumi import automation

import pulumi_truto as truto


def program() -> None:
    """Declares one webhook."""
    orders = truto.Webhook(
        "orders",
        target_url="https://hooks.example.com/truto",
        event_types=["record:created", "integrated_account:active"],
    )
    pulumi.export("webhookId", orders.id)
    pulumi.export("webhookSecret", orders.secret)


def main() -> None:
    """Runs `pulumi up`, or `pulumi destroy` with the argument "destroy"."""
    # The CLI runs a dynamic provider with the first `python` on PATH. An inline program cannot name its environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    stack = automation.create_or_select_stack(
        stack_name="dev",
        project_name="truto-automation",
        program=program,
        opts=automation.LocalWorkspaceOptions(env_vars={"PATH": path}),
    )
    if sys.argv[1:] == ["destroy"]:
        stack.destroy(on_output=print)
    else:
        result = stack.up(on_output=print)
        print("webhook", result.outputs["webhookId"].value)


if __name__ == "__main__":
    main()
