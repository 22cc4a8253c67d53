"""A create with failed attempts does not touch the webhooks that other programs create before, during or after it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.project import create_unmanaged
from tests.support.webhook_manager import (
    ALL_FAULTS,
    INPUTS,
    TYPICAL_FAULTS,
    ManagerHarness,
    wait_until,
    webhook_ids,
    webhooks_by_id,
)


def assert_create_leaves_alone(sandbox: Sandbox, other_id: str, fault: dict[str, Any], processed: bool) -> None:
    """Asserts that a create with a fault leaves a webhook as it is, names it nowhere, and deletes only its orphan."""
    before = webhooks_by_id(sandbox)
    harness = ManagerHarness(sandbox)
    sandbox.inject(operation="create", **fault)
    created_id, secret = harness.create()
    after = webhooks_by_id(sandbox)
    assert [*after] == [other_id, created_id]
    assert after[other_id] == before[other_id]
    assert after[created_id].secret == secret
    assert other_id not in harness.warnings_text
    assert sandbox.count("delete") == int(processed)


# Created before --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), TYPICAL_FAULTS)
@pytest.mark.parametrize("seconds_ago", [3600, 60, 4])
def test_older_equal_webhook_is_not_touched(
    sandbox: Sandbox, fault: dict[str, Any], processed: bool, seconds_ago: int
) -> None:
    """An equal webhook that another program created seconds or hours ago is not touched, and no warning names it."""
    other_id = create_unmanaged(sandbox, **INPUTS)["id"]
    sandbox.backend.clock.advance(seconds_ago)
    assert_create_leaves_alone(sandbox, other_id, fault, processed)


@pytest.mark.parametrize(("fault", "processed"), ALL_FAULTS)
def test_equal_webhook_from_two_seconds_ago_is_not_touched(
    sandbox: Sandbox, fault: dict[str, Any], processed: bool
) -> None:
    """An equal webhook that another program created two seconds ago is not touched, and only orphans are deleted."""
    other_id = create_unmanaged(sandbox, **INPUTS)["id"]
    sandbox.backend.clock.advance(2)
    before = webhooks_by_id(sandbox)
    harness = ManagerHarness(sandbox)
    sandbox.inject(operation="create", **fault)
    created_id, secret = harness.create()
    after = webhooks_by_id(sandbox)
    assert after.get(other_id) == before[other_id]
    assert after[created_id].secret == secret
    assert set(after) == {other_id, created_id}
    assert sandbox.count("delete") == int(processed)


def test_older_equal_webhook_is_not_touched_after_a_slow_response(sandbox: Sandbox) -> None:
    """An older equal webhook is not touched even if the response to the retry is slow."""
    other_id = create_unmanaged(sandbox, **INPUTS)["id"]
    sandbox.backend.clock.advance(1.5)
    before = webhooks_by_id(sandbox)
    sandbox.inject("reset", "create")
    sandbox.inject("slow_drip", "create", seconds=0.006)
    created_id, secret = ManagerHarness(sandbox).create()
    after = webhooks_by_id(sandbox)
    assert after.get(other_id) == before[other_id]
    assert after[created_id].secret == secret


# Different -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), TYPICAL_FAULTS)
@pytest.mark.parametrize("overrides", [{"event_types": []}, {"event_types": ["record:*"]}, {"is_active": False}])
def test_different_webhook_with_the_same_url_is_not_touched(
    sandbox: Sandbox, fault: dict[str, Any], processed: bool, overrides: dict[str, Any]
) -> None:
    """A webhook with the same URL but other properties is not touched, even if it was created at the same time."""
    other_id = create_unmanaged(sandbox, **{**INPUTS, **overrides})["id"]
    assert_create_leaves_alone(sandbox, other_id, fault, processed)


@pytest.mark.parametrize(("fault", "processed"), TYPICAL_FAULTS)
def test_equal_webhook_of_another_environment_is_not_touched(
    sandbox: Sandbox, fault: dict[str, Any], processed: bool
) -> None:
    """An equal webhook of another environment is not touched."""
    other_id = sandbox.backend.create(sandbox.add_environment("other").id, INPUTS)["id"]
    sandbox.inject(operation="create", **fault)
    created_id, _ = ManagerHarness(sandbox).create()
    assert webhook_ids(sandbox) == [other_id, created_id]
    assert sandbox.count("delete") == int(processed)


# Created during the failed attempt -------------------------------------------------------------------------


def test_more_equal_webhooks_than_attempts_are_left(sandbox: Sandbox) -> None:
    """If there are more equal webhooks from the time of the attempts than attempts, a warning names all of them."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create", processed=True)
    with ThreadPoolExecutor(1) as pool, sandbox.hold("create") as hold:
        creation = pool.submit(harness.create)
        hold.wait_for(1)
        other_ids = [create_unmanaged(sandbox, **INPUTS)["id"] for _ in range(2)]
        hold.release()
        created_id, secret = creation.result()
    after = webhooks_by_id(sandbox)
    assert len(after) == 4
    assert {*other_ids, created_id} < set(after)
    assert after[created_id].secret == secret
    (warning,) = harness.warnings
    assert all(id_ in warning for id_ in after)
    assert sandbox.count("delete") == 0
    assert len(warning.splitlines()) == 1


def test_one_equal_webhook_during_the_attempt_is_deleted_with_a_warning(sandbox: Sandbox) -> None:
    """The known limit: another program's equal webhook from the time of the failed attempt is deleted and named.

    The API has no idempotency key, so only the times of webhooks show which attempt created them.
    """
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool, sandbox.hold("create") as hold:
        creation = pool.submit(harness.create)
        hold.wait_for(1)
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        hold.release()
        created_id, _ = creation.result()
    assert webhook_ids(sandbox) == [created_id]
    [warning] = harness.warnings
    assert f"webhook {other_id} was deleted" in warning
    assert "was deleted" in warning


# Created between or during later attempts ------------------------------------------------------------------


def test_equal_webhook_created_during_the_backoff_is_left(sandbox: Sandbox) -> None:
    """An equal webhook that another program creates before the retry is left, and a warning names it."""
    harness = ManagerHarness(sandbox, backoff_seconds=2)
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(harness.create)
        wait_until(lambda: sandbox.count("create") == 1)
        time.sleep(1)
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        created_id, _ = creation.result()
    assert {*webhook_ids(sandbox)} == {other_id, created_id}
    assert other_id in harness.warnings_text  # it may be the first attempt's, completed late
    assert sandbox.count("delete") == 0


def test_equal_webhook_created_before_a_slow_retry_is_left(sandbox: Sandbox) -> None:
    """An equal webhook from the backoff is left even if the retry is slow, which says little about Truto's clock."""
    harness = ManagerHarness(sandbox, backoff_seconds=0.5)
    sandbox.inject("status", "create", status=504)
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(harness.create)
        wait_until(lambda: sandbox.count("create") == 1)
        time.sleep(0.2)
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        sandbox.backend.change_settings({"latency_seconds": 0.75})
        created_id, _ = creation.result()
    assert {*webhook_ids(sandbox)} == {other_id, created_id}
    assert other_id in harness.warnings_text
    assert sandbox.count("delete") == 0


def test_equal_webhook_created_during_the_rate_limit_wait_is_not_touched(sandbox: Sandbox) -> None:
    """An attempt starts when its request is sent: an equal webhook from the wait for the rate limit is not touched."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("rate_limited", "create", retry_after="3")
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(harness.create)
        wait_until(lambda: sandbox.count("create") == 1)
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        created_id, _ = creation.result()
    assert {*webhook_ids(sandbox)} == {other_id, created_id}
    assert other_id not in harness.warnings_text
    assert sandbox.count("delete") == 0


def test_equal_webhook_created_during_the_retry_is_not_touched(sandbox: Sandbox) -> None:
    """An equal webhook that another program creates while the retry is in flight is not touched."""
    sandbox.inject("reset", "create")
    sandbox.inject("slow_drip", "create", seconds=0.002)
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(ManagerHarness(sandbox).create)
        wait_until(lambda: len(webhook_ids(sandbox)) == 1)  # the retry has created its webhook and is still responding
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        before = webhooks_by_id(sandbox)
        created_id, _ = creation.result()
    after = webhooks_by_id(sandbox)
    assert after.get(other_id) == before[other_id]
    assert set(after) == {other_id, created_id}
