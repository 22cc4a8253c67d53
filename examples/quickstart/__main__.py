"""One Truto webhook: its id and its signing secret are outputs for the service that receives the events."""

import pulumi

import pulumi_truto as truto

config = pulumi.Config()

orders = truto.Webhook(
    "orders",
    target_url=config.get("targetUrl") or "https://hooks.example.com/truto",
    event_types=config.get_object("eventTypes") or ["record:created", "integrated_account:active"],
)

pulumi.export("webhookId", orders.id)
pulumi.export("webhookSecret", orders.secret)
