"""`truto.WebhookTest`: a deployment fails if the receiver does not accept Truto's test event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.support.project import Project
from tests.support.sandbox_client import Receiver, running_receiver

TEST = "orders-are-accepted"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of deliveries on loopback."""
    with running_receiver() as receiver:
        yield receiver


def declare(project: Project, receiver: Receiver, arguments: str = "", webhook: str = "", name: str = "orders") -> None:
    """Replaces the program with one webhook and its test."""
    project.program(f"""
        orders = truto.Webhook("{name}", target_url="{receiver.url}"{webhook})
        test = truto.WebhookTest("{TEST}", webhook_id=orders.id{arguments})
        pulumi.export("id", orders.id)
        pulumi.export("secret", orders.secret)
        pulumi.export("testedAt", test.tested_at)
    """)


def test_create_delivers_the_test_event(project: Project, receiver: Receiver) -> None:
    """The test event is delivered when the resource is created, and its time is an output."""
    declare(project, receiver)
    outcome = project.up()
    assert outcome.changes == {"create": 3}
    assert outcome.calls == ["create", "update", "read", "test"]
    assert [message["event"] for message in receiver.messages] == ["test"]
    tested_at = project.outputs["testedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", tested_at)
    assert datetime.fromisoformat(tested_at.replace("Z", "+00:00"))


def test_other_runs_make_no_call(project: Project, receiver: Receiver) -> None:
    """A preview, a run without changes and a refresh do not test again; a destroy only deletes the webhook."""
    declare(project, receiver)
    assert project.preview().calls == []
    project.up()
    assert project.preview().changes == {"same": 3}
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 3}, [])
    assert project.refresh().calls == ["read"]
    assert project.destroy().calls == ["list_triggers", "delete"]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [401, 503])
def test_rejected_test_event_fails_the_run(project: Project, receiver: Receiver, status: int) -> None:
    """If the receiver rejects the test event, the run fails and says what to do; webhook and secret stay in state."""
    declare(project, receiver)
    receiver.statuses = [status]
    outcome = project.fails(project.up)
    assert outcome.calls == ["create", "update", "read", "test", "log"]
    webhook = project.only_webhook
    message = " ".join(outcome.text.split())
    for part in (
        f"the receiver of webhook {webhook.id} at 127.0.0.1 did not accept the test event",
        "Truto reported success: false",
        f"the receiver returned {status}",
        "The webhook is unchanged. Fix the receiver and run `pulumi up` to repeat the test",
    ):
        assert part in message
    assert ("perhaps because it lacks this webhook's secret" in message) is (status == 401)
    assert receiver.url not in outcome.text
    assert webhook.secret not in outcome.text
    assert [resource["id"] for resource in project.managed] == [webhook.id]


def test_failed_test_is_repeated_by_the_next_run(project: Project, receiver: Receiver) -> None:
    """A failed test is not part of the state: the next run repeats it, and only it."""
    declare(project, receiver)
    receiver.statuses = [500]
    project.fails(project.up)
    assert project.preview().changes == {"same": 2, "create": 1}
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 2, "create": 1}, ["read", "test"])


def test_unreachable_receiver_fails_the_run(project: Project) -> None:
    """If nothing listens at the target, the error says so, also without a delivery log."""
    with running_receiver() as receiver:
        declare(project, receiver)
    project.sandbox.backend.change_settings({"has_delivery_log": False})
    text = " ".join(project.fails(project.up).text.split())
    assert "Truto returned 400 with" in text
    assert "could not be delivered" in text
    assert "Fix the receiver" in text


def test_changed_trigger_repeats_the_test(project: Project, receiver: Receiver) -> None:
    """Another trigger replaces the test, which delivers again; without a failure the old one is forgotten."""
    declare(project, receiver, ', triggers=["1", None]')
    project.up()
    declare(project, receiver, ', triggers=["1", None], retry_for_seconds=1')
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 2, "update": 1}, [])
    declare(project, receiver, ', triggers=["2", None], retry_for_seconds=1')
    assert project.preview().changes == {"same": 2, "replace": 1}
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 2, "replace": 1}, ["read", "test"])
    assert len(receiver.received) == 2


def test_failed_repetition_is_repeated_too(project: Project, receiver: Receiver) -> None:
    """If a repeated test fails, the next run repeats it again."""
    declare(project, receiver, ', triggers=["1"]')
    project.up()
    declare(project, receiver, ', triggers=["2"]')
    receiver.statuses = [503]
    project.fails(project.up)
    assert project.up().calls == ["read", "test"]
    assert project.up().calls == []


def test_another_webhook_is_tested(project: Project, receiver: Receiver) -> None:
    """A webhook that is replaced is tested: its id is another one."""
    declare(project, receiver)
    project.up()
    declare(project, receiver, name="other")
    assert project.up().calls == ["create", "update", "read", "test", "list_triggers", "delete"]


def test_receiver_that_is_starting_is_retried(project: Project, receiver: Receiver) -> None:
    """With `retry_for_seconds` the test is retried until the receiver accepts it."""
    declare(project, receiver, ", retry_for_seconds=60")
    receiver.statuses = [503, 503]
    assert project.up().calls == ["create", "update", "read", "test", "test", "test"]


def test_inactive_webhook_is_reported(project: Project, receiver: Receiver) -> None:
    """A webhook that is switched off passes its test with a warning, and a failure says that it is off."""
    declare(project, receiver, webhook=", is_active=False")
    receiver.statuses = [503]
    assert "The webhook is inactive and unchanged." in " ".join(project.fails(project.up).text.split())
    assert "is inactive: its receiver accepted the test event" in " ".join(project.up().text.split())


def test_deleted_webhook_cannot_be_tested(project: Project, receiver: Receiver) -> None:
    """The test of a webhook that was deleted by hand says so."""
    declare(project, receiver, ', triggers=["1"]')
    project.up()
    project.sandbox.backend.remove(project.outputs["id"])
    declare(project, receiver, ', triggers=["2"]')
    outcome = project.fails(project.up)
    assert "it was deleted or belongs to another environment" in " ".join(outcome.text.split())
    assert outcome.calls == ["read"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('"x/y"', "must be the id of a webhook: pass `orders.id`"),
        ("None", "must be the id of a webhook: pass `orders.id`"),
        ('"x", triggers="1"', "must be a list, not a string"),
        ('"x", retry_for_seconds=-1', "must be a number from 0 to 3600"),
        ('"x", retry_for_seconds="1"', "must be a number from 0 to 3600"),
        ('"x", retry_for_seconds=True', "must be a number from 0 to 3600"),
    ],
)
def test_invalid_inputs(local_project: Project, arguments: str, message: str) -> None:
    """Invalid inputs are rejected in the preview, without a call."""
    local_project.program(f'truto.WebhookTest("{TEST}", {arguments})')
    outcome = local_project.fails(local_project.preview)
    assert message in outcome.text
    assert outcome.calls == []


def test_changing_the_provider_kind_repeats_no_test(project: Project, receiver: Receiver) -> None:
    """A test moves to the other provider kind with its webhook, without a call."""
    other_module = "pulumi_truto" if project.provider_kind == "native" else "pulumi_truto_native"
    if other_module == "pulumi_truto_native":
        pytest.skip("the project has the plugin in the other case only")
    declare(project, receiver)
    project.up()
    program = (project.work_dir / "__main__.py").read_text()
    (project.work_dir / "__main__.py").write_text(
        program.replace("import pulumi_truto_native", f"import {other_module}")
    )
    outcome = project.up()
    assert (outcome.changes, outcome.calls) == ({"same": 1, "update": 2}, [])
    assert project.up().changes == {"same": 3}
