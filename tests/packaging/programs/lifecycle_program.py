"""The Pulumi program of `lifecycle.py`: several webhooks, one of them in another Truto environment."""

import pulumi

import pulumi_truto as truto

config = pulumi.Config()
hook = truto.Webhook(
    "orders",
    "https://hooks.example.com/truto",
    config.get_object("eventTypes"),
    opts=pulumi.ResourceOptions(replacement_trigger=config.get("trigger")),
)
unmanaged = truto.Webhook.get("unmanaged", config.require("unmanagedId"))
staging = truto.Provider("staging", config.require_secret("stagingToken"), pulumi.Config("truto").require("baseUrl"))
staging_hook = truto.Webhook("staging", unmanaged.target_url, opts=pulumi.ResourceOptions(provider=staging))
dependent = truto.Webhook("dependent", hook.id.apply(lambda id_: f"https://hooks.example.com/{id_}"))
for name in "id", "secret", "event_types", "environment_id":
    pulumi.export(name, getattr(hook, name))
pulumi.export("unmanaged_url", unmanaged.target_url)
pulumi.export("staging_environment_id", staging_hook.environment_id)
