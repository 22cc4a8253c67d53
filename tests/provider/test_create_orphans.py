"""Orphans, the webhooks of failed attempts: which are deleted, and which are left in Truto and named in a warning."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from tests.support.project import create_unmanaged
from tests.support.webhook_manager import (
    INPUTS,
    ManagerHarness,
    secrets_by_id,
    wait_until,
    webhook_ids,
    webhooks_by_id,
)

# The delete or the list fails ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 404}, {"kind": "empty"}, {"kind": "not_json"}])
def test_orphan_that_cannot_be_deleted_is_named(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    """If an orphan cannot be deleted, the create succeeds and a warning names the orphan."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("truncated", "create")
    sandbox.inject(operation="delete", times=0, **fault)
    id_, secret = harness.create()
    secrets = secrets_by_id(sandbox)
    assert secrets.pop(id_) == secret
    (orphan_id,) = secrets
    if fault.get("status") != 404:  # after a 404 there is nothing to warn about: another program deleted it
        (warning,) = harness.warnings
        assert orphan_id in warning


@pytest.mark.parametrize("fault", [{"kind": "empty"}, {"kind": "reset"}, {"kind": "not_json"}, {"kind": "wrong_types"}])
@pytest.mark.parametrize("processed", [False, True])
def test_unreadable_list_does_not_fail_the_create(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """If orphans cannot be looked for, the create succeeds, and a warning says how to look for them."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create", processed=processed)
    sandbox.inject(operation="list", times=0, **fault)
    id_, secret = harness.create()
    assert secrets_by_id(sandbox)[id_] == secret
    (warning,) = harness.warnings
    assert "cannot list the webhooks" in warning
    assert "pulumi-truto orphans" in warning
    assert len(warning.splitlines()) == 1
    assert sandbox.count("create") == 2
    assert sandbox.count("delete") == 0


# Truto is late ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backoff_seconds", [0.01, 1.5], ids=["after the list", "before the list"])
def test_orphan_created_after_its_response_is_left(sandbox: Sandbox, backoff_seconds: float) -> None:
    """If Truto completes an attempt after it returned 504, a warning says so, and nothing is deleted."""
    harness = ManagerHarness(sandbox, backoff_seconds=backoff_seconds)
    sandbox.inject("status", "create", status=504, processed_after_seconds=0.7)
    id_, secret = harness.create()
    wait_until(lambda: len(webhook_ids(sandbox)) == 2)
    secrets = secrets_by_id(sandbox)
    assert secrets.pop(id_) == secret
    (late_id,) = secrets
    (warning,) = harness.warnings
    assert (late_id if backoff_seconds > 1 else "Truto may still create") in warning
    assert "Delete in Truto" in warning or "delete in Truto" in warning
    assert sandbox.count("delete") == 0


def test_lagging_list_causes_a_warning(sandbox: Sandbox) -> None:
    """If the list does not show the orphan yet, a warning says that there may be one and how to look for it."""
    sandbox.backend.change_settings({"list_lag_seconds": 60})
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create", processed=True)
    harness.create()
    assert len(webhook_ids(sandbox)) == 2
    (warning,) = harness.warnings
    assert "pulumi-truto orphans" in warning


# Clocks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew_seconds", [-86_400.0, -3.0, 3.0, 86_400.0])
def test_date_header_is_ignored(sandbox: Sandbox, skew_seconds: float) -> None:
    """The orphan is deleted even if the Date header is wrong, as a proxy may have set it."""
    sandbox.backend.change_settings({"date_skew_seconds": skew_seconds})
    sandbox.inject("reset", "create", processed=True)
    id_, _ = ManagerHarness(sandbox).create()
    assert webhook_ids(sandbox) == [id_]


@pytest.mark.parametrize("hours", [-24 * 365 * 30, -1, 1])
def test_local_clock_is_ignored(hours: int) -> None:
    """The orphan is deleted even if this machine's clock differs from Truto's by hours or years."""
    clock = Clock(datetime.now(timezone.utc) + timedelta(hours=hours))
    with Sandbox(clock=clock) as sandbox:
        sandbox.inject("reset", "create", processed=True)
        id_, _ = ManagerHarness(sandbox).create()
        assert webhook_ids(sandbox) == [id_]


@pytest.mark.parametrize("created_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_extreme_timestamp_does_not_fail_the_create(sandbox: Sandbox, created_at: str) -> None:
    """Whatever `created_at` Truto returns, the new webhook and its secret are kept, and the orphan is named."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create", processed=True)
    body = {**INPUTS, "id": "odd", "secret": "a secret", "created_at": created_at}
    sandbox.inject("response", "create", body=body)
    assert harness.create() == ("odd", "a secret")
    (orphan_id,) = webhook_ids(sandbox)
    assert orphan_id in harness.warnings_text
    assert sandbox.count("delete") == 0


# Timestamps without fractions ------------------------------------------------------------------------------


def whole_second_sandbox(start_fraction: float) -> Sandbox:
    """A sandbox whose timestamps have no fractions of a second.

    Args:
        start_fraction: where in a second its clock starts.
    """
    clock = Clock(datetime(2024, 9, 1, 10, tzinfo=timezone.utc) + timedelta(seconds=start_fraction))
    return Sandbox(clock=clock, timestamp_format="space")


@pytest.mark.parametrize("start_fraction", [0.0, 0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("processed", [False, True])
def test_orphan_with_a_coarse_timestamp_is_left(start_fraction: float, processed: bool) -> None:
    """If Truto's timestamps have no fractions, the orphan is left and a warning names it."""
    with whole_second_sandbox(start_fraction) as sandbox:
        harness = ManagerHarness(sandbox)
        sandbox.inject("reset", "create", processed=processed)
        created_id, secret = harness.create()
        secrets = secrets_by_id(sandbox)
        assert secrets[created_id] == secret
        assert len(secrets) == 1 + int(processed)
        (warning,) = harness.warnings
        assert all(id_ in warning for id_ in secrets)
        assert sandbox.count("delete") == 0


@pytest.mark.parametrize("start_fraction", [0.0, 0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("processed", [False, True])
def test_equal_webhook_of_the_same_second_is_left(start_fraction: float, processed: bool) -> None:
    """If Truto's timestamps have no fractions, another program's webhook of the same second is not touched."""
    with whole_second_sandbox(start_fraction) as sandbox:
        other_id = create_unmanaged(sandbox, **INPUTS)["id"]
        before = webhooks_by_id(sandbox)
        harness = ManagerHarness(sandbox)
        sandbox.inject("reset", "create", processed=processed)
        created_id, _ = harness.create()
        after = webhooks_by_id(sandbox)
        assert after.get(other_id) == before[other_id]
        assert all(id_ in harness.warnings_text for id_ in after if id_ not in (other_id, created_id))
