"""The items of the list, and its pages."""

from __future__ import annotations

import pytest

from tests.contract.truto import NO_EVENTS, Observed, Truto, values

#: About as many pages are read, however many webhooks the environment has.
_PAGES = 6


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_list_response(truto: Truto, observed: Observed) -> None:
    """GET /webhook returns an object with a list result, and next_cursor, a string or null."""
    page = truto.page(limit="100").object
    assert isinstance(page.get("result"), list)
    assert isinstance(page.get("next_cursor"), (str, type(None)))
    observed(f"fields: {', '.join(sorted(page))}")


@pytest.mark.rests_on("pulumi_truto/api/client.py")
def test_pages(truto: Truto, observed: Observed) -> None:
    """With limit and next_cursor the pages show every webhook exactly once, and end."""
    own_ids = [truto.create()["id"] for _ in range(3)]
    total = len(truto.listed(*own_ids))
    ids = [webhook["id"] for webhook in truto.list(limit=str(-(-total // _PAGES)))]
    assert len(ids) == len(set(ids)), "a webhook is on two pages"
    assert set(own_ids) <= set(ids), "a new webhook is on no page"
    order = [id_ for id_ in ids if id_ in own_ids]
    observed("oldest first" if order == own_ids else "newest first" if order == own_ids[::-1] else "in no order")


@pytest.mark.rests_on("pulumi_truto/rest/cache.py")
def test_page_sizes(truto: Truto, observed: Observed) -> None:
    """A page has at most as many webhooks as its limit, and may have fewer; limit=100 is accepted."""
    truto.listed(*(truto.create()["id"] for _ in range(3)))
    pages = {"1": truto.page(limit="1"), "100": truto.page(limit="100"), "no limit": truto.page()}
    sizes = {limit: len(page.object["result"]) for limit, page in pages.items()}
    assert sizes["1"] <= 1
    assert sizes["100"] <= 100
    observed(sizes)


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_deleted_webhook_is_not_listed(truto: Truto) -> None:
    """A deleted webhook is not in the list, at once or soon: until then nothing counts as deleted."""
    id_ = truto.create()["id"]
    truto.listed(id_)
    assert truto.delete(id_).is_success
    is_not_listed = truto.poll(lambda: all(webhook["id"] != id_ for webhook in truto.list()) or None)
    assert is_not_listed, f"still listed after {truto.settle_seconds:g} s"


@pytest.mark.rests_on("pulumi_truto/rest/cache.py")
def test_list_equals_read(truto: Truto) -> None:
    """An item of the list has the values that a GET of that webhook has, so that it can replace the GET."""
    id_ = truto.create(event_types=["record:updated", "record:created"])["id"]
    item, webhook = truto.listed(id_)[id_], truto.read(id_)
    assert values(item) == values(webhook)
    for name in ("environment_id", "created_at", "updated_at"):
        assert item.get(name) == webhook.get(name)


@pytest.mark.rests_on("pulumi_truto/cli/orphans.py")
def test_inactive_webhooks_are_listed(truto: Truto) -> None:
    """The list without a filter has active and inactive webhooks."""
    truto.listed(truto.create(is_active=True, event_types=NO_EVENTS)["id"], truto.create(is_active=False)["id"])
