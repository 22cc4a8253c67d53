"""The secret as a Kubernetes Secret, and a test of the webhook after the receiver has rolled out with it."""

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Secret

import pulumi_truto as truto

config = pulumi.Config()
labels = {"app": "truto-receiver"}

orders = truto.Webhook("orders", target_url=config.require("targetUrl"), event_types=["record:created"])

secret = Secret(
    "truto-webhook",
    string_data={"WEBHOOK_SECRETS": pulumi.Output.json_dumps([orders.require_secret()])},
)
receiver = Deployment(
    "truto-receiver",
    spec={
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [
                    {
                        "name": "receiver",
                        "image": config.require("image"),
                        "env_from": [{"secret_ref": {"name": secret.metadata["name"]}}],
                    }
                ]
            },
        },
    },
)
truto.WebhookTest(
    "orders-are-accepted",
    webhook_id=orders.id,
    triggers=[orders.target_url, config.require("image")],
    retry_for_seconds=60,
    opts=pulumi.ResourceOptions(depends_on=[receiver]),
)
