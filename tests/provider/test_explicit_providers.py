"""Programs use truto.Provider, for example to manage several Truto environments."""

from __future__ import annotations

from tests.support.project import URL, Project


def test_one_program_manages_several_environments(project: Project) -> None:
    """One program manages webhooks in several environments, and changing a provider's token changes no webhook."""
    staging = project.sandbox.add_environment("staging")
    new_token = project.sandbox.backend.add_token(staging.id)

    def declare(staging_token: str) -> None:
        project.program(f"""
            staging = truto.Provider("staging", api_token={staging_token!r}, base_url={project.sandbox.base_url!r})
            truto.Webhook("default", target_url=URL)
            hook = truto.Webhook("staging", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
            pulumi.export("environment", hook.environment_id)
        """)

    declare(staging.token)
    assert sorted(project.up().calls) == ["create", "create", "update", "update"]
    assert project.outputs["environment"] == staging.id
    assert {webhook.environment_id for webhook in project.sandbox.backend.webhooks()} == {
        staging.id,
        project.sandbox.environment_id,
    }
    declare(new_token)
    project.sandbox.backend.revoke_token(staging.token)
    outcome = project.up()
    assert outcome.calls == []
    assert outcome.changes == {"same": 3, "update": 1}  # the provider alone
    project.destroy()
    assert project.sandbox.backend.webhooks() == []
    for token in (staging.token, new_token):
        assert token not in project.output_text


def test_moving_to_another_environment_needs_a_replacement_trigger(project: Project) -> None:
    """Pulumi ignores a changed provider, and the next update then fails. A new trigger moves the webhook."""
    staging = project.sandbox.add_environment("staging")
    project.sandbox.backend.create(staging.id, {"target_url": URL + "/theirs"})

    def declare(trigger: str, option: str = "", is_active: bool = True) -> None:
        project.program(f"""
            staging = truto.Provider("staging", api_token={staging.token!r}, base_url={project.sandbox.base_url!r})
            opts = pulumi.ResourceOptions(replacement_trigger="{trigger}"{option})
            truto.Webhook("orders", target_url=URL, is_active={is_active}, opts=opts)
        """)

    declare("1")
    project.up()
    declare("1", ", provider=staging")
    assert project.up().calls == []
    declare("1", ", provider=staging", is_active=False)
    text = project.fails(project.up).text
    assert staging.id in text
    assert project.sandbox.environment_id in text
    declare("1")
    project.up()
    declare("2", ", provider=staging")
    assert project.up().calls == ["create", "update", "list_triggers", "delete"]
    assert [webhook.environment_id for webhook in project.sandbox.backend.webhooks()] == [staging.id] * 2


def test_provider_without_arguments(project: Project) -> None:
    """It takes its settings from the stack's configuration; that of the plugin does not, and says so."""
    project.program("""
        provider = truto.Provider("same")
        truto.Webhook("a", target_url=URL, opts=pulumi.ResourceOptions(provider=provider))
    """)
    if project.provider_kind == "native":
        assert "an explicit provider does not use the stack's truto:apiToken" in project.fails(project.up).text
    else:
        assert project.up().calls == ["create", "update"]


def test_component_passes_its_provider_to_its_webhooks(project: Project) -> None:
    """A webhook inside a component uses the provider of the component."""
    staging = project.sandbox.add_environment("staging")
    project.program(f"""
        class Receiver(pulumi.ComponentResource):
            def __init__(self, name, opts=None):
                super().__init__("app:index:Receiver", name, None, opts)
                self.hook = truto.Webhook(name, target_url=URL, opts=pulumi.ResourceOptions(parent=self))
                self.register_outputs({{"id": self.hook.id}})

        staging = truto.Provider("staging", api_token={staging.token!r}, base_url={project.sandbox.base_url!r})
        receiver = Receiver("orders", pulumi.ResourceOptions(providers=[staging]))
        pulumi.export("environment", receiver.hook.environment_id)
    """)
    project.up()
    assert project.outputs["environment"] == staging.id
    assert project.up().calls == []
    project.destroy()
    assert project.sandbox.backend.webhooks() == []
