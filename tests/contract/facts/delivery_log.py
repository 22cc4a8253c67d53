"""The delivery log: whether it is there, and what its entries say."""

from __future__ import annotations

from typing import Any

from tests.contract.fact import Contradiction, Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.facts.deliveries import send_test
from tests.contract.journal import Exchange
from tests.contract.run import Run
from tests.contract.seen import Seen, parse_time

#: Longer than the resolution of a time without fractions.
_APART_SECONDS = 1.1


@rests_on("pulumi_truto/api/client.py::list_deliveries")
def delivery_log(run: Run) -> Finding:
    """GET /log returns a list of results, or an error that says that there is no delivery log."""
    exchange = _log(run, run.create().id)
    if exchange.is_success:
        return confirmed(f"{exchange.status}, with {', '.join(sorted(exchange.body))}")
    return confirmed(f"there is none: {exchange.status}")


@rests_on("pulumi_truto/api/models.py::DeliveryLogEntry")
def entries_of_the_log(run: Run) -> Finding:
    """An entry has event, webhook_id, created_at, and as webhook_endpoint_status the receiver's status, or null."""
    webhook = _tested(run, status=503)
    entry = _entries(run, webhook.id)[0]
    expected = None if run.receiver is None else 503
    status = entry.get("webhook_endpoint_status")
    if status not in (expected, str(expected)) or entry.get("event") != "test":
        event, shown = (run.journal.shorten(str(each), 40) for each in (entry.get("event"), status))
        return contradicted(f"event {event}, webhook_endpoint_status {shown}")
    if parse_time(entry.get("created_at")) is None:
        return contradicted("without a created_at that can be read")
    return confirmed(f"{', '.join(sorted(entry))}; status {status}")


@rests_on("pulumi_truto/webhook/manager.py::_warn_switched_off")
def filters_of_the_log(run: Run) -> Finding:
    """log_type_filter[webhook_id] and log_type_filter[event] show nothing else."""
    one, other = _tested(run), _tested(run)
    _entries(run, other.id)
    entries = _entries(run, one.id)
    if any(entry.get("webhook_id") != one.id for entry in entries):
        return contradicted("the log of a webhook has entries of others, or without a webhook_id")
    if any(entry.get("event") != "test" for entry in _results(_log(run, one.id, event="test"))):
        return contradicted("other events than the one asked for")
    if _results(_log(run, one.id, event="record:created")):
        return contradicted("entries for an event that never happened")
    return confirmed("both are honoured")


@rests_on("pulumi_truto/webhook/tester.py::_receiver_status")
def newest_entry_of_the_log(run: Run) -> Finding:
    """With limit=1 the log has its newest entry."""
    webhook = _tested(run)
    run.control.sleep(_APART_SECONDS)
    send_test(run, webhook.id)
    entries = _entries(run, webhook.id, count=2)
    first = _results(_log(run, webhook.id, limit="1"))
    if len(first) != 1:
        return contradicted(f"limit=1 gives {len(first)} entries")
    moments = [parse_time(entry.get("created_at")) for entry in entries]
    newest = parse_time(first[0].get("created_at"))
    known = [moment for moment in moments if moment is not None]
    if newest is None or len(known) < len(moments):
        return contradicted("an entry has no created_at that can be read")
    if newest < max(known):
        return contradicted("limit=1 gives an older entry")
    return confirmed("newest first" if known == sorted(known, reverse=True) else "newest first with limit=1")


def _tested(run: Run, status: int = 200) -> Seen:
    """A webhook after a test, whatever became of that."""
    url = run.new_url() if run.receiver is None else run.new_target(status)[0]
    webhook = run.create(target_url=url, is_active=True, event_types=["truto_contract:none"])
    send_test(run, webhook.id)
    return webhook


def _log(run: Run, id_: str, *, event: str | None = None, limit: str = "20") -> Exchange:
    """The log of a webhook.

    Raises:
        Contradiction: it is a success that the client cannot read.
    """
    params = {"log_type": "webhook", "log_type_filter[webhook_id]": id_, "limit": limit}
    if event is not None:
        params["log_type_filter[event]"] = event
    exchange = run.api.send("GET", "/log", params=params)
    if exchange.is_success and not (isinstance(exchange.body, dict) and isinstance(exchange.body.get("result"), list)):
        raise Contradiction(f"{exchange}, without a list of results")
    return exchange


def _results(exchange: Exchange) -> list[dict[str, Any]]:
    if not exchange.is_success:
        raise NotObservable(f"there is no delivery log: {exchange.status}")
    return [entry for entry in exchange.body["result"] if isinstance(entry, dict)]


def _entries(run: Run, id_: str, count: int = 1) -> list[dict[str, Any]]:
    """The entries of a webhook, as soon as there are so many.

    Raises:
        NotObservable: there are fewer in time.
    """

    def enough() -> list[dict[str, Any]] | None:
        entries = _results(_log(run, id_))
        return entries if len(entries) >= count else None

    entries: list[dict[str, Any]] | None = run.poll(enough)
    if entries is None:
        raise NotObservable(f"the log does not show the test event within {run.settle_seconds:g} s")
    return entries
