"""A create makes exactly one webhook and returns its secret, even if attempts fail with an unknown outcome."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.project import create_unmanaged
from tests.support.webhook_manager import (
    ALL_FAULTS,
    INPUTS,
    PROCESSED_FAULTS,
    UNPROCESSED_FAULTS,
    ManagerHarness,
    request_bodies,
    secrets_by_id,
    webhook_ids,
)

# Without failures ------------------------------------------------------------------------------------------


def test_create_sends_one_request(sandbox: Sandbox) -> None:
    """A create sends one request and returns everything that Truto has, including the secret."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    (webhook,) = sandbox.backend.webhooks()
    assert id_ == webhook.id
    assert state == {
        **INPUTS,
        "secret": webhook.secret,
        "environment_id": sandbox.environment_id,
        "created_at": sandbox.backend.timestamp(webhook.created_at),
        "updated_at": sandbox.backend.timestamp(webhook.updated_at),
        "__fingerprint": state["__fingerprint"],
    }
    assert re.fullmatch("[0-9a-f]{8}", state["__fingerprint"])
    assert request_bodies(sandbox, "create") == [INPUTS]
    assert sandbox.count() == 1


def test_create_for_every_event_omits_event_types(sandbox: Sandbox) -> None:
    """A webhook without event types is subscribed to every event, and the request omits the field."""
    _, state = ManagerHarness(sandbox).manager.create({**INPUTS, "event_types": []})
    assert request_bodies(sandbox, "create") == [{"target_url": INPUTS["target_url"], "is_active": True}]
    assert state["event_types"] == []


def test_slow_response_is_awaited(sandbox: Sandbox) -> None:
    """A create waits for a slow response until the deadline, as giving up would make the outcome unknown."""
    sandbox.inject("slow_drip", "create", seconds=0.003)
    harness = ManagerHarness(sandbox)
    harness.client.policy = replace(harness.client.policy, read_seconds=0.2)
    id_, secret = harness.create()
    assert secrets_by_id(sandbox) == {id_: secret}
    assert sandbox.count() == 1


def test_response_with_other_values_is_kept_with_a_warning(sandbox: Sandbox) -> None:
    """If Truto creates a webhook with other values than requested, the state has them and a warning names them."""
    harness = ManagerHarness(sandbox)
    body = {**INPUTS, "id": "odd", "secret": "a secret", "is_active": False, "event_types": []}
    sandbox.inject("response", "create", body=body)
    id_, state = harness.manager.create(INPUTS)
    assert (id_, state["secret"], state["is_active"], state["event_types"]) == ("odd", "a secret", False, [])
    (warning,) = harness.warnings
    assert "event_types and is_active" in warning


# After failed attempts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), ALL_FAULTS)
def test_ambiguous_attempt_leaves_exactly_one_webhook(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """After a failed attempt there is one webhook with a known secret, whether or not Truto processed the attempt."""
    harness = ManagerHarness(sandbox)
    sandbox.inject(operation="create", **fault)
    id_, secret = harness.create()
    assert secrets_by_id(sandbox) == {id_: secret}
    (warning,) = harness.warnings
    assert ("was deleted" if processed else "Truto may still create") in warning
    assert sandbox.count("create") == 2
    assert sandbox.count("list") == 1
    assert sandbox.count("delete") == (1 if processed else 0)


@pytest.mark.parametrize(
    ("first", "second"), [("reset", "no secret"), ("truncated", "close"), ("no id", "wrong types")]
)
def test_two_ambiguous_attempts_leave_exactly_one_webhook(sandbox: Sandbox, first: str, second: str) -> None:
    """After two failed attempts there is one webhook, and the webhooks of both attempts are deleted."""
    harness = ManagerHarness(sandbox)
    for fault in (PROCESSED_FAULTS[first], PROCESSED_FAULTS[second]):
        sandbox.inject(operation="create", **fault)
    id_, secret = harness.create()
    assert secrets_by_id(sandbox) == {id_: secret}
    assert sandbox.count("create") == 3


def test_all_attempts_share_one_idempotency_key(sandbox: Sandbox) -> None:
    """All attempts of one create send the same idempotency key, and another create sends another key."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("empty", "create", times=2)
    harness.create()
    harness.create()
    keys = [call.idempotency_key for call in sandbox.calls if call.operation == "create"]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert None not in keys


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_webhook_for_every_event_is_recognized_as_equal(empty_event_types_as: str) -> None:
    """A failed attempt's webhook for every event is deleted, however Truto writes an empty list of event types."""
    with Sandbox(empty_event_types_as=empty_event_types_as) as sandbox:
        sandbox.inject("truncated", "create")
        id_, _ = ManagerHarness(sandbox).create(event_types=[])
        assert webhook_ids(sandbox) == [id_]


def test_orphan_on_the_last_page_is_deleted(sandbox: Sandbox) -> None:
    """A failed attempt's webhook is deleted even if it is on the last page of the list."""
    sandbox.backend.change_settings({"page_maximum": 2})
    urls = [f"https://hooks.example.com/{number}" for number in range(7)]
    other_ids = [create_unmanaged(sandbox, target_url=url)["id"] for url in urls]
    sandbox.inject("truncated", "create")
    id_, _ = ManagerHarness(sandbox).create()
    assert webhook_ids(sandbox) == [*other_ids, id_]


def test_network_latency_changes_nothing() -> None:
    """With a high network latency one webhook remains, and no warning asks the user to check anything."""
    with Sandbox(latency_seconds=0.15) as sandbox:
        harness = ManagerHarness(sandbox)
        sandbox.inject("reset", "create", processed=True)
        id_, _ = harness.create()
        assert webhook_ids(sandbox) == [id_]
        assert harness.unresolved_warnings == []


def test_rate_limited_retry_forgets_no_orphan(sandbox: Sandbox) -> None:
    """If the retry has to wait for the rate limit, the first attempt's webhook is deleted or a warning names it."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("truncated", "create")
    sandbox.inject("rate_limited", "create", retry_after="1")
    id_, secret = harness.create()
    secrets = secrets_by_id(sandbox)
    assert secrets.pop(id_) == secret
    assert all(orphan_id in harness.warnings_text for orphan_id in secrets)


def test_unreadable_list_is_retried_once(sandbox: Sandbox) -> None:
    """If a proxy garbles both the create and the list once, the list is retried and the orphan is deleted."""
    for operation in ("create", "list"):
        sandbox.inject("not_json", operation, processed=True)
    id_, _ = ManagerHarness(sandbox).create()
    assert webhook_ids(sandbox) == [id_]


def test_equal_webhooks_of_one_program_all_remain(sandbox: Sandbox) -> None:
    """A program can create four equal webhooks, each after a failed attempt, and each keeps its own secret."""
    harness = ManagerHarness(sandbox)
    created: dict[str, str] = {}
    for fault in (
        PROCESSED_FAULTS["reset"],
        UNPROCESSED_FAULTS["reset"],
        PROCESSED_FAULTS["no secret"],
        PROCESSED_FAULTS["truncated"],
    ):
        sandbox.inject(operation="create", **fault)
        id_, secret = harness.create()
        created[id_] = secret
    assert secrets_by_id(sandbox) == created
    assert len(created) == 4
