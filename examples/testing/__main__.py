"""The program under test: one webhook for each team, and a dashboard of another provider that needs their ids."""

import pulumi

import pulumi_truto as truto

config = pulumi.Config()

webhooks = {
    team: truto.Webhook(
        team,
        target_url=f"https://hooks.example.com/{team}",
        event_types=["record:created", "record:updated"],
        is_active=config.get_bool("active", True),
    )
    for team in config.require_object("teams")
}

pulumi.export("ids", {team: webhook.id for team, webhook in webhooks.items()})
for team, webhook in webhooks.items():
    pulumi.export(f"{team}Secret", webhook.secret)
