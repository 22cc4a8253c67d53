"""The order of operations, and resource options such as `protect`, `aliases` and `retain_on_delete`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.programs import webhooks_program
from tests.support.project import URL, Project


def test_independent_webhooks_are_created_in_parallel(project: Project) -> None:
    """Webhooks that do not depend on each other are created at the same time."""
    project.program(webhooks_program(4))
    with ThreadPoolExecutor(1) as pool, project.sandbox.hold("create") as hold:
        run = pool.submit(project.up)
        hold.wait_for(4)
        hold.release()
        assert sorted(run.result().calls) == ["create"] * 4 + ["update"] * 4


def test_up_works_with_parallel_1(local_project: Project) -> None:
    """`up(parallel=1)` works, including a replacement that deletes the old webhook first."""
    for trigger in ("1", "2"):
        local_project.webhook(
            opts=f'pulumi.ResourceOptions(replacement_trigger="{trigger}", delete_before_replace=True)'
        )
        local_project.up(parallel=1)
    assert len(local_project.sandbox.backend.webhooks()) == 1


def test_warnings_are_shown_while_all_registrations_are_in_flight(local_project: Project) -> None:
    """A program that registers more webhooks than the engine handles at a time still gets every warning."""
    local_project.program("""
        for n in range(200):
            truto.Webhook(f"hook-{n}", f"{URL}/{n}", ["record:created"] * n + [f"record:new_{n}"])
    """)
    text = local_project.up(parallel=64).text
    warnings = [line for line in text.splitlines() if "warning:" in line and "is not an event type that" in line]
    assert len(warnings) == 200


def test_dependents_are_deleted_first(project: Project) -> None:
    """A webhook is deleted only after its dependents."""
    project.program("""
        first = truto.Webhook("first", target_url=URL)
        truto.Webhook("second", target_url=first.id.apply(lambda id: f"{URL}/{id}"))
        pulumi.export("first", first.id)
    """)
    project.up()
    first_id = project.outputs["first"]
    project.destroy()
    deleted = [call.path for call in project.sandbox.calls if call.operation == "delete"]
    assert deleted[-1] == f"/webhook/{first_id}"
    assert len(deleted) == 2


def test_children_inherit_retain_on_delete_and_protect(local_project: Project) -> None:
    """A child inherits `retain_on_delete` and `protect` from its parent, unless it sets the option itself."""
    local_project.program("""
        kept = pulumi.ComponentResource("app:index:Kept", "kept", opts=pulumi.ResourceOptions(retain_on_delete=True))
        truto.Webhook("kept", target_url=URL, opts=pulumi.ResourceOptions(parent=kept))
        truto.Webhook("not", target_url=URL, opts=pulumi.ResourceOptions(parent=kept, retain_on_delete=False))
    """)
    local_project.up()
    local_project.destroy()
    assert [webhook.target_url for webhook in local_project.sandbox.backend.webhooks()] == [URL]
    local_project.program("""
        safe = pulumi.ComponentResource("app:index:Safe", "safe", opts=pulumi.ResourceOptions(protect=True))
        truto.Webhook("safe", target_url=URL, opts=pulumi.ResourceOptions(parent=safe))
    """)
    local_project.up()
    assert "protect" in local_project.fails(local_project.destroy).text
    assert len(local_project.sandbox.backend.webhooks()) == 2


def test_protected_webhook_keeps_only_its_dependencies(local_project: Project) -> None:
    """A destroy with a protected webhook deletes every other webhook except its dependencies."""
    local_project.program("""
        base = truto.Webhook("base", target_url=URL + "/base")
        kept = pulumi.ResourceOptions(protect=True, depends_on=[base])
        truto.Webhook("kept", target_url=URL + "/kept", opts=kept)
        truto.Webhook("free", target_url=URL + "/free")
    """)
    local_project.up()
    local_project.fails(local_project.destroy)
    remaining = sorted(str(webhook.target_url) for webhook in local_project.sandbox.backend.webhooks())
    assert remaining == [URL + "/base", URL + "/kept"]


def test_removed_trigger_replaces_nothing(local_project: Project) -> None:
    """Removing a replacement trigger sends no request to Truto."""
    local_project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    local_project.up()
    local_project.webhook()
    assert local_project.up().calls == []


def test_alias_keeps_a_renamed_component_and_its_webhook(local_project: Project) -> None:
    """A component that is renamed with an alias keeps its webhook, whose name begins with the component's name."""
    receiver = """
        receiver = pulumi.ComponentResource("app:index:Receiver", "%s", opts=pulumi.ResourceOptions(aliases=[%s]))
        truto.Webhook("%s-hook", target_url=URL, opts=pulumi.ResourceOptions(parent=receiver))
    """
    local_project.program(receiver % ("old", "", "old"))
    local_project.up()
    local_project.program(receiver % ("new", 'pulumi.Alias(name="old")', "new"))
    assert local_project.preview().changes == {"same": 3}
    assert local_project.up().calls == []
    local_project.program(receiver % ("new", "", "new"))
    assert local_project.up().changes == {"same": 3}
    local_project.destroy()
    assert local_project.sandbox.backend.webhooks() == []


def test_reads_are_not_counted_as_changes(local_project: Project) -> None:
    """A webhook that the program only reads is not counted, and a preview already knows its id."""
    webhook = local_project.sandbox.backend.create(local_project.sandbox.environment_id, {"target_url": URL})
    local_project.program(f"""
        theirs = truto.Webhook.get("theirs", {webhook["id"]!r})
        theirs.id.apply(lambda id: print("read", id))
    """)
    outcome = local_project.preview()
    assert outcome.changes == {"create": 1}  # the stack itself
    assert f"read {webhook['id']}" in outcome.text
    assert local_project.up().changes == {"create": 1}
    assert local_project.up().changes == {"same": 1}
