"""GET /webhook: pagination, filters, and the items of a list."""

from __future__ import annotations

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import TARGET_URL, assert_error, call_api, create_webhook


def test_pagination_returns_each_webhook_once(sandbox: Sandbox) -> None:
    """The pages contain each webhook once, oldest first, even if one is deleted in between."""
    ids = [create_webhook(sandbox)["id"] for _ in range(5)]
    page = call_api(sandbox, "GET", "/webhook", params={"limit": "2"}).json()
    listed = [webhook["id"] for webhook in page["result"]]
    call_api(sandbox, "DELETE", f"/webhook/{ids[1]}")
    while page["next_cursor"] is not None:
        assert isinstance(page["next_cursor"], str)
        params = {"limit": "2", "next_cursor": page["next_cursor"]}
        page = call_api(sandbox, "GET", "/webhook", params=params).json()
        listed += [webhook["id"] for webhook in page["result"]]
    assert listed == ids


def test_list_without_webhooks(sandbox: Sandbox) -> None:
    """The list of an environment without webhooks is one empty page."""
    page = call_api(sandbox, "GET", "/webhook").json()
    assert (page["result"], page["next_cursor"]) == ([], None)


def test_page_size() -> None:
    """A limit above the maximum is reduced to it, and a page without a limit has the default size."""
    with Sandbox(page_maximum=5) as sandbox:
        for _ in range(6):
            create_webhook(sandbox)
        assert len(call_api(sandbox, "GET", "/webhook?limit=6").json()["result"]) == 5
        sandbox.backend.change_settings({"page_default": 3})
        assert len(call_api(sandbox, "GET", "/webhook").json()["result"]) == 3


def test_list_filters(sandbox: Sandbox) -> None:
    """The list can be filtered by is_active and by environment_id."""
    active, inactive = create_webhook(sandbox)["id"], create_webhook(sandbox, is_active=False)["id"]
    for query, expected in (
        ("is_active=true", [active]),
        ("is_active=false", [inactive]),
        (f"environment_id={sandbox.environment_id}", [active, inactive]),
        (f"environment_id={sandbox.add_environment('other').id}", []),
    ):
        page = call_api(sandbox, "GET", f"/webhook?{query}").json()
        assert [webhook["id"] for webhook in page["result"]] == expected


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=ten", "limit=", "limit=1.5", "limit=99999999999",
        "next_cursor=nonsense", "next_cursor=%C3%A9", "next_cursor=YWZ0ZXI6LTE=", "is_active=yes",
    ],
)  # fmt: skip
def test_list_rejects_an_invalid_query(sandbox: Sandbox, query: str) -> None:
    """An invalid limit, cursor or filter is a 400."""
    assert_error(call_api(sandbox, "GET", f"/webhook?{query}"), 400, "Bad Request")


def test_an_empty_cursor_is_the_first_page(sandbox: Sandbox) -> None:
    """An empty cursor, which Truto's TypeScript SDK sends, returns the first page."""
    webhook = create_webhook(sandbox)
    page = call_api(sandbox, "GET", "/webhook?limit=1&next_cursor=").json()
    assert [webhook["id"] for webhook in page["result"]] == [webhook["id"]]


def test_list_lag() -> None:
    """With a list lag a new webhook can be read at once, and appears in the list later."""
    with Sandbox(list_lag_seconds=5) as sandbox:
        created = sandbox.backend.create(sandbox.environment_id, {"target_url": TARGET_URL})
        assert sandbox.backend.list(sandbox.environment_id, {})["result"] == []
        assert sandbox.backend.read(sandbox.environment_id, created["id"])["id"] == created["id"]
        sandbox.backend.clock.advance(6)
        assert len(sandbox.backend.list(sandbox.environment_id, {})["result"]) == 1


def test_representation_of_every_event(sandbox: Sandbox) -> None:
    """A subscription to every event is [], null or absent as set; a list of event types is always present."""
    create_webhook(sandbox)
    create_webhook(sandbox, event_types=["record:created"])
    for setting, expected in (("empty", []), ("null", None), ("absent", "absent")):
        sandbox.backend.change_settings({"empty_event_types_as": setting})
        every_event, one_event = call_api(sandbox, "GET", "/webhook").json()["result"]
        assert every_event.get("event_types", "absent") == expected
        assert one_event["event_types"] == ["record:created"]
