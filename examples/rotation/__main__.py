"""One webhook for each generation of its secret: README.md says in which order to change `generations` and `active`.

Truto has no way to rotate a secret. A new secret needs a new webhook, and both exist until every event has arrived.
"""

import pulumi

import pulumi_truto as truto

config = pulumi.Config()
target_url = config.get("targetUrl") or "https://hooks.example.com/truto"
event_types = config.get_object("eventTypes") or ["record:created", "integrated_account:active"]

# Both are required: with a default, a lost configuration would delete or switch off the webhooks that are in use.
# As strings, because `pulumi config set --path` stores 2 as a number.
generations = [str(generation) for generation in config.require_object("generations")]
active = [str(generation) for generation in config.require_object("active")]

# A generation that is still active must not be removed: its events would be lost.
undeclared = sorted(set(active) - set(generations))
if undeclared:
    raise ValueError(f"'active' names {', '.join(undeclared)}, which 'generations' does not contain")

# The generation is part of the name, so that a new one is a new webhook and leaves the others as they are.
webhooks = {
    generation: truto.Webhook(
        f"orders-{generation}",
        target_url=target_url,
        event_types=event_types,
        is_active=generation in active,
    )
    for generation in generations
}

pulumi.export("webhookIds", {generation: webhook.id for generation, webhook in webhooks.items()})
# For the receiver, which accepts a delivery that is signed with any of them. A secret, because its parts are.
pulumi.export("webhookSecrets", pulumi.Output.all(*(webhook.secret for webhook in webhooks.values())))
