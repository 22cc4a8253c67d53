"""A webhook whose secret is rotated by one changed line, without losing an event: README.md says how.

Pulumi replaces a webhook in this order: it creates the new one, updates what depends on it, then deletes the old one.
"""

import json
from pathlib import Path

import pulumi

import pulumi_truto as truto

config = pulumi.Config()

orders = truto.Webhook(
    "orders",
    target_url=config.require("targetUrl"),
    event_types=["record:created", "integrated_account:active"],
    # To rotate the secret, change this value and run `pulumi up`.
    opts=pulumi.ResourceOptions(replacement_trigger=config.get("rotation") or "2026-11"),
)

secrets = truto.SigningSecrets("orders", current=orders.secret)


def deploy(accepted: list[str]) -> str:
    """Stands for the resource that gives your service the secrets. Here the service reads them from a file."""
    file = Path(config.require("secretsFile"))
    new = Path(f"{file}.new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(accepted))
    new.replace(file)  # at once: no delivery meets half a list
    return "deployed"


service = secrets.accepted.apply(deploy)

truto.WebhookTest(
    "orders-are-accepted",
    # If a resource deploys your service: webhook_id=orders.id, and opts=pulumi.ResourceOptions(depends_on=[service])
    webhook_id=pulumi.Output.all(orders.id, service).apply(lambda done: done[0]),
)

pulumi.export("webhookId", orders.id)
