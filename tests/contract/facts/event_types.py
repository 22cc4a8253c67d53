"""Event types: how "everything" is said, and what comes back of a list."""

from __future__ import annotations

from pulumi_truto.event_types import EventType
from tests.contract.fact import Finding, confirmed, contradicted, rests_on
from tests.contract.run import OMITTED, Run, expect_object
from tests.contract.seen import Seen

_LIST = ["record:created", "record:deleted"]


@rests_on("pulumi_truto/webhook/diff.py::build_create_body")
def event_types_left_out_of_a_create(run: Run) -> Finding:
    """A create without event_types subscribes to everything, which responses show as [], null or not at all."""
    created = run.create(event_types=OMITTED)
    read = run.read(created.id)
    [item] = [item for item in run.wait_until_listed({created.id}) if item.get("id") == created.id]
    return _everything(POST=created, GET=read, list=Seen.of(item, "an item of the list"))


@rests_on("pulumi_truto/api/models.py::event_types")
def event_types_empty_in_a_create(run: Run) -> Finding:
    """A create with event_types: [] subscribes to everything too."""
    created = run.create(event_types=[])
    return _everything(POST=created, GET=run.read(created.id))


@rests_on("pulumi_truto/api/models.py::event_types")
def event_types_null_in_a_create(run: Run) -> Finding:
    """A create with event_types: null, which the client never sends, subscribes to everything or is refused."""
    exchange = run.send_create(event_types=None)
    if exchange.status in (400, 422):
        return confirmed(f"refused with {exchange.status}")
    created = run.accept(exchange)
    return _everything(POST=created, GET=run.read(created.id))


@rests_on("pulumi_truto/webhook/diff.py::build_patch")
def event_types_empty_in_an_update(run: Run) -> Finding:
    """A PATCH with event_types: [] goes back from a list to everything."""
    id_ = run.create(event_types=_LIST).id
    return _everything(PATCH=run.update(id_, event_types=[]), GET=run.read(id_))


@rests_on("pulumi_truto/webhook/diff.py::build_patch")
def event_types_null_in_an_update(run: Run) -> Finding:
    """A PATCH with event_types: null, which the client never sends, means everything or no change, or is refused."""
    id_ = run.create(event_types=_LIST).id
    exchange = run.send_update(id_, event_types=None)
    if exchange.status in (400, 422):
        return confirmed(f"refused with {exchange.status}")
    read = run.read(id_)
    updated = Seen.of(expect_object(exchange), str(exchange))
    if updated.event_types and set(updated.event_types) == set(read.event_types) == set(_LIST):
        return confirmed("no change")
    return _everything(PATCH=updated, GET=read)


@rests_on("pulumi_truto/webhook/diff.py::canonical_event_types")
def order_of_event_types(run: Run) -> Finding:
    """A list of event types comes back with the same elements, in any order."""
    sent = ["record:updated", "integrated_account:active", "record:created"]
    created = run.create(event_types=sent)
    read = run.read(created.id)
    if not set(created.event_types) == set(read.event_types) == set(sent):
        return contradicted("other event types come back")
    order = {tuple(sent): "in the order sent", tuple(sorted(sent)): "sorted"}
    return confirmed(order.get(tuple(read.event_types), "in another order"))


@rests_on("pulumi_truto/webhook/diff.py::canonical_event_types")
def repeated_event_types(run: Run) -> Finding:
    """Event types that are sent twice, which the client never does, come back once or twice, or are refused."""
    sent = ["record:created", "record:deleted", "record:created"]
    exchange = run.send_create(event_types=sent)
    if exchange.status in (400, 422):
        return confirmed(f"refused with {exchange.status}")
    read = run.read(run.accept(exchange).id)
    if set(read.event_types) != set(sent):
        return contradicted("other event types come back")
    return confirmed("repeated as sent" if len(read.event_types) == len(sent) else "without the repetition")


@rests_on("pulumi_truto/webhook/inputs.py::_unknown_event_type")
def unknown_event_type(run: Run) -> Finding:
    """An event type that Truto does not know is accepted: the list is open."""
    return _comes_back(run, ["truto_contract:unknown"])


@rests_on("pulumi_truto/webhook/lookup.py::_is_subscribed")
def wildcard_event_type(run: Run) -> Finding:
    """record:* is accepted, and comes back as it is."""
    return _comes_back(run, ["record:*"])


@rests_on("pulumi_truto/event_types.py::EventType")
def known_event_types(run: Run) -> Finding:
    """All event types that the package knows are accepted, together."""
    return _comes_back(run, [each.value for each in EventType])


def _comes_back(run: Run, sent: list[str]) -> Finding:
    created = run.create(event_types=sent)
    read = run.read(created.id)
    if not set(created.event_types) == set(read.event_types) == set(sent):
        return contradicted("accepted, but other event types come back")
    return confirmed(f"accepted, and returned as sent: {sent[0] if len(sent) == 1 else f'all {len(sent)}'}")


def _everything(**shown: Seen) -> Finding:
    """The finding about responses that must all show a subscription to everything."""
    observed = ", ".join(f"{where}: {seen.event_types_shown}" for where, seen in shown.items())
    return contradicted(observed) if any(seen.event_types for seen in shown.values()) else confirmed(observed)
