"""Test events: Truto's response, its delivery and its signature."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulumi_truto import signature
from tests.contract.client import Response
from tests.contract.receiver import Delivery
from tests.contract.truto import NO_EVENTS, Observed, Truto


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_of_an_unreachable_target(truto: Truto, observed: Observed) -> None:
    """The test of a webhook whose target cannot be reached gives success: false, or a status that says a failure."""
    response = truto.test(truto.create(is_active=True, event_types=NO_EVENTS)["id"])
    assert _is_rejection(response), response
    observed(response)


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_that_the_target_rejects(truto: Truto, observed: Observed) -> None:
    """The test of a webhook whose target responds with 503 gives success: false, or a status that says a failure."""
    receiver, url = truto.new_target(503)
    response = truto.test(truto.create(target_url=url, is_active=True, event_types=NO_EVENTS)["id"])
    assert _is_rejection(response), response
    observed(f"{response}, deliveries: {len(receiver.deliveries(url))}")


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_that_the_target_accepts(truto: Truto) -> None:
    """The test of a webhook whose target accepts the test event gives success: true."""
    receiver, url = truto.new_target()
    response = truto.test(truto.create(target_url=url, is_active=True, event_types=NO_EVENTS)["id"])
    assert response.object.get("success") is True
    assert receiver.deliveries(url), "success: true without a delivery"


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_of_an_inactive_webhook(truto: Truto, observed: Observed) -> None:
    """The test of an inactive webhook delivers the test event, or fails; it never succeeds without a delivery."""
    receiver, url = truto.new_target()
    response = truto.test(truto.create(target_url=url, is_active=False)["id"])
    is_delivered = bool(receiver.deliveries(url))
    assert is_delivered or _is_rejection(response), f"{response}, without a delivery"
    observed(f"{response}, {'delivered' if is_delivered else 'not delivered'}")


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_of_an_unknown_webhook(truto: Truto) -> None:
    """The test of an id that no webhook has gives a 404, 400 or 422."""
    response = truto.test(truto.new_id())
    assert response.status in (400, 404, 422), response


@pytest.mark.rests_on("pulumi_truto/signature.py")
def test_event(truto: Truto, observed: Observed) -> None:
    """A delivery is JSON with id, event, payload, environment_id, webhook_id and created_at; a test event is "test"."""
    webhook, delivery = _delivered(truto)
    event = json.loads(delivery.body)
    assert {"id", "event", "payload", "environment_id", "webhook_id", "created_at"} <= set(event)
    assert (event["event"], event["webhook_id"]) == ("test", webhook["id"])
    signature.verify_age(event["created_at"])
    observed(f"payload {event['payload']}, User-Agent {delivery.headers.get('user-agent')}")


@pytest.mark.rests_on("pulumi_truto/signature.py")
def test_signature_of_a_delivery(truto: Truto, observed: Observed) -> None:
    """X-Truto-Signature is the HMAC-SHA256 of the raw body, keyed with the secret, in hex or base64."""
    webhook, delivery = _delivered(truto)
    _verify(delivery, webhook)
    digest = delivery.headers[signature.HEADER].rpartition("v=")[2]
    observed("hex" if len(digest) == 64 else "base64")


@pytest.mark.rests_on("pulumi_truto/webhook/manager.py")
def test_secret_survives_updates(truto: Truto) -> None:
    """After PATCHes of URL, event types and is_active deliveries go to the new URL, signed with the same secret."""
    receiver, old_url = truto.new_target()
    _, url = truto.new_target()
    webhook = truto.create(target_url=old_url, is_active=False, event_types=NO_EVENTS)
    truto.update(webhook["id"], target_url=url, event_types=["truto_contract:other"], is_active=True)
    truto.test(webhook["id"])
    assert not receiver.deliveries(old_url), "delivered to the old URL"
    _verify(_last(truto, url), webhook)


def _is_rejection(response: Response) -> bool:
    """Whether a test failed because of the target, as far as the response says."""
    if response.is_success:
        return response.object.get("success") is False
    return response.status >= 400 and response.status not in (401, 403, 404, 429)


def _delivered(truto: Truto) -> tuple[dict[str, Any], Delivery]:
    """A webhook, and the delivery of its test event."""
    _, url = truto.new_target()
    webhook = truto.create(target_url=url, is_active=True, event_types=NO_EVENTS)
    truto.test(webhook["id"])
    return webhook, _last(truto, url)


def _last(truto: Truto, url: str) -> Delivery:
    deliveries = truto.receiver.deliveries(url) if truto.receiver is not None else []
    if not deliveries:
        truto.not_observable("the test event was not delivered")
    return deliveries[-1]


def _verify(delivery: Delivery, webhook: dict[str, Any]) -> None:
    signature.verify(delivery.body, delivery.headers, webhook["secret"])
