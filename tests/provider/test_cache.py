"""Reads send few requests, for one webhook and for many, and still return current values."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project, create_unmanaged
from tests.support.webhook_manager import ManagerHarness

STATE: Final = {"target_url": URL, "secret": "s"}
CHANGED_INPUTS: Final = {"target_url": f"{URL}/new", "event_types": [], "is_active": True}


@pytest.fixture
def manager(sandbox: Sandbox) -> Any:
    """A webhook manager that has sent no request yet."""
    return ManagerHarness(sandbox).manager


def create_webhooks(sandbox: Sandbox, count: int) -> list[str]:
    """Creates webhooks and returns their ids in the order of the list."""
    return [create_unmanaged(sandbox, target_url=f"{URL}/{number}")["id"] for number in range(count)]


@pytest.mark.parametrize(
    ("existing", "reads", "max_calls"),
    [
        (1, 1, 1),
        (2000, 1, 1),
        (2000, 3, 6),
        (200, 200, 5),
        (1000, 1000, 14),
    ],
)
def test_reads_send_few_requests(sandbox: Sandbox, manager: Any, existing: int, reads: int, max_calls: int) -> None:
    """One read sends one request, a few among thousands at most two each, and hundreds about one per page."""
    ids = create_webhooks(sandbox, existing)[-reads:]
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda id_: manager.read(id_, STATE), ids))
    assert all(states)
    assert len(sandbox.calls) <= max_calls


def test_deletion_is_confirmed_by_new_requests(sandbox: Sandbox, manager: Any) -> None:
    """A deleted webhook is confirmed as deleted by a new read and a new list, not by a page from before."""
    ids = create_webhooks(sandbox, 5)
    for id_ in ids:
        state = manager.read(id_, STATE)
    assert state is not None
    state = manager.update(ids[4], state, CHANGED_INPUTS)
    sandbox.backend.remove(ids[4])
    sandbox.reset_calls()
    assert manager.read(ids[4], state) is None
    assert [call.operation for call in sandbox.calls] == ["read", "list"]


def test_read_after_an_update_shows_the_update(sandbox: Sandbox, manager: Any) -> None:
    """A read after an update or a delete of the same run shows it, whatever page was fetched before."""
    ids = create_webhooks(sandbox, 5)
    for id_ in ids:
        manager.read(id_, STATE)
    state = manager.read(ids[3], STATE)
    assert state is not None
    manager.update(ids[3], state, CHANGED_INPUTS)
    state = manager.read(ids[3], STATE)
    assert state is not None
    assert state["target_url"] == CHANGED_INPUTS["target_url"]
    manager.delete(ids[3], state)
    assert manager.read(ids[3], state) is None


def test_update_and_delete_do_not_wait_for_a_page(sandbox: Sandbox, manager: Any) -> None:
    """An update and a delete end while the request for a page is still in flight."""
    ids = create_webhooks(sandbox, 5)
    state = manager.read(ids[0], STATE)
    with ThreadPoolExecutor(1) as pool, sandbox.hold("list") as hold:
        reading = pool.submit(manager.read, ids[1], STATE)
        hold.wait_for(1)
        manager.delete(ids[0], manager.update(ids[0], state, CHANGED_INPUTS))
        hold.release()
        assert reading.result()
    assert [call.operation for call in sandbox.calls] == ["read", "update", "list_triggers", "delete", "list"]


def test_page_from_before_an_update_is_not_used(sandbox: Sandbox, manager: Any) -> None:
    """A read shows an update, even if a page that left Truto before the update arrives after it."""
    ids = create_webhooks(sandbox, 5)
    state = manager.read(ids[0], STATE)
    sandbox.inject("slow_drip", "list", seconds=0.001)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(manager.read, ids[1], STATE)
        while not sandbox.count("list"):
            time.sleep(0.01)
        manager.update(ids[0], state, CHANGED_INPUTS)
        assert reading.result()
    assert manager.read(ids[0], STATE)["target_url"] == CHANGED_INPUTS["target_url"]


def test_short_timeout_of_one_read_keeps_the_pages(sandbox: Sandbox, manager: Any) -> None:
    """A read whose own custom timeout ends the request for a page does not turn pages off for the others."""
    ids = create_webhooks(sandbox, 40)
    manager.read(ids[0], STATE)
    with sandbox.hold("list"), deadline_in(custom_seconds=0.5), pytest.raises(TrutoError, match="custom timeout"):
        manager.read(ids[1], STATE)
    assert all(manager.read(id_, STATE) for id_ in ids)
    assert len(sandbox.calls) <= 5


def test_unreadable_list_falls_back_to_single_reads(sandbox: Sandbox, manager: Any) -> None:
    """If the list fails, every webhook is read with a separate request, and the list is not requested again."""
    ids = create_webhooks(sandbox, 6)
    sandbox.inject("status", "list", status=403, message="no lists", times=0)
    assert all(manager.read(id_, STATE) for id_ in ids)
    assert sandbox.count("list") == 1


def test_refresh_of_forty_webhooks_sends_few_requests(local_project: Project) -> None:
    """A refresh of a stack with forty webhooks sends at most five requests."""
    local_project.program("""
        for n in range(40):
            truto.Webhook(f"hook-{n}", target_url=f"{URL}/{n}")
    """)
    assert sorted(local_project.up().calls) == ["create"] * 40 + ["update"] * 40
    outcome = local_project.refresh()
    assert outcome.changes == {"same": 41}
    assert len(outcome.calls) <= 5
