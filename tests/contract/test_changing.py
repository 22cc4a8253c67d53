"""Updates and deletes."""

from __future__ import annotations

import pytest

from tests.contract.client import Response
from tests.contract.truto import NO_EVENTS, Observed, Truto, event_types, values

_LIST = ["record:created", "record:deleted"]


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_update_leaves_the_rest(truto: Truto) -> None:
    """A PATCH of event_types, alone or with one other field, changes the named properties and no others."""
    created = truto.create(event_types=["record:created"])
    id_, url, other_url = created["id"], created["target_url"], truto.new_url()
    deleted = {"event_types": ["record:deleted"]}
    assert values(truto.update(id_, **deleted)) == (url, {"record:deleted"}, False)
    assert values(truto.update(id_, target_url=other_url, **deleted)) == (other_url, {"record:deleted"}, False)
    assert values(truto.update(id_, is_active=True, **deleted)) == (other_url, {"record:deleted"}, True)


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_switched_on(truto: Truto) -> None:
    """A PATCH with is_active: true switches an inactive webhook on, and returns it active."""
    id_ = truto.create(is_active=False, event_types=NO_EVENTS)["id"]
    assert truto.update(id_, is_active=True, event_types=NO_EVENTS)["is_active"] is True
    assert truto.read(id_)["is_active"] is True


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_omitted_event_types(truto: Truto, observed: Observed) -> None:
    """A PATCH that omits event_types keeps them, or subscribes to everything. The provider sends them always."""
    id_ = truto.create(event_types=_LIST)["id"]
    updated = truto.update(id_, is_active=False)
    assert event_types(updated) == event_types(truto.read(id_))
    assert event_types(updated) in (set(_LIST), set())
    observed("kept" if event_types(updated) else "subscribed to everything")


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_update_is_read_at_once(truto: Truto) -> None:
    """A GET right after a PATCH shows the new values."""
    id_, url = truto.create()["id"], truto.new_url()
    truto.update(id_, target_url=url, is_active=True, event_types=NO_EVENTS)
    assert values(truto.read(id_)) == (url, set(NO_EVENTS), True)


@pytest.mark.rests_on("pulumi_truto/api/client.py")
def test_delete_response(truto: Truto, observed: Observed) -> None:
    """DELETE returns 200 with the id of the webhook, or 204 with nothing."""
    id_ = truto.create()["id"]
    response = truto.delete(id_)
    _assert_deleted(response, id_)
    observed(response.status)


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_deleted_webhook(truto: Truto) -> None:
    """GET and PATCH of a deleted webhook return 404 at once."""
    id_ = truto.create_deleted()
    for response in (truto.get(id_), truto.patch(id_, is_active=False)):
        assert response.status == 404, response


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_delete_of_a_deleted_webhook(truto: Truto, observed: Observed) -> None:
    """DELETE of a deleted webhook returns 404, or what the first DELETE returned."""
    id_ = truto.create_deleted()
    response = truto.delete(id_)
    if response.status != 404:
        _assert_deleted(response, id_)
    observed(response.status)


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_unknown_id(truto: Truto) -> None:
    """GET, PATCH and DELETE of an id that no webhook has return 404."""
    id_ = truto.new_id()
    for response in (truto.get(id_), truto.patch(id_, is_active=False), truto.delete(id_)):
        assert response.status == 404, response


def _assert_deleted(response: Response, id_: str) -> None:
    if response.status != 204:
        assert response.object.get("id") == id_, f"{response}, without the id of the webhook"
