"""How many calls reading costs: one for one, few for many, never a crawl; and that what is read is the present."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.config import Settings
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.manager import WebhookManager
from tests.support.project import URL, Project


@pytest.fixture
def webhooks(sandbox: Sandbox) -> Any:
    """The webhooks of the sandbox, with no call made so far."""
    return WebhookManager(TrutoClient(Settings(sandbox.token, sandbox.base_url)), lambda _: None)


def make(sandbox: Sandbox, count: int) -> list[str]:
    """The ids of that many webhooks, in the order of the list."""
    bodies = ({"target_url": f"{URL}/{number}"} for number in range(count))
    return [str(sandbox.backend.create(sandbox.environment_id, body)["id"]) for body in bodies]


STATE = {"target_url": URL, "secret": "s"}


@pytest.mark.parametrize(
    ("there", "read", "most"),
    [
        (1, 1, 1),
        (2000, 1, 1),
        (2000, 3, 6),
        (200, 200, 5),
        (1000, 1000, 14),
    ],
)
def test_calls_of_a_refresh(sandbox: Sandbox, webhooks: Any, there: int, read: int, most: int) -> None:
    """One webhook costs one call, a few among thousands at most twice their number, hundreds a call for a hundred."""
    ids = make(sandbox, there)[-read:]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda id_: webhooks.read(id_, STATE), ids))
    assert all(found)
    assert len(sandbox.calls) <= most


def test_gone_webhooks(sandbox: Sandbox, webhooks: Any) -> None:
    """A webhook that is gone is confirmed by Truto's own 404 and a list of its own, never by an old page."""
    ids = make(sandbox, 5)
    for id_ in ids:
        state = webhooks.read(id_, STATE)
    assert state is not None
    state = webhooks.update(ids[4], state, {"target_url": URL + "/new", "event_types": [], "is_active": True})
    sandbox.backend.remove(ids[4])
    sandbox.reset_calls()
    assert webhooks.read(ids[4], state) is None
    assert [call.operation for call in sandbox.calls] == ["read", "list"]


def test_a_change_is_seen(sandbox: Sandbox, webhooks: Any) -> None:
    """What this process changed is read anew, not out of a page from before."""
    ids = make(sandbox, 5)
    for id_ in ids:
        webhooks.read(id_, STATE)
    state = webhooks.read(ids[3], STATE)
    assert state is not None
    webhooks.update(ids[3], state, {"target_url": URL + "/new", "event_types": [], "is_active": True})
    fresh = webhooks.read(ids[3], STATE)
    assert fresh is not None
    assert fresh["target_url"] == URL + "/new"
    webhooks.delete(ids[3], state)
    assert webhooks.read(ids[3], state) is None


def test_an_unreadable_list(sandbox: Sandbox, webhooks: Any) -> None:
    """A list that cannot be read costs nothing but calls: every webhook is read by itself."""
    ids = make(sandbox, 6)
    sandbox.inject("status", "list", status=403, message="no lists", times=0)
    assert all(webhooks.read(id_, STATE) for id_ in ids)
    assert sandbox.count("list") == 1


def test_refresh_of_a_stack(local_project: Project) -> None:
    """A refresh of a stack with forty webhooks makes a handful of calls."""
    local_project.program("""
        for n in range(40):
            truto.Webhook(f"hook-{n}", target_url=f"{URL}/{n}")
    """)
    assert local_project.up().calls == ["create"] * 40
    outcome = local_project.refresh()
    assert outcome.changes == {"same": 41}
    assert len(outcome.calls) <= 5
