"""Creates that run in parallel, as Pulumi runs them, end with one webhook each."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import (
    PROCESSED_FAULTS,
    UNPROCESSED_FAULTS,
    ManagerHarness,
    secrets_by_id,
    wait_until,
    webhooks_by_id,
)


def create_in_parallel(harness: ManagerHarness, overrides: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Creates webhooks at the same time and returns their ids and secrets.

    Args:
        harness: creates the webhooks.
        overrides: for each webhook the inputs that differ from the usual ones.
    """
    barrier = threading.Barrier(len(overrides))

    def create(fields: dict[str, Any]) -> tuple[str, str]:
        barrier.wait()
        return harness.create(**fields)

    with ThreadPoolExecutor(len(overrides)) as pool:
        return list(pool.map(create, overrides))


def test_parallel_creates_send_one_request_each(sandbox: Sandbox) -> None:
    """Eight equal creates in parallel send one request each."""
    created = create_in_parallel(ManagerHarness(sandbox), [{}] * 8)
    assert secrets_by_id(sandbox) == dict(created)
    assert [call.operation for call in sandbox.calls] == ["create"] * 8


def test_parallel_equal_creates_with_different_failures(sandbox: Sandbox) -> None:
    """Eight equal creates in parallel, each with a different failure, end with exactly eight webhooks."""
    harness = ManagerHarness(sandbox)
    faults = [
        PROCESSED_FAULTS["reset"],
        UNPROCESSED_FAULTS["reset"],
        PROCESSED_FAULTS["truncated"],
        PROCESSED_FAULTS["no secret"],
        PROCESSED_FAULTS["timeout"],
        PROCESSED_FAULTS["HTML 502"],
        UNPROCESSED_FAULTS["empty 500"],
        PROCESSED_FAULTS["no id"],
    ]
    for number, fault in enumerate(faults):
        sandbox.inject(operation="create", skip=number, **fault)  # the skipped requests are the retries in between
    created = create_in_parallel(harness, [{}] * 8)
    assert secrets_by_id(sandbox) == dict(created)
    assert len(dict(created)) == 8
    assert sandbox.count("create") == 16
    assert len(harness.unresolved_warnings) == 2  # Truto may still complete the two unprocessed attempts


def test_parallel_equal_creates_with_lost_responses(sandbox: Sandbox) -> None:
    """Six equal creates in parallel, of which three lose their response, end with six known secrets."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("reset", "create", times=3, processed=True)
    created = create_in_parallel(harness, [{}] * 6)
    assert secrets_by_id(sandbox) == dict(created)
    assert len(dict(created)) == 6
    assert harness.unresolved_warnings == []


def test_parallel_different_creates_with_failures(sandbox: Sandbox) -> None:
    """Eight different creates in parallel, each with a failure, end with one webhook each."""
    harness = ManagerHarness(sandbox, backoff_seconds=0.3)  # so that no retry comes before all first attempts
    for number in range(8):
        sandbox.inject("reset", "create", processed=number % 2 == 0)
    overrides = [{"target_url": f"https://hooks.example.com/{number}"} for number in range(8)]
    created = create_in_parallel(harness, overrides)
    after = webhooks_by_id(sandbox)
    assert secrets_by_id(sandbox) == dict(created)
    assert [after[id_].target_url for id_, _ in created] == [each["target_url"] for each in overrides]


def test_parallel_creates_whose_urls_differ_in_spelling(sandbox: Sandbox) -> None:
    """Two creates whose URLs differ only in spelling do not delete each other's webhook."""
    harness = ManagerHarness(sandbox)
    with ThreadPoolExecutor(2) as pool:
        sandbox.inject("timeout", "create", seconds=0.5)
        first = pool.submit(harness.create)
        wait_until(lambda: sandbox.count("create") == 1)
        # The second webhook is created during the first one's failed attempt. Its response ends after the first create.
        sandbox.inject("slow_drip", "create", seconds=0.004)
        second = pool.submit(harness.create, target_url="HTTPS://Hooks.Example.com/truto")
        created = dict([first.result(), second.result()])
    assert secrets_by_id(sandbox) == created
    assert len(created) == 2
