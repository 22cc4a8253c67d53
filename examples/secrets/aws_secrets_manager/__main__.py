"""The secret in AWS Secrets Manager, for a receiver that reads it at start."""

import pulumi
import pulumi_aws as aws

import pulumi_truto as truto

config = pulumi.Config()

orders = truto.Webhook("orders", target_url=config.require("targetUrl"), event_types=["record:created"])

secret = aws.secretsmanager.Secret("truto-webhook")
aws.secretsmanager.SecretVersion(
    "truto-webhook",
    secret_id=secret.id,
    # A list, so that the receiver accepts two secrets while one replaces the other.
    secret_string=pulumi.Output.json_dumps([orders.require_secret()]),
)
pulumi.export("secretArn", secret.arn)
