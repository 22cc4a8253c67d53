"""One Truto webhook. `pulumi install` makes the environment with uv, and `pulumi up` runs the program in it."""

import pulumi

import pulumi_truto as truto

orders = truto.Webhook(
    "orders",
    target_url="https://hooks.example.com/truto",
    event_types=["record:created", "integrated_account:active"],
)

pulumi.export("webhookId", orders.id)
pulumi.export("webhookSecret", orders.secret)
