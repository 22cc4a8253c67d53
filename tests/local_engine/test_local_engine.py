"""The local engine: what it promises beyond the scenarios, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from pulumi_truto.local_engine import create_or_select_stack
from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project, ProviderKind


def many(count: int) -> str:
    """A program with that many webhooks."""
    return f"""
        for n in range({count}):
            truto.Webhook(f"hook-{{n}}", target_url=f"{{URL}}/{{n}}")
    """


def test_a_failure_loses_nothing(project: Project) -> None:
    """When one of several creates fails, the others are in the state, and the next up makes only what is missing."""
    project.program(many(4))
    project.sandbox.inject("status", "create", status=422, message="no more today", skip=2)
    outcome = project.fails(project.up)
    assert "no more today" in outcome.text
    made = {webhook.id for webhook in project.sandbox.backend.webhooks()}
    assert {each["id"] for each in project.managed} == made
    missing = 4 - len(made)
    assert missing >= 1
    assert project.up().calls == ["create"] * missing
    assert len(project.sandbox.backend.webhooks()) == 4


def test_operations_run_in_parallel(project: Project) -> None:
    """Webhooks that do not depend on each other are created at the same time."""
    project.program(many(4))
    with ThreadPoolExecutor(1) as pool, project.sandbox.hold("create") as hold:
        running = pool.submit(project.up)
        hold.wait_for(4)
        hold.release()
        assert running.result().calls == ["create"] * 4


def test_dependents_are_deleted_first(project: Project) -> None:
    """A webhook is deleted only after everything that depends on it."""
    project.program("""
        first = truto.Webhook("first", target_url=URL)
        truto.Webhook("second", target_url=first.id.apply(lambda id: f"{URL}/{id}"))
        pulumi.export("first", first.id)
    """)
    project.up()
    first = project.outputs["first"]
    project.destroy()
    deleted = [call.path for call in project.sandbox.calls if call.operation == "delete"]
    assert deleted[-1] == f"/webhook/{first}"
    assert len(deleted) == 2


def test_a_failed_delete_stays_in_the_state(project: Project) -> None:
    """A webhook that could not be deleted stays in the state, and the next destroy deletes it."""
    project.webhook()
    project.up()
    project.sandbox.inject("status", "delete", status=403, message="not now")
    assert "403" in project.fails(project.destroy).text
    assert len(project.managed) == 1
    project.destroy()
    assert project.sandbox.backend.webhooks() == []


def test_a_crashed_provider_is_reported(local_project: Project) -> None:
    """A provider process that is killed in the middle of a create ends the run with an error that says so."""
    project = local_project
    hold = project.sandbox.hold("create")
    project.webhook()
    errors: list[str] = []

    def run() -> None:
        with pytest.raises(CommandError) as caught:
            project.stack.up()
        errors.append(str(caught.value))

    thread = threading.Thread(target=run)
    thread.start()
    hold.wait_for(1)
    [provider] = project.stack.provider_processes()
    os.kill(provider.pid, signal.SIGKILL)
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "the provider process ended during the create, with signal 9 (SIGKILL)" in errors[0]
    assert project.managed == []


def test_a_failing_program_is_reported(project: Project) -> None:
    """An exception in the program fails the run with its traceback, and keeps what was done."""
    project.program("""
        hook = truto.Webhook("orders", target_url=URL)
        raise RuntimeError("the program's own fault")
    """)
    assert "the program's own fault" in project.fails(project.up).text


def test_a_state_that_cannot_be_saved_ends_the_run(local_project: Project) -> None:
    """Where the state cannot be written nothing is created that it could not hold."""
    in_the_way = local_project.folder / "home" / "state" / "scenario.dev.tmp"
    in_the_way.mkdir(parents=True)
    local_project.program(many(5))
    outcome = local_project.fails(local_project.up)
    assert "Is a directory" in outcome.text
    assert outcome.calls == []
    in_the_way.rmdir()
    assert local_project.up().calls == ["create"] * 5


def test_warnings_come_through_whatever_the_program_does(local_project: Project) -> None:
    """A program that registers more than the engine takes at once leaves room for what a provider has to say."""
    local_project.program("""
        for n in range(200):
            truto.Webhook(f"hook-{n}", f"{URL}/{n}", ["record:created"] * n + [f"record:new_{n}"])
    """)
    text = local_project.up(parallel=64).text
    told = [line for line in text.splitlines() if "warning:" in line and "is not an event type that" in line]
    assert len(told) == 200


def test_failure_deletes_nothing(project: Project) -> None:
    """After a failure nothing is deleted: the program may not have come to it."""
    project.program(many(2))
    project.up()
    project.program('raise RuntimeError("too early")')
    project.fails(project.up)
    assert len(project.sandbox.backend.webhooks()) == 2


@pytest.mark.parametrize(
    ("opts", "name"),
    [
        ('custom_timeouts=pulumi.CustomTimeouts(create="1m")', "custom_timeouts"),
        ('ignore_changes=["event_types[0]"]', "a path in ignore_changes"),
        ('replace_on_changes=["event_types[0]"]', "a path in replace_on_changes"),
        ('deleted_with=pulumi.ComponentResource("a:b:c", "other")', "deleted_with"),
        ('replace_with=[pulumi.ComponentResource("a:b:c", "other")]', "replace_with"),
        ("transforms=[lambda args: None]", "transforms"),
        ('env_var_mappings={"A": "B"}', "env_var_mappings"),
        ('version="1.0.0"', "version"),
        ('hide_diffs=["secret"]', "hide_diffs"),
    ],
)
def test_unsupported_options_are_refused(local_project: Project, opts: str, name: str) -> None:
    """An option that the local engine does not have is refused by name, not ignored."""
    local_project.webhook(opts=f"pulumi.ResourceOptions({opts})")
    text = local_project.fails(local_project.preview).text
    assert "the local engine does not support the option" in text
    assert name in text


def test_unsupported_registrations_are_refused(local_project: Project) -> None:
    """Hooks and transforms of a whole stack are refused by name too."""
    local_project.program("""
        pulumi.runtime.register_resource_transform(lambda args: None)
        truto.Webhook("orders", target_url=URL)
    """)
    assert "the local engine does not support transforms" in local_project.fails(local_project.preview).text
    local_project.program("""
        hook = pulumi.ResourceHook("told", lambda args: None)
        options = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook]))
        truto.Webhook("orders", target_url=URL, opts=options)
    """)
    assert "the local engine does not support the hook told" in local_project.fails(local_project.preview).text


def test_a_stack_reference_is_refused(local_project: Project) -> None:
    """The local engine knows of one stack only, and says so where a program refers to another."""
    local_project.program('pulumi.StackReference("organization/network/dev")')
    text = local_project.fails(local_project.preview).text
    assert "the local engine does not support the StackReference 'organization/network/dev'" in text


def test_import_is_refused_for_the_dynamic_provider(local_project: Project) -> None:
    """`import_` cannot work with a dynamic provider, and the error names what does."""
    local_project.webhook(opts='pulumi.ResourceOptions(import_="00000000-0000-4000-8000-000000000000")')
    assert "use `pulumi-truto import-file`" in local_project.fails(local_project.preview).text


def test_unsupported_providers_are_refused(local_project: Project) -> None:
    """A resource of another provider is refused, with the advice to use the CLI."""
    local_project.program('pulumi.CustomResource("random:index/randomId:RandomId", "id", {"byteLength": 4})')
    assert "cannot run the provider 'random'" in local_project.fails(local_project.preview).text


def test_duplicate_names_are_refused(project: Project) -> None:
    """Two webhooks of the same name are an error."""
    project.program("""
        truto.Webhook("same", target_url=URL)
        truto.Webhook("same", target_url=URL + "/2")
    """)
    assert "uplicate resource URN" in project.fails(project.preview).text


def test_the_passphrase_is_needed(sandbox: Sandbox, tmp_path: Path) -> None:
    """The state of a stack opens with its own passphrase only."""
    project = Project("local", sandbox, tmp_path)
    project.webhook()
    project.up()
    other = create_or_select_stack(
        "dev", project.work_dir, state_dir=tmp_path / "home" / "state", env_vars={"PULUMI_CONFIG_PASSPHRASE": "other"}
    )
    with pytest.raises(ValueError, match="PULUMI_CONFIG_PASSPHRASE"):
        other.outputs()


def test_a_broken_project_is_refused(tmp_path: Path) -> None:
    """A folder without a Pulumi program, or with one in another language, is refused with the reason."""
    with pytest.raises(ValueError, match=r"Pulumi\.yaml"):
        create_or_select_stack("dev", tmp_path, state_dir=tmp_path, env_vars={"PULUMI_CONFIG_PASSPHRASE": ""})
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: nodejs\n")
    with pytest.raises(ValueError, match="Python programs only"):
        create_or_select_stack("dev", tmp_path, state_dir=tmp_path, env_vars={"PULUMI_CONFIG_PASSPHRASE": ""})


RUNNER = """
    import sys
    from pathlib import Path
    from pulumi.automation import CommandError
    from pulumi_truto.local_engine.open_stack import open_stack
    stack = open_stack("local", Path(sys.argv[1]), Path(sys.argv[2]))
    from pulumi.automation import ConfigValue
    stack.set_config("truto:apiToken", ConfigValue(sys.argv[3], secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sys.argv[4]))
    cancel = stack.cancel
    def cancel_and_tell():
        cancel()
        print("the signal is handled", flush=True)
    stack.cancel = cancel_and_tell
    try:
        stack.up(parallel=4, on_output=lambda line: print(line, flush=True))
    except CommandError:
        sys.exit(255)
"""


def processes_with(variable: str) -> set[int]:
    """The processes that were started with this environment variable, or forked off one that was."""
    found = set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_by_a_signal(
    provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM during up let operations under way finish, keep them in the state and leave no process."""
    project = Project("local", sandbox, tmp_path, provider_kind=provider_kind)
    project.program(many(30))
    arguments = [project.work_dir, project.folder / "home", project.sandbox.token, project.sandbox.base_url]
    with (
        sandbox.hold("create", skip=2) as hold,
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(RUNNER), *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TRUTO_API_TOKEN": "", "TRUTO_BASE_URL": "", "TEST_RUN": tmp_path.name},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            hold.wait_for(4)
            assert len(processes_with(f"TEST_RUN={tmp_path.name}") - {process.pid}) >= 2  # the program and the provider
            process.send_signal(number)
            shown = []
            for line in process.stdout:
                shown.append(line)
                if line == "the signal is handled\n":
                    hold.release()
            assert process.wait(timeout=60) == 255
        finally:
            process.kill()
    assert f"stopped by {number.name}" in "".join(shown)
    made = {webhook.id for webhook in project.sandbox.backend.webhooks()}
    assert len(made) == 6  # two were done before the signal, four were in flight
    assert {each["id"] for each in project.managed} == made
    until = time.monotonic() + 60
    while processes_with(f"TEST_RUN={tmp_path.name}"):
        assert time.monotonic() < until, "a process is left"
        time.sleep(0.05)
    project.up()
    assert len(project.sandbox.backend.webhooks()) == 30


def test_state_is_pulumi_s_form(project: Project) -> None:
    """The exported state has Pulumi's names, so that tools for one engine read the other's."""
    project.webhook()
    project.up()
    [webhook] = project.managed
    type_ = "truto:index:Webhook" if project.provider_kind == "native" else "pulumi-python:dynamic/truto:Webhook"
    assert webhook["urn"] == f"urn:pulumi:dev::scenario::{type_}::orders"
    assert webhook["parent"] == "urn:pulumi:dev::scenario::pulumi:pulumi:Stack::scenario-dev"
    target_url = project.name_of("target_url")
    assert webhook["inputs"][target_url] == webhook["outputs"][target_url]
    json.dumps(webhook)


def test_a_failed_replacement_keeps_the_old_one(project: Project) -> None:
    """Where the new webhook of a replacement cannot be created the old one stays, and the next up replaces it."""
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    before = project.outputs["id"]
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.sandbox.inject("status", "create", status=403, message="not now")
    project.fails(project.up)
    assert [each["id"] for each in project.managed] == [before]
    assert [webhook.id for webhook in project.sandbox.backend.webhooks()] == [before]
    assert project.up().calls == ["create", "delete"]
    assert project.outputs["id"] != before


def test_what_is_replaced_and_still_there_is_refreshed(project: Project) -> None:
    """A replaced webhook that could not be deleted is read by a refresh too, and deleted by the next up."""
    opts = 'pulumi.ResourceOptions(replacement_trigger="%s")'
    project.webhook(opts=opts % 1)
    project.up()
    project.sandbox.inject("status", "delete", status=403, message="not now")
    project.webhook(opts=opts % 2)
    project.fails(project.up)
    assert project.refresh().changes == {"same": 3}
    assert project.up().calls == ["delete"]


def test_one_at_a_time(local_project: Project) -> None:
    """With a parallelism of one everything works too, a replacement that begins with the deletion included."""
    for trigger in ("1", "2"):
        local_project.webhook(
            opts=f'pulumi.ResourceOptions(replacement_trigger="{trigger}", delete_before_replace=True)'
        )
        local_project.up(parallel=1)
    assert len(local_project.sandbox.backend.webhooks()) == 1


def test_children_take_options_over(local_project: Project) -> None:
    """`retain_on_delete` and `protect` of a parent hold for its children, unless they say otherwise."""
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


def test_a_removed_trigger_replaces_nothing(local_project: Project) -> None:
    """A replacement trigger that is taken away touches no webhook."""
    local_project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    local_project.up()
    local_project.webhook()
    assert local_project.up().calls == []


def test_outputs_of_a_failed_up(local_project: Project) -> None:
    """After a run that failed the outputs that it did not come to are as they were."""
    local_project.webhook()
    local_project.up()
    before = local_project.outputs
    local_project.sandbox.inject("status", "delete", status=403, message="not now")
    local_project.program('pulumi.export("new", 1)')
    local_project.fails(local_project.up)
    assert local_project.outputs == before | {"new": 1}
    local_project.up()
    assert local_project.outputs == {"new": 1}


def test_a_logged_error_fails_nothing(local_project: Project) -> None:
    """`pulumi.log.error` is shown, and the run goes on to its end."""
    local_project.webhook()
    local_project.up()
    local_project.program('pulumi.log.error("careful")')
    outcome = local_project.up()
    assert "error: careful" in outcome.text
    assert outcome.calls == ["delete"]


def test_a_secret_inside_an_output(local_project: Project) -> None:
    """An object with a secret in it is no secret as a whole, and is not shown on the screen all the same."""
    local_project.program("""
        hook = truto.Webhook("orders", target_url=URL)
        pulumi.export("nested", {"secret": hook.secret})
        pulumi.export("whole", hook.secret)
    """)
    text = local_project.up().text
    outputs = local_project.stack.outputs()
    assert {name: output.secret for name, output in outputs.items()} == {"nested": False, "whole": True}
    secret = outputs["whole"].value
    assert outputs["nested"].value == {"secret": secret}
    assert secret not in text + local_project.state


def test_reads_are_no_changes(local_project: Project) -> None:
    """A webhook that is only read is not counted, and its id is known in a preview already."""
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


def test_a_protected_webhook_keeps_no_others(local_project: Project) -> None:
    """When a protected webhook cannot be deleted the others are, but for what it depends on."""
    local_project.program("""
        base = truto.Webhook("base", target_url=URL + "/base")
        kept = pulumi.ResourceOptions(protect=True, depends_on=[base])
        truto.Webhook("kept", target_url=URL + "/kept", opts=kept)
        truto.Webhook("free", target_url=URL + "/free")
    """)
    local_project.up()
    local_project.fails(local_project.destroy)
    left = sorted(str(webhook.target_url) for webhook in local_project.sandbox.backend.webhooks())
    assert left == [URL + "/base", URL + "/kept"]


def test_an_alias_keeps_a_webhook(local_project: Project) -> None:
    """A webhook under a new name with an alias is the same one; its component's children come along."""
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
