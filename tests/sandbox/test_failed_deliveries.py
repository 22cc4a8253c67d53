"""Retries of deliveries, and the deactivation of webhooks whose deliveries fail."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.webhooks import Webhooks
from tests.support.sandbox_client import Receiver, call_api, create_webhook, publish_event, unreachable_url


def read(sandbox: Sandbox, webhook: dict[str, Any]) -> dict[str, Any]:
    """The webhook as it is now."""
    current: dict[str, Any] = call_api(sandbox, "GET", f"/webhook/{webhook['id']}").json()
    return current


# Retries ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_retries(delivery_sandbox: Sandbox, receiver: Receiver, status: int) -> None:
    """A delivery is retried up to three times after a 4xx or 5xx, with the same bytes."""
    receiver.statuses = [status] * 3
    create_webhook(delivery_sandbox, target_url=receiver.url)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, 200, True)
    assert len({body for _, body in receiver.received}) == 1


def test_a_delivery_fails_after_three_retries(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A delivery fails after three retries, and the webhook stays active."""
    receiver.statuses = [500] * 9
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, 500, False)
    assert len(receiver.received) == 4
    assert read(delivery_sandbox, webhook)["is_active"] is True


def test_redirects_are_not_followed(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A redirect is a failed delivery. It is neither followed nor retried."""
    receiver.statuses = [302]
    create_webhook(delivery_sandbox, target_url=receiver.url)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (1, 302, False)


# Deactivation ----------------------------------------------------------------------------------------------


def test_failed_deliveries_deactivate_the_webhook(delivery_sandbox: Sandbox) -> None:
    """A webhook is deactivated after three failed deliveries, and updated_at shows the time."""
    webhook = create_webhook(delivery_sandbox, target_url=unreachable_url())
    for _ in range(2):
        (delivery,) = publish_event(delivery_sandbox)
        assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, None, False)
    active_webhook = read(delivery_sandbox, webhook)
    assert (active_webhook["is_active"], active_webhook["updated_at"]) == (True, webhook["updated_at"])
    publish_event(delivery_sandbox)
    inactive_webhook = read(delivery_sandbox, webhook)
    assert inactive_webhook["is_active"] is False
    assert inactive_webhook["updated_at"] > webhook["updated_at"]
    assert publish_event(delivery_sandbox) == []


def test_activation_resets_the_failures(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A webhook that is activated again is deactivated only after three more failed deliveries."""
    receiver.statuses = [500] * 4 * 5
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    for _ in range(3):
        publish_event(delivery_sandbox)
    response = call_api(delivery_sandbox, "PATCH", f"/webhook/{webhook['id']}", json={"is_active": True})
    assert response.json()["is_active"] is True
    for _ in range(2):
        publish_event(delivery_sandbox)
    assert read(delivery_sandbox, webhook)["is_active"] is True


def test_a_success_resets_the_failures(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """Only consecutive failed deliveries deactivate a webhook."""
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    for fails in (True, True, False, True, True):
        receiver.statuses = [500] * 4 if fails else []
        publish_event(delivery_sandbox)
    assert read(delivery_sandbox, webhook)["is_active"] is True


def test_webhook_that_is_deleted_during_a_delivery(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A failed delivery of a webhook that was deleted in the meantime has no effect."""
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    delivery_sandbox.backend.remove(webhook["id"])
    delivery_sandbox.backend.collections[Webhooks].record_delivery(webhook["id"], ok=False)
    assert publish_event(delivery_sandbox) == []
