"""What a create gives."""

from __future__ import annotations

import uuid

from tests.contract.fact import Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.run import Run, expect_object, expect_success
from tests.contract.seen import Seen


@rests_on("pulumi_truto/webhook/create_once.py::_accept")
def create_response(run: Run) -> Finding:
    """POST /webhook returns the new webhook with the values that were sent; environment_id need not be sent."""
    url = run.new_url()
    exchange = run.send_create(target_url=url, event_types=["record:created", "record:deleted"])
    created = run.accept(exchange)
    if created.values != (url, frozenset({"record:created", "record:deleted"}), False):
        return contradicted("the values in the response are not those that were sent")
    return confirmed(f"{exchange.status}, with {', '.join(sorted(created.fields))}")


@rests_on("pulumi_truto/webhook/create_once.py::_accept")
def create_response_has_the_secret(run: Run) -> Finding:
    """The response to a create has the secret, a string that is not empty."""
    secret = run.create().secret
    if secret is None:
        return contradicted("there is no secret")
    try:
        is_uuid = str(uuid.UUID(secret)) == secret
    except ValueError:
        is_uuid = False
    return confirmed("a UUID" if is_uuid else f"{len(secret)} characters")


@rests_on("pulumi_truto/webhook/tester.py::_read")
def created_is_read_at_once(run: Run) -> Finding:
    """A GET right after the create finds the webhook, with the same values."""
    exchange = run.send_create()
    read = run.api.send("GET", f"/webhook/{Seen.of(expect_object(exchange), str(exchange)).id}")
    created = run.accept(exchange)
    if read.status == 404:
        return contradicted("404 right after the create")
    found = Seen.of(expect_object(read), str(read))
    if (found.id, *found.values) != (created.id, *created.values):
        return contradicted("the values are not those of the response to the create")
    return confirmed("the same values at once")


@rests_on("pulumi_truto/urls.py::ID")
def id_is_part_of_a_path(run: Run) -> Finding:
    """An id is at most 128 letters, digits, - and _, so that it can be part of a path."""
    id_ = run.create().id  # one of another form is refused there
    try:
        return confirmed("a UUID" if str(uuid.UUID(id_)) == id_ else f"{len(id_)} characters")
    except ValueError:
        return confirmed(f"{len(id_)} characters")


@rests_on("pulumi_truto/webhook/create_once.py::_list_equal")
def equal_webhooks(run: Run) -> Finding:
    """Two webhooks may have the same URL and event types, as during a replacement; each has its own id and secret."""
    url = run.new_url()
    one, other = run.create(target_url=url), run.create(target_url=url)
    if one.id == other.id:
        return contradicted("the second create returned the first webhook")
    if one.secret == other.secret or None in (one.secret, other.secret):
        return contradicted("two webhooks, but not each with its own secret")
    return confirmed("two webhooks, each with its own secret")


@rests_on("pulumi_truto/webhook/create_once.py::_attempt")
def repeated_idempotency_key(run: Run) -> Finding:
    """A create that is repeated with the same Idempotency-Key succeeds, and its response has a secret."""
    headers, url = {"Idempotency-Key": str(uuid.uuid4())}, run.new_url()
    first = run.create(headers=headers, target_url=url)
    second = run.create(headers=headers, target_url=url)  # a refusal is a contradiction
    if second.secret is None:
        return contradicted("the second response has no secret")
    if first.id != second.id:
        return confirmed("two webhooks: the key has no effect")
    if first.secret != second.secret:
        return contradicted("one webhook, but the second response has another secret")
    return confirmed("one webhook: the second response repeats the first")


@rests_on("pulumi_truto/errors.py::is_ambiguous")
def refused_create(run: Run) -> Finding:
    """A create that is refused with a 400 or 422 makes no webhook."""
    url = run.new_url()
    exchange = run.send_create(target_url=url, event_types=5)
    if exchange.status not in (400, 422):
        expect_success(exchange)
        raise NotObservable(f"event_types: 5 is accepted with {exchange.status}")
    if any(item.get("target_url") == url for item in run.list_all()):
        return contradicted(f"{exchange.status}, but the list has the webhook")
    return confirmed(f"{exchange.status} for event_types: 5, and the list has no such webhook")
