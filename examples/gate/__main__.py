"""A webhook, the service that receives its events, and a gate: the deployment fails if the service rejects them.

Truto switches a webhook off if its deliveries keep failing, and notifies the people of a notification destination.
"""

from pathlib import Path

import pulumi

import pulumi_truto as truto

config = pulumi.Config()

orders = truto.Webhook(
    "orders",
    target_url=config.require("targetUrl"),
    event_types=["record:created", "integrated_account:active"],
)

# Truto notifies these people when it switches the webhook off.
truto.NotificationDestination("on-call", type="email", config={"to": [config.get("onCall") or "on-call@example.com"]})


def deploy(secret: str) -> str:
    """Stands for the resources that deploy your service with the secret. Here the service reads it from a file."""
    Path(config.require("secretFile")).write_text(secret)
    return "deployed"


service = orders.require_secret().apply(deploy)

truto.WebhookTest(
    "orders-are-accepted",
    # Only when the service has the secret. If a resource deploys it: opts=pulumi.ResourceOptions(depends_on=[service])
    webhook_id=pulumi.Output.all(orders.id, service).apply(lambda values: values[0]),
    triggers=[orders.target_url, config.get("release")],
    retry_for_seconds=config.get_float("retryForSeconds"),
)

pulumi.export("webhookId", orders.id)
pulumi.export("webhookSecret", orders.secret)
