"""The secret as a GitHub Actions secret, for a receiver that a workflow deploys."""

import pulumi
import pulumi_github as github

import pulumi_truto as truto

config = pulumi.Config()

orders = truto.Webhook("orders", target_url=config.require("targetUrl"), event_types=["record:created"])

github.ActionsSecret(
    "truto-webhook",
    repository=config.require("repository"),
    secret_name="TRUTO_WEBHOOK_SECRET",
    value=orders.require_secret(),
)
