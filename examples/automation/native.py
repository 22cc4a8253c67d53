"""Does the same as dynamic.py, with the native plugin and its generated SDK."""

import sys

import pulumi
import pulumi_truto_native as truto
from pulumi import automation


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
    stack = automation.create_or_select_stack(stack_name="dev", project_name="truto-automation-native", program=program)
    if sys.argv[1:] == ["destroy"]:
        stack.destroy(on_output=print)
    else:
        result = stack.up(on_output=print)
        print("webhook", result.outputs["webhookId"].value)


if __name__ == "__main__":
    main()
