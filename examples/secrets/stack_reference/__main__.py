"""The stack of the receiver reads the secret from the stack of the webhook, whose program exports ``webhookSecret``."""

import pulumi

config = pulumi.Config()
webhooks = pulumi.StackReference(config.require("webhookStack"))  # as "organization/webhooks/production"

# `require_output` fails if the other stack has no such output. The value stays a secret in this stack too.
secret = webhooks.require_output("webhookSecret")

# Hand it to whatever deploys the receiver.
environment = {"WEBHOOK_SECRETS": pulumi.Output.json_dumps([secret])}
pulumi.export("receiverEnvironment", environment)
