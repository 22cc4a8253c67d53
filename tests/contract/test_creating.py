"""Creates."""

from __future__ import annotations

import uuid

import pytest

from pulumi_truto.urls import ID
from tests.contract.truto import NO_EVENTS, Observed, Truto, values


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_create_response(truto: Truto, observed: Observed) -> None:
    """POST /webhook returns the new webhook with the values that were sent; environment_id need not be sent."""
    url = truto.new_url()
    created = truto.create(target_url=url, event_types=["record:created", "record:deleted"])
    assert values(created) == (url, {"record:created", "record:deleted"}, False)
    observed(f"fields: {', '.join(sorted(created))}")


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_create_response_has_the_secret(truto: Truto, observed: Observed) -> None:
    """The response to a create has the secret, a string that is not empty."""
    secret = truto.create().get("secret")
    assert isinstance(secret, str)
    assert len(secret) > 0
    observed(f"{len(secret)} characters")


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_created_is_read_at_once(truto: Truto) -> None:
    """A GET right after the create finds the webhook, with the same values."""
    created = truto.post().object
    read_response = truto.client.responses[-1]
    assert read_response.request == "GET /webhook/{id}"
    assert read_response.status != 404, "404 right after the create"
    assert (read_response.object["id"], *values(read_response.object)) == (created["id"], *values(created))


@pytest.mark.rests_on("pulumi_truto/urls.py")
def test_id_is_part_of_a_path(truto: Truto) -> None:
    """An id is at most 128 letters, digits, - and _, so that it can be part of a path."""
    assert ID.fullmatch(truto.post().object["id"])


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_equal_webhooks(truto: Truto) -> None:
    """Two webhooks may have the same URL and event types, as during a replacement; each has its own id and secret."""
    url = truto.new_url()
    webhook, second_webhook = truto.create(target_url=url), truto.create(target_url=url)
    assert webhook["id"] != second_webhook["id"], "the second create returned the first webhook"
    has_own_secrets = webhook["secret"] != second_webhook["secret"]
    assert has_own_secrets, "two webhooks with one secret"


@pytest.mark.rests_on("pulumi_truto/api/transport.py")
def test_repeated_idempotency_key(truto: Truto, observed: Observed) -> None:
    """A create that is repeated with the same Idempotency-Key succeeds, and its response has a secret."""
    headers, url = {"Idempotency-Key": str(uuid.uuid4())}, truto.new_url()
    webhook, second_webhook = (truto.create(headers=headers, target_url=url) for _ in range(2))
    assert second_webhook.get("secret"), "the second response has no secret"
    is_same_secret = webhook["secret"] == second_webhook["secret"]
    assert webhook["id"] != second_webhook["id"] or is_same_secret, (
        "one webhook, but the second response has another secret"
    )
    observed(
        "the response is repeated" if webhook["id"] == second_webhook["id"] else "two webhooks: the key has no effect"
    )


@pytest.mark.rests_on("pulumi_truto/errors.py")
def test_refused_create(truto: Truto) -> None:
    """A create that is refused with a 400 or 422 makes no webhook."""
    url = truto.new_url()
    response = truto.post(target_url=url, event_types=5)
    if response.is_success:
        truto.not_observable("event_types: 5 is accepted")
    assert response.status in (400, 422), response
    is_listed = any(webhook["target_url"] == url for webhook in truto.list())
    assert not is_listed, f"{response}, but the list has the webhook"


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_inactive_create(truto: Truto) -> None:
    """A POST with is_active: false creates an inactive webhook."""
    created = truto.create(is_active=False)
    assert created["is_active"] is False
    assert truto.read(created["id"])["is_active"] is False


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_inactive_webhook_gets_no_events(truto: Truto) -> None:
    """A webhook that was created inactive receives no events."""
    receiver, url = truto.new_target()
    _, other_url = truto.new_target()
    inactive = truto.create(target_url=url, is_active=False, event_types=NO_EVENTS)
    truto.create(target_url=other_url, is_active=True, event_types=NO_EVENTS)
    if truto.publish is None:
        truto.not_observable("needs an event of the environment, which a live run does not cause")
    truto.publish(*NO_EVENTS)
    assert receiver.deliveries(other_url), "the event of the sandbox was delivered to no webhook"
    assert not receiver.deliveries(url)
    assert truto.read(inactive["id"])["is_active"] is False
