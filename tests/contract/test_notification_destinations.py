"""Notification destinations. No SDK of Truto has them, so these facts are less certain than those about webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.truto import NO_EVENTS, UNSET, Observed, Truto, event_types

pytestmark = pytest.mark.rests_on("pulumi_truto/notification_destination.py")
_CONFIGS: dict[str, Callable[[Truto], dict[str, Any]]] = {
    "slack": lambda destinations: {"webhook_url": destinations.new_url(), "ignored_status_codes": [429]},
    "email": lambda destinations: {"to": [f"{destinations.run_id}@example.com"], "subject_prefix": "[contract]"},
}


@pytest.fixture(params=_CONFIGS)
def destination(destinations: Truto, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The fields of a create, of each type."""
    config = _CONFIGS[request.param](destinations)
    fields = {"label": f"{destinations.run_id} label", "is_active": False, "event_types": NO_EVENTS}
    return {"type": request.param, "config": config, **fields}


def test_create(destinations: Truto, destination: dict[str, Any], observed: Observed) -> None:
    """POST, a GET right after it and the list have the values that were sent; webhook_url is in plain."""
    created = destinations.create(**destination)
    id_ = created["id"]
    for returned in (created, destinations.read(id_), destinations.listed(id_)[id_]):
        assert {**returned, **destination, "config": returned["config"]} == returned
        assert {**returned["config"], **destination["config"]} == returned["config"]
    added = set(created["config"]) - set(destination["config"])
    observed(f"fields: {', '.join(sorted(created))}; added to the config: {', '.join(sorted(added)) or 'nothing'}")


def test_defaults(destinations: Truto, observed: Observed) -> None:
    """A create needs type and config only."""
    created = destinations.create(is_active=UNSET, event_types=UNSET)
    observed({name: created.get(name, "absent") for name in ("is_active", "event_types")})


def test_update_leaves_the_rest(destinations: Truto, destination: dict[str, Any]) -> None:
    """A PATCH of event_types, alone or with one other field, changes the named fields and no others."""
    created = destinations.create(**destination)
    expected = {**created, "event_types": ["truto_contract:other"]}
    fields: list[dict[str, Any]] = [{}, {"label": destinations.run_id}, {"is_active": True}, {"is_active": False}]
    for field in fields:
        expected.update(field)
        updated = destinations.update(created["id"], **field, event_types=expected["event_types"])
        assert _without_times(updated) == _without_times(expected)
        assert _without_times(destinations.read(created["id"])) == _without_times(expected)


def test_update_of_config(destinations: Truto, destination: dict[str, Any], observed: Observed) -> None:
    """A PATCH of config sets its keys; it removes those that are left out, or keeps them."""
    created = destinations.create(**destination)
    required, optional = destination["config"]
    value = destinations.new_url() if required == "webhook_url" else [f"{destinations.run_id}-b@example.com"]
    updated = destinations.update(created["id"], config={required: value}, event_types=NO_EVENTS)
    assert updated["config"][required] == destinations.read(created["id"])["config"][required] == value
    observed("merged" if updated["config"].get(optional) else "replaced")


def test_omitted_event_types(destinations: Truto, observed: Observed) -> None:
    """A PATCH that omits event_types keeps them, or subscribes to everything. The provider sends them always."""
    id_ = destinations.create(event_types=NO_EVENTS)["id"]
    updated = destinations.update(id_, label=destinations.run_id)
    assert event_types(updated) == event_types(destinations.read(id_))
    assert event_types(updated) in (set(NO_EVENTS), set())
    observed("kept" if event_types(updated) else "subscribed to everything")


def test_type_cannot_be_updated(destinations: Truto, observed: Observed) -> None:
    """A PATCH of type is ignored or refused."""
    created = destinations.create()
    response = destinations.patch(created["id"], type="email", event_types=["record:created"])
    assert response.is_success or response.status in (400, 422), response
    assert destinations.read(created["id"])["type"] == created["type"]
    observed(response)


def test_pages(destinations: Truto, observed: Observed) -> None:
    """With limit and next_cursor the pages show every destination exactly once, under result or results."""
    own_ids = [destinations.create()["id"] for _ in range(3)]
    destinations.listed(*own_ids)
    ids = [destination["id"] for destination in destinations.list(limit="2")]
    assert len(ids) == len(set(ids)), "a destination is on two pages"
    assert set(own_ids) <= set(ids), "a new destination is on no page"
    observed("result" if "result" in destinations.page(limit="1").object else "results")


def test_delete(destinations: Truto, observed: Observed) -> None:
    """After DELETE, GET and PATCH return 404 at once, a test 404, 400 or 422; the list omits the destination soon."""
    id_ = destinations.create()["id"]
    response = destinations.delete(id_)
    assert response.is_success, response
    for missing in (id_, destinations.new_id()):
        assert destinations.get(missing).status == destinations.patch(missing, label=destinations.run_id).status == 404
        assert destinations.test(missing).status in (400, 404, 422)
    assert destinations.poll(lambda: id_ not in [item["id"] for item in destinations.list()] or None), "still listed"
    observed(response.status)


@pytest.mark.parametrize("status", [200, 503])
def test_test(destinations: Truto, truto: Truto, status: int, observed: Observed) -> None:
    """The test of a Slack destination posts to its URL, and gives success: true if that accepts."""
    receiver, url = truto.new_target(status)
    response = destinations.test(destinations.create(config={"webhook_url": url})["id"])
    assert receiver.deliveries(url), f"{response}, without a request"
    assert (response.is_success and response.object.get("success") is True) is (status == 200), response
    observed(response)


def _without_times(destination: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in destination.items() if name not in ("created_at", "updated_at")}
