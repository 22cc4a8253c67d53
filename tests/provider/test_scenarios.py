"""What a user does with webhooks, written once and run on the local engine and, where there is one, the real CLI."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.project import URL, Project

TWO_EVENTS = 'event_types=["record:created", "integrated_account:active"]'


def the_webhook(project: Project) -> dict[str, object]:
    """The only webhook at Truto."""
    [webhook] = project.sandbox.backend.webhooks()
    return {
        "id": webhook.id,
        "target_url": webhook.target_url,
        "event_types": list(webhook.event_types or []),
        "is_active": webhook.is_active,
        "secret": webhook.secret,
    }


def test_create(project: Project) -> None:
    """A declared webhook is created with one call, and all its outputs are there."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    assert project.preview().calls == []
    outcome = project.up()
    assert outcome.changes == {"create": 2}  # the webhook and the stack itself
    assert outcome.calls == ["create"]
    webhook = the_webhook(project)
    outputs = project.outputs
    assert outputs["id"] == webhook["id"]
    assert outputs["secret"] == webhook["secret"]
    assert outputs["target_url"] == URL == webhook["target_url"]
    assert outputs["event_types"] == ["integrated_account:active", "record:created"]
    assert outputs["is_active"] is True
    assert outputs["environment_id"] == project.sandbox.environment_id
    assert outputs["created_at"] == outputs["updated_at"]
    assert outputs["created_at"].endswith("Z")
    assert {name for name, output in project.stack.outputs().items() if output.secret} == {"secret"}


def test_no_op(project: Project) -> None:
    """Without a change neither preview nor up calls Truto, and nothing is reported as changed."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    project.up()
    for run in (project.preview, project.up):
        outcome = run()
        assert outcome.changes == {"same": 2}
        assert outcome.calls == []


def test_event_types_are_a_set(project: Project) -> None:
    """Another order and repeats of the event types are no change."""
    project.webhook('target_url=URL, event_types=["record:created", "record:deleted"]')
    project.up()
    project.webhook('target_url=URL, event_types=["record:deleted", "record:created", "record:deleted"]')
    assert project.preview().changes == {"same": 2}
    outcome = project.up()
    assert outcome.changes == {"same": 2}
    assert outcome.calls == []


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (f'target_url=URL + "/two", {TWO_EVENTS}', {"target_url": URL + "/two"}),
        ('target_url=URL, event_types=["record:*"]', {"event_types": ["record:*"]}),
        (f"target_url=URL, {TWO_EVENTS}, is_active=False", {"is_active": False}),
    ],
)
def test_update_of_each_property(project: Project, arguments: str, sent: dict[str, object]) -> None:
    """A changed property is updated in place, only it is sent, and id and secret stay."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    project.up()
    before = project.outputs
    project.webhook(arguments)
    assert project.preview().changes == {"same": 1, "update": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.calls == ["update"]
    assert project.sandbox.calls[-1].body == sent
    after = project.outputs
    assert after | {"updated_at": ""} == before | sent | {"updated_at": ""}
    assert after["updated_at"] >= before["updated_at"]
    assert project.up().calls == []


def test_every_event_and_back(project: Project) -> None:
    """From a list to every event and back, by None and by an empty list, which mean the same."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    project.up()
    project.webhook("target_url=URL, event_types=None")
    assert project.up().calls == ["update"]
    assert the_webhook(project)["event_types"] == []
    assert project.outputs["event_types"] == []
    project.webhook("target_url=URL, event_types=[]")
    assert project.preview().changes == {"same": 2}
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    assert project.up().calls == ["update"]
    assert the_webhook(project)["event_types"] == ["integrated_account:active", "record:created"]


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_every_event_is_stable(project: Project, empty_event_types_as: str) -> None:
    """However Truto shows "every event", a refresh finds no drift and the next run no change."""
    project.sandbox.backend.change_settings({"empty_event_types_as": empty_event_types_as, "timestamp_format": "space"})
    project.webhook("target_url=URL")
    project.up()
    assert project.refresh().changes == {"same": 2}
    assert project.up().changes == {"same": 2}


def test_drift_is_shown_and_healed(project: Project) -> None:
    """A webhook that Truto switched off is shown by a refresh and switched on by the next up; the secret stays."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    project.up()
    secret = project.outputs["secret"]
    project.sandbox.backend.edit(project.outputs["id"], {"is_active": False, "event_types": ["record:deleted"]})
    outcome = project.refresh()
    assert outcome.changes == {"same": 1, "update": 1}
    assert outcome.calls == ["read"]
    assert project.preview().changes == {"same": 1, "update": 1}
    assert project.up().calls == ["update"]
    assert the_webhook(project)["is_active"] is True
    assert the_webhook(project)["event_types"] == ["integrated_account:active", "record:created"]
    assert project.outputs["secret"] == secret == the_webhook(project)["secret"]


def test_drift_beside_a_change(project: Project) -> None:
    """An update sends what the program changed, and tells of what somebody else changed meanwhile."""
    project.webhook(f"target_url=URL, {TWO_EVENTS}")
    project.up()
    project.sandbox.backend.edit(project.outputs["id"], {"target_url": URL + "/theirs"})
    project.webhook(f"target_url=URL, {TWO_EVENTS}, is_active=False")
    outcome = project.up()
    assert "changed outside Pulumi too, in target_url" in outcome.text
    assert project.preview().changes == {"same": 1, "update": 1}
    assert project.up().calls == ["update"]
    assert the_webhook(project)["target_url"] == URL


def test_gone_is_created_again(project: Project) -> None:
    """A webhook deleted by hand is taken out of the state by a refresh and created again, with its own new secret."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    assert project.refresh().changes == {"same": 1, "delete": 1}
    assert project.up().changes == {"same": 1, "create": 1}
    assert project.outputs["secret"] == the_webhook(project)["secret"]


def test_update_of_gone(project: Project) -> None:
    """An update of a webhook deleted by hand says so and how to go on, and doing that works."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    project.webhook("target_url=URL, is_active=False")
    text = project.fails(project.up).text
    assert "deleted outside Pulumi" in text
    # Pulumi shows the stack of a dynamic provider's error: as little of ours as can be.
    assert set(re.findall(r"pulumi_truto/(\w+)\.py", text)) == (
        {"dynamic"} if project.provider_kind == "dynamic" else set()
    )
    assert "pulumi up --refresh" in text
    project.up(refresh=True)
    assert the_webhook(project)["is_active"] is False


def test_delete_of_gone(project: Project) -> None:
    """Destroying a stack whose webhook was already deleted succeeds."""
    project.webhook()
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    assert project.destroy().changes == {"delete": 2}


def test_removed_from_the_program(project: Project) -> None:
    """A webhook that the program no longer declares is deleted, with one call; the others stay."""
    project.program("""
        for name in ["a", "b"]:
            truto.Webhook(name, target_url=f"{URL}/{name}")
    """)
    project.up()
    project.program('truto.Webhook("b", target_url=f"{URL}/b")')
    assert project.preview().changes == {"same": 2, "delete": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 2, "delete": 1}
    assert outcome.calls == ["delete"]
    assert the_webhook(project)["target_url"] == f"{URL}/b"


def test_get(project: Project) -> None:
    """A webhook that exists is read, not managed: its secret is null with a warning, and destroy leaves it alone."""
    webhook = project.sandbox.backend.create(
        project.sandbox.environment_id, {"target_url": URL, "event_types": ["record:*"]}
    )
    project.program(f"""
        hook = truto.Webhook.get("theirs", {webhook["id"]!r})
        pulumi.export("url", hook.target_url)
        pulumi.export("events", hook.event_types)
        pulumi.export("secret", hook.secret)
    """)
    outcome = project.up()
    assert outcome.calls == ["read"]
    assert "Truto shows it only once" in outcome.text
    assert project.outputs["url"] == URL
    assert project.outputs["events"] == ["record:*"]
    assert project.outputs.get("secret") is None
    assert project.up().calls == ["read"]
    project.destroy()
    assert len(project.sandbox.backend.webhooks()) == 1


def test_get_of_nothing(project: Project) -> None:
    """Reading a webhook that does not exist fails, and names the id."""
    project.program('truto.Webhook.get("theirs", "00000000-0000-4000-8000-000000000000")')
    assert "00000000-0000-4000-8000-000000000000" in project.fails(project.up).text


def test_several_environments(project: Project) -> None:
    """One program serves several Truto environments; a changed token touches no webhook."""
    other = project.sandbox.add_environment("staging")
    second_token = project.sandbox.backend.add_token(other.id)

    def write(token: str) -> None:
        project.program(f"""
            staging = truto.Provider("staging", api_token={token!r}, base_url={project.sandbox.base_url!r})
            truto.Webhook("here", target_url=URL)
            hook = truto.Webhook("there", target_url=URL, opts=pulumi.ResourceOptions(provider=staging))
            pulumi.export("environment", hook.environment_id)
        """)

    write(other.token)
    assert project.up().calls == ["create", "create"]
    assert project.outputs["environment"] == other.id
    assert {each.environment_id for each in project.sandbox.backend.webhooks()} == {
        other.id,
        project.sandbox.environment_id,
    }
    write(second_token)
    project.sandbox.backend.revoke_token(other.token)
    outcome = project.up()
    assert outcome.calls == []
    assert outcome.changes == {"same": 3, "update": 1}  # the provider alone
    project.destroy()
    assert project.sandbox.backend.webhooks() == []
    for token in (other.token, second_token):
        assert token not in project.shown


def test_moving_to_another_environment(project: Project) -> None:
    """Another provider alone is no change to Pulumi, and the next change is refused; with a new trigger it moves."""
    other = project.sandbox.add_environment("staging")
    project.sandbox.backend.create(other.id, {"target_url": URL + "/theirs"})
    body = f"""
        staging = truto.Provider("staging", api_token={other.token!r}, base_url={project.sandbox.base_url!r})
        opts = pulumi.ResourceOptions(replacement_trigger="%s"%s)
        truto.Webhook("orders", target_url=URL, is_active=%s, opts=opts)
    """
    project.program(body % ("1", "", True))
    project.up()
    project.program(body % ("1", ", provider=staging", True))
    assert project.up().calls == []
    project.program(body % ("1", ", provider=staging", False))
    text = project.fails(project.up).text
    assert other.id in text
    assert project.sandbox.environment_id in text
    project.program(body % ("1", "", True))
    project.up()
    project.program(body % ("2", ", provider=staging", True))
    assert project.up().calls == ["create", "delete"]
    assert [webhook.environment_id for webhook in project.sandbox.backend.webhooks()] == [other.id] * 2


def test_a_bad_input_is_not_shown(project: Project) -> None:
    """What is wrong is said without the value, which can be a secret or hold a password."""
    project.webhook('target_url=pulumi.Output.secret("http://hooks.example.com/?key=S3CRET"), is_active=73313')
    text = project.fails(project.preview).text
    assert "must start with https://" in text
    assert project.name_of("is_active") + " must be true or false, not a number" in text
    assert "S3CRET" not in text
    assert "73313" not in text
    project.webhook('target_url="https://user:hunter2@hooks.example.com"')
    assert "hunter2" not in project.fails(project.preview).text


def test_provider_falls_back_to_the_stack(project: Project) -> None:
    """A truto.Provider without arguments takes the stack's configuration."""
    project.program("""
        provider = truto.Provider("same")
        truto.Webhook("a", target_url=URL, opts=pulumi.ResourceOptions(provider=provider))
    """)
    assert project.up().calls == ["create"]


def test_token_change(project: Project) -> None:
    """A changed token in the stack's configuration touches no webhook."""
    project.webhook()
    project.up()
    new = project.sandbox.backend.add_token(project.sandbox.environment_id)
    project.sandbox.backend.revoke_token(project.sandbox.token)
    project.set_token(new)
    outcome = project.up()
    assert outcome.changes == {"same": 2}
    assert outcome.calls == []
    assert project.refresh().changes == {"same": 2}


def test_outdated_token(project: Project) -> None:
    """A refresh with the token of the last up, meanwhile revoked, fails with the cause and the remedy."""
    project.webhook()
    project.up()
    project.set_token(project.sandbox.backend.add_token(project.sandbox.environment_id))
    project.sandbox.backend.revoke_token(project.sandbox.token)
    text = project.fails(project.refresh).text
    assert "401" in text
    assert "--run-program" in text
    assert len(project.managed) == 1


def test_token_from_the_environment(new_project: Callable[..., Project]) -> None:
    """A token from TRUTO_API_TOKEN works, and is nowhere in the state."""
    sandbox = new_project().sandbox
    project = new_project(TRUTO_API_TOKEN=sandbox.token, TRUTO_BASE_URL=sandbox.base_url)
    project.set_token(None)
    project.stack.remove_config("truto:baseUrl")
    project.webhook()
    assert project.up().calls == ["create"]
    assert sandbox.token not in project.state + project.shown


def test_replacement_trigger(project: Project) -> None:
    """A changed trigger makes a new webhook with a new secret first, and deletes the old one afterwards."""
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    before = project.outputs
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    assert project.preview().changes == {"same": 1, "replace": 1}
    outcome = project.up()
    assert outcome.changes == {"same": 1, "replace": 1}
    assert outcome.calls == ["create", "delete"]
    assert project.outputs["id"] != before["id"]
    assert project.outputs["secret"] != before["secret"]
    assert project.outputs["secret"] == the_webhook(project)["secret"]


def test_delete_before_replace(project: Project) -> None:
    """With delete_before_replace the old webhook is deleted before the new one is made."""
    for trigger, calls in (("1", ["create"]), ("2", ["delete", "create"])):
        project.webhook(opts=f'pulumi.ResourceOptions(replacement_trigger="{trigger}", delete_before_replace=True)')
        assert project.up().calls == calls
    assert project.outputs["secret"] == the_webhook(project)["secret"]


def test_adding_a_trigger_replaces_nothing(project: Project) -> None:
    """A trigger that is added to an existing webhook does not replace it."""
    project.webhook()
    project.up()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    assert project.up().calls == []


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("target_url", []),
        ("event_types", ["update"]),
    ],
)
def test_ignore_changes(project: Project, name: str, calls: list[str]) -> None:
    """A change that the program asks to ignore is not sent, and others are."""
    opts = f'pulumi.ResourceOptions(ignore_changes=["{project.name_of(name)}"])'
    project.webhook(opts=opts)
    project.up()
    project.webhook('target_url=URL + "/two"', opts=opts)
    assert project.up().calls == calls


def test_replace_on_changes(project: Project) -> None:
    """Pulumi honours replace_on_changes for the native plugin, and not for dynamic providers: they name no keys."""
    opts = f'pulumi.ResourceOptions(replace_on_changes=["{project.name_of("target_url")}"])'
    project.webhook(opts=opts)
    project.up()
    project.webhook('target_url=URL + "/two"', opts=opts)
    assert project.up().calls == (["create", "delete"] if project.provider_kind == "native" else ["update"])


def test_protect(project: Project) -> None:
    """A protected webhook is not deleted, and the error says why."""
    project.webhook(opts="pulumi.ResourceOptions(protect=True)")
    project.up()
    text = project.fails(project.destroy).text
    assert "protect" in text
    assert len(project.sandbox.backend.webhooks()) == 1


def test_retain_on_delete(project: Project) -> None:
    """A webhook with retain_on_delete leaves the state and stays at Truto."""
    project.webhook(opts="pulumi.ResourceOptions(retain_on_delete=True)")
    project.up()
    assert project.destroy().calls == []
    assert project.managed == []
    assert len(project.sandbox.backend.webhooks()) == 1


def test_unknown_url_in_a_preview(project: Project) -> None:
    """A URL that another resource will produce passes the preview and is right after the update."""
    project.program("""
        first = truto.Webhook("first", target_url=URL)
        second = truto.Webhook(
            "second",
            target_url=first.id.apply(lambda id: f"{URL}/{id}"),
            event_types=[first.id.apply(lambda id: "record:created"), "record:deleted"],
        )
        pulumi.export("first", first.id)
        pulumi.export("url", second.target_url)
    """)
    outcome = project.preview()
    assert outcome.changes == {"create": 3}
    assert outcome.calls == []
    assert project.up().calls == ["create", "create"]
    assert project.outputs["url"] == f"{URL}/{project.outputs['first']}"


def test_component(project: Project) -> None:
    """Webhooks inside a component work, and take the provider that the component was given."""
    other = project.sandbox.add_environment("staging")
    project.program(f"""
        class Receiver(pulumi.ComponentResource):
            def __init__(self, name, opts=None):
                super().__init__("app:index:Receiver", name, None, opts)
                self.hook = truto.Webhook(name, target_url=URL, opts=pulumi.ResourceOptions(parent=self))
                self.register_outputs({{"id": self.hook.id}})

        staging = truto.Provider("staging", api_token={other.token!r}, base_url={project.sandbox.base_url!r})
        receiver = Receiver("orders", pulumi.ResourceOptions(providers=[staging]))
        pulumi.export("environment", receiver.hook.environment_id)
    """)
    project.up()
    assert project.outputs["environment"] == other.id
    assert project.up().calls == []
    project.destroy()
    assert project.sandbox.backend.webhooks() == []


def test_event_type_enum(project: Project) -> None:
    """Members of truto.EventType and plain strings can be mixed."""
    project.webhook('target_url=URL, event_types=[truto.EventType.RECORD_CREATED, "record:deleted"]')
    project.up()
    assert project.outputs["event_types"] == ["record:created", "record:deleted"]


def test_unknown_event_type(project: Project) -> None:
    """An event type that is not known is passed on, with a warning that says what may have been meant."""
    project.program("""
        for name in ["a", "b"]:
            truto.Webhook(name, target_url=f"{URL}/{name}", event_types=["record:creatd"])
    """)
    text = project.preview().text
    assert "warning" in text
    assert 'Did you mean "record:created"?' in text
    assert project.up().calls == ["create", "create"]
    if project.engine == "local":  # the CLI shows every diagnostic twice, as it happens and at the end
        # The plugin is told which resource it is about, and the dynamic provider is not.
        assert text.count("Did you mean") == (2 if project.provider_kind == "native" else 1)


def test_missing_token(project: Project) -> None:
    """Without a token the preview fails already, in one clean line that names both places to set it."""
    project.set_token(None)
    project.webhook()
    outcome = project.fails(project.preview)
    assert "truto:apiToken" in outcome.text
    assert "TRUTO_API_TOKEN" in outcome.text
    assert "pulumi_truto/" not in outcome.text  # no stack of ours
    assert outcome.calls == []


def test_wrong_base_url(project: Project) -> None:
    """A base URL that would send the token in plain text is refused in the preview."""
    project.stack.set_config("truto:baseUrl", type(project.stack.get_config("truto:baseUrl"))("http://api.truto.one"))
    project.webhook()
    outcome = project.fails(project.preview)
    assert "truto:baseUrl must start with https://" in outcome.text
    assert "pulumi_truto/" not in outcome.text  # no stack of ours


BAD = {
    "target_url=None": "is required",
    'target_url=""': "is required",
    "target_url=1": "must be a string",
    'target_url="hooks.example.com"': "It has no scheme",
    'target_url="http://hooks.example.com"': "must start with https://",
    'target_url="https://"': "must name a host",
    'target_url="https://user:pass@hooks.example.com"': "must not contain a user name or password",
    'target_url="https://hooks.example.com/#x"': "must not have a fragment",
    'target_url=" https://hooks.example.com"': "must not contain whitespace",
    'target_url="https://hooks.example.com:port"': "is not a URL",
    'target_url=URL, event_types="record:created"': 'put it in brackets, as in ["record:created"]',
    'target_url=URL, event_types=["record"]': 'the form "resource:event"',
    'target_url=URL, event_types=[""]': 'the form "resource:event"',
    "target_url=URL, event_types=[1]": "must be a string",
    'target_url=URL, event_types={"record": "created"}': "not an object",
    'target_url=URL, is_active="true"': "get_bool()",
    "target_url=URL, is_active=1": "must be true or false",
}


def test_every_bad_input(project: Project) -> None:
    """Every bad input is refused in the preview, in a clean line that says how to mend it, and nothing is sent."""
    lines = [f'truto.Webhook("bad-{n}", {arguments})' for n, arguments in enumerate(BAD)]
    if project.engine == "local":
        # One at a time, as the first failure stops the program.
        for line, message in zip(lines, BAD.values(), strict=True):
            project.program(line)
            outcome = project.fails(project.preview)
            assert message in outcome.text, line
            assert "pulumi_truto/" not in outcome.text  # no stack of ours
    else:
        # All at once, as a run of the CLI takes its time; it goes on after a failure with what is under way.
        project.program("\n".join(lines))
        outcome = project.fails(project.preview)
        assert any(message in outcome.text for message in BAD.values())
        assert "pulumi_truto/" not in outcome.text  # no stack of ours
        assert outcome.calls == []
    assert project.sandbox.calls == []


def test_all_faults_of_one_webhook(project: Project) -> None:
    """All faults of one webhook are reported in one go."""
    project.webhook('target_url="ftp://user@h/#x", event_types=["a", 2], is_active="yes"')
    text = project.fails(project.preview).text
    for message in (
        "must start with https://",
        "must not contain a user name",
        "must not have a fragment",
        "[0] is not an event type",
        "[1] must be a string, not a number",
        "must be true or false",
    ):
        assert message in text


def test_secret_url_stays_secret(project: Project) -> None:
    """A URL that the program marks as a secret is shown nowhere and encrypted in the state."""
    project.webhook('target_url=pulumi.Output.secret("https://hooks.example.com/capability-9c1f")')
    project.up()
    assert project.stack.outputs()["target_url"].secret
    project.sandbox.inject("status", "update", status=400, message="no")
    project.webhook('target_url=pulumi.Output.secret("https://hooks.example.com/capability-77aa")')
    project.fails(project.up)
    assert "capability-" not in project.state + project.shown
