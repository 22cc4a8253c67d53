"""What an update and a delete give."""

from __future__ import annotations

import uuid

from tests.contract.fact import Finding, confirmed, contradicted, rests_on
from tests.contract.journal import Exchange
from tests.contract.run import Run, expect_object, expect_success


@rests_on("pulumi_truto/api/models.py::WebhookBody")
def update_leaves_the_rest(run: Run) -> Finding:
    """A PATCH changes what it names, and leaves what it omits as it was."""
    created = run.create(event_types=["record:created"])
    url, other_url, deleted = created.target_url, run.new_url(), frozenset({"record:deleted"})
    for body, expected in (
        ({"event_types": [*deleted]}, (url, deleted, False)),
        ({"target_url": other_url}, (other_url, deleted, False)),
        ({"is_active": True}, (other_url, deleted, True)),
    ):
        [name] = body
        if run.update(created.id, **body).values != expected:
            return contradicted(f"a PATCH of {name} alone changes something else, or not {name}")
    return confirmed("for event_types, target_url and is_active, each alone")


@rests_on("pulumi_truto/webhook/manager.py::_update_failed")
def update_is_read_at_once(run: Run) -> Finding:
    """A GET right after a PATCH shows the new values."""
    created = run.create()
    updated = run.update(created.id, target_url=run.new_url(), is_active=True, event_types=["api_token:deleted"])
    read = run.read(created.id)
    if read.values == updated.values:
        return confirmed("the new values at once")
    return contradicted("the old values" if read.values == created.values else "other values")


@rests_on("pulumi_truto/api/client.py::delete_webhook")
def delete_response(run: Run) -> Finding:
    """DELETE returns 200 with the id of the webhook, or 204 with nothing."""
    created = run.create()
    return _deleted(run.send_delete(created.id), created.id)


@rests_on("pulumi_truto/webhook/manager.py::_read_state")
def read_of_a_deleted_webhook(run: Run) -> Finding:
    """GET of a deleted webhook returns 404 at once."""
    return _not_found(run.api.send("GET", f"/webhook/{run.create_deleted()}"))


@rests_on("pulumi_truto/webhook/manager.py::_update_not_found")
def update_of_a_deleted_webhook(run: Run) -> Finding:
    """PATCH of a deleted webhook returns 404."""
    return _not_found(run.send_update(run.create_deleted(), is_active=False))


@rests_on("pulumi_truto/webhook/manager.py::delete")
def delete_of_a_deleted_webhook(run: Run) -> Finding:
    """DELETE of a deleted webhook returns 404, or what the first DELETE returned."""
    id_ = run.create_deleted()
    exchange = run.send_delete(id_)
    return confirmed("404") if exchange.status == 404 else _deleted(exchange, id_)


@rests_on("pulumi_truto/webhook/manager.py::_confirm_deleted")
def unknown_id(run: Run) -> Finding:
    """GET, PATCH and DELETE of an id that no webhook has return 404."""
    id_ = str(uuid.uuid4())
    exchanges = [run.api.send("GET", f"/webhook/{id_}"), run.send_update(id_, is_active=False), run.send_delete(id_)]
    for exchange in exchanges:
        if exchange.status != 404:
            return _not_found(exchange)
    return confirmed("404 for each")


def _not_found(exchange: Exchange) -> Finding:
    if exchange.status == 404:
        return confirmed("404")
    expect_success(exchange)
    return contradicted(str(exchange))


def _deleted(exchange: Exchange, id_: str) -> Finding:
    if exchange.status == 204:
        return confirmed("204")
    body = expect_object(exchange)
    if body.get("id") != id_:
        return contradicted(f"{exchange}, without the id of the webhook")
    return confirmed(f"{exchange.status} with {', '.join(sorted(body))}")
