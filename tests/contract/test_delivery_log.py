"""The delivery log: whether there is one, and its entries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import Response
from tests.contract.truto import NO_EVENTS, Observed, Truto, parse_time

#: Longer than the resolution of a time without fractions.
_APART_SECONDS = 1.1


@pytest.mark.rests_on("pulumi_truto/api/client.py")
def test_delivery_log(truto: Truto, observed: Observed) -> None:
    """GET /log returns a list of results, or an error that says that there is no delivery log."""
    response = _log(truto, truto.create()["id"])
    assert not response.is_success or isinstance(response.object.get("result"), list), response
    observed(response)


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_entries_of_the_log(truto: Truto, observed: Observed) -> None:
    """An entry has event, webhook_id, created_at, and as webhook_endpoint_status the receiver's status, or null."""
    entry = _entries(truto, _tested(truto, 503))[0]
    statuses = (503, "503") if truto.receiver is not None else (None,)
    assert entry["event"] == "test"
    assert entry["webhook_endpoint_status"] in statuses
    parse_time(entry["created_at"])
    observed(f"fields: {', '.join(sorted(entry))}")


@pytest.mark.rests_on("pulumi_truto/webhook/manager.py")
def test_filters_of_the_log(truto: Truto) -> None:
    """log_type_filter[webhook_id] and log_type_filter[event] show nothing else."""
    id_, other_id = _tested(truto), _tested(truto)
    _entries(truto, other_id)
    assert {entry["webhook_id"] for entry in _entries(truto, id_)} == {id_}
    assert {entry["event"] for entry in _results(truto, _log(truto, id_, event="test"))} == {"test"}
    assert _results(truto, _log(truto, id_, event="record:created")) == []


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_newest_entry_of_the_log(truto: Truto) -> None:
    """With limit=1 the log has its newest entry."""
    id_ = _tested(truto)
    truto.client.pace.sleep(_APART_SECONDS)
    truto.test(id_)
    entries = _entries(truto, id_, count=2)
    [newest_entry] = _results(truto, _log(truto, id_, limit="1"))
    assert parse_time(newest_entry["created_at"]) >= max(parse_time(entry["created_at"]) for entry in entries)


def _tested(truto: Truto, status: int = 200) -> str:
    """The id of a webhook after a test, whatever the outcome."""
    url = truto.new_url() if truto.receiver is None else truto.new_target(status)[1]
    id_: str = truto.create(target_url=url, is_active=True, event_types=NO_EVENTS)["id"]
    truto.test(id_)
    return id_


def _log(truto: Truto, id_: str, *, event: str | None = None, limit: str = "20") -> Response:
    """The log of a webhook."""
    params = {"log_type": "webhook", "log_type_filter[webhook_id]": id_, "limit": limit}
    if event is not None:
        params["log_type_filter[event]"] = event
    return truto.client.send("GET", "/log", params=params)


def _results(truto: Truto, response: Response) -> list[dict[str, Any]]:
    if not response.is_success:
        truto.not_observable(f"there is no delivery log: {response.status}")
    results: list[dict[str, Any]] = response.object["result"]
    return results


def _entries(truto: Truto, id_: str, count: int = 1) -> list[dict[str, Any]]:
    """The entries of a webhook, as soon as there are so many."""

    def find() -> list[dict[str, Any]] | None:
        results = _results(truto, _log(truto, id_))
        return results if len(results) >= count else None

    entries = truto.poll(find)
    if entries is None:
        truto.not_observable(f"the log does not show the test event within {truto.settle_seconds:g} s")
    return entries
