"""The suite touches no webhook but its own, and deletes those, whatever happens."""

from __future__ import annotations

import signal

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.models import Webhook
from tests.contract.altering_proxy import Reply, altering_proxy
from tests.contract.control import SIGNALS
from tests.contract.fact import Fact, Finding, Result
from tests.contract.harness import add_foreign_webhooks, command, left, observations, probe

#: Facts with a few creates, updates and deletes.
FACTS = ("equal-webhooks", "update-leaves-the-rest", "delete-response")


@pytest.fixture
def foreign(sandbox: Sandbox) -> list[Webhook]:
    """Webhooks of others."""
    return add_foreign_webhooks(sandbox)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("operation", ["create", "read", "update", "delete"])
def test_signal(sandbox: Sandbox, foreign: list[Webhook], operation: str, number: signal.Signals) -> None:
    """A signal during any request: it is completed, nothing else is probed, everything is deleted."""
    with sandbox.hold(operation, skip=2) as hold, command("--yes-create-and-delete", sandbox=sandbox) as process:
        hold.wait_for(1)
        process.send_signal(number)
        assert process.stderr is not None
        assert process.stderr.readline() == "stopping: cleaning up, please wait\n"
        hold.release()
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number, errors
    assert "the run was stopped before its end" in output
    assert "all are deleted" in output
    assert left(sandbox, foreign) == []


def test_second_signal(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """A second Ctrl-C during the cleanup does not end it."""
    with sandbox.hold("update") as update, command("--yes-create-and-delete", sandbox=sandbox) as process:
        update.wait_for(1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline() == "stopping: cleaning up, please wait\n"
        with sandbox.hold("delete") as delete:
            update.release()
            delete.wait_for(1)
            process.send_signal(signal.SIGTERM)
            assert process.stderr.readline() == "stopping: cleaning up, please wait\n"
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGINT
    assert "all are deleted" in output
    assert left(sandbox, foreign) == []


def test_delete_that_fails_is_retried(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """Deletes that fail a few times are attempted again, and contradict nothing."""
    sandbox.inject("status", "delete", times=3)
    sandbox.inject("reset", "delete", times=2)
    outcome = probe(sandbox, "equal-webhooks")
    assert outcome.exit_code == 0
    assert left(sandbox, foreign) == []


def test_delete_that_always_fails(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """What cannot be deleted is named, and the exit code is not 0."""
    sandbox.inject("status", "delete", times=0)
    arguments = ("--yes-create-and-delete", "--fact", "equal-webhooks", "--settle-seconds", "1")
    with command(*arguments, sandbox=sandbox) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    undeleted = [each.id for each in sandbox.webhooks() if each not in foreign]
    assert len(undeleted) == 2
    [line] = [line for line in output.splitlines() if line.startswith("NOT DELETED")]
    assert all(id_ in line for id_ in undeleted)
    assert "all are deleted" not in output


def test_list_that_always_fails(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """Without a list nothing proves that everything is deleted, and the exit code is not 0."""
    sandbox.inject("status", "list", skip=1, times=0)
    outcome = probe(sandbox, "equal-webhooks", settle_seconds=0.5)
    assert observations(outcome)["equal-webhooks"].result is Result.CONFIRMED
    assert outcome.exit_code == 1
    assert "503" in outcome.cleanup.problem
    assert left(sandbox, foreign) == []


@pytest.mark.parametrize(
    ("fault", "list_lag_seconds"),
    [
        ({"kind": "reset", "processed": True}, 0.0),
        ({"kind": "truncated"}, 0.0),
        ({"kind": "status", "status": 504, "processed": True}, 1.0),
        ({"kind": "status", "status": 504, "processed_after_seconds": 1.0}, 0.0),
        ({"kind": "missing_fields", "fields": ["id"]}, 1.0),
        ({"kind": "other_id"}, 0.0),
        ({"kind": "not_json", "processed": True}, 0.0),
        ({"kind": "redirect", "processed": True}, 0.0),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else f"lag {value}",
)
def test_create_with_an_unknown_outcome(
    sandbox: Sandbox, foreign: list[Webhook], fault: dict[str, object], list_lag_seconds: float
) -> None:
    """What a create without a good response made, or makes later, is found by its URL and deleted."""
    sandbox.backend.change_settings({"list_lag_seconds": list_lag_seconds})
    sandbox.inject(operation="create", **fault)  # type: ignore[arg-type]  # the fields of a fault
    outcome = probe(sandbox, "create-response", settle_seconds=5)
    assert outcome.exit_code == 1
    assert sandbox.count("delete") > 0
    assert left(sandbox, foreign) == []


def test_create_that_made_nothing(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """A create without a response that made nothing is waited for, and then all is clean."""
    sandbox.inject("reset", "create")
    outcome = probe(sandbox, "create-response", settle_seconds=1)
    assert (outcome.cleanup.left, outcome.cleanup.problem) == ((), "")
    assert left(sandbox, foreign) == []


def test_response_that_names_another_webhook(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """If the response to a create has the id of somebody else's webhook, that one is never changed or deleted."""

    def alter(reply: Reply) -> None:
        if reply.operation == "create":
            reply.body["id"] = foreign[0].id

    with altering_proxy(sandbox, alter) as proxy:
        outcome = probe(sandbox, *FACTS, base_url=proxy.base_url)
    assert {finding.result for finding in observations(outcome).values()} == {Result.CONTRADICTED}
    touched = {call.path for call in sandbox.calls if call.operation in ("update", "delete")}
    assert touched.isdisjoint(f"/webhook/{webhook.id}" for webhook in foreign)
    assert left(sandbox, foreign) == []


def test_named_webhook_that_cannot_be_read(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """A webhook that only a response to a create names is not deleted while no read shows whose it is. It is named."""

    def alter(reply: Reply) -> None:
        if reply.operation == "create":
            reply.body["id"] = foreign[0].id

    sandbox.inject("status", "read", times=0)
    with altering_proxy(sandbox, alter) as proxy:
        outcome = probe(sandbox, "create-response", base_url=proxy.base_url, settle_seconds=1)
    assert outcome.cleanup.left == (foreign[0].id,)
    assert left(sandbox, foreign) == []


def test_only_own_webhooks_are_touched(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """A whole run sends no request about a webhook of others, but for the list."""
    probe(sandbox)
    assert len(sandbox.calls) > 200
    paths = {call.path for call in sandbox.calls}
    assert paths.isdisjoint(f"/webhook/{webhook.id}" for webhook in foreign)


def test_mistake_in_the_suite(sandbox: Sandbox, foreign: list[Webhook]) -> None:
    """If the suite itself fails in the middle, everything is deleted all the same."""

    def fail(fact: Fact, _: Finding) -> None:
        assert fact.name != "update-leaves-the-rest", "a mistake"

    with pytest.raises(AssertionError, match="a mistake"):
        probe(sandbox, *FACTS, on_finding=fail)
    assert sandbox.count("update") > 0
    assert left(sandbox, foreign) == []
