"""Which webhooks receive an event, and its content."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import (
    EVENT_TYPE,
    Receiver,
    call_admin_api,
    call_api,
    create_webhook,
    expect_success,
    publish_event,
)

# The message -----------------------------------------------------------------------------------------------


def test_message(sandbox: Sandbox, receiver: Receiver) -> None:
    """A delivery contains the payload, the event type, and the ids of the event, the webhook and the environment."""
    webhook = create_webhook(sandbox, target_url=receiver.url)
    (delivery,) = publish_event(sandbox, payload={"name": "Zoë"})
    (message,) = receiver.messages
    assert set(message) == {"id", "event", "payload", "environment_id", "webhook_id", "created_at"}
    assert str(uuid.UUID(message["id"])) == message["id"] == delivery["id"]
    assert (message["event"], message["payload"]) == (EVENT_TYPE, {"name": "Zoë"})
    assert message["environment_id"] == sandbox.environment_id
    assert message["webhook_id"] == delivery["webhook_id"] == webhook["id"]
    assert message["created_at"].endswith("Z")
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (1, 200, True)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_signature(receiver: Receiver, encoding: str) -> None:
    """The signature is the HMAC-SHA256 of the raw body with the secret as its key, in hex or in base64."""
    with Sandbox(digest=encoding) as sandbox:
        webhook = create_webhook(sandbox, target_url=receiver.url)
        publish_event(sandbox)
        ((headers, body),) = receiver.received
        digest = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).digest()
        encoded = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
        assert headers["x-truto-signature"] == f"format=sha256,v={encoded}"


@pytest.mark.parametrize("event_id", ["shared", "per_webhook"])
def test_event_id_of_two_webhooks(receiver: Receiver, event_id: str) -> None:
    """Two webhooks receive one event with the same time, and with the same id or separate ids, as set."""
    with Sandbox(event_id=event_id) as sandbox:
        for _ in range(2):
            create_webhook(sandbox, target_url=receiver.url)
        deliveries = publish_event(sandbox)
        publish_event(sandbox)
    ids = [message["id"] for message in receiver.messages]
    assert len(ids) == 4
    assert len(set(ids)) == (2 if event_id == "shared" else 4)
    assert {delivery["id"] for delivery in deliveries} == set(ids[:2])
    assert len({message["created_at"] for message in receiver.messages[:2]}) == 1


# The receivers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_types", "event_type", "delivered"),
    [
        ([], EVENT_TYPE, True),
        ([EVENT_TYPE], EVENT_TYPE, True),
        (["record:*"], EVENT_TYPE, True),
        (["record:*"], "record:meta", True),
        (["record:updated"], EVENT_TYPE, False),
        (["record:*"], "record_error:created", False),
        (["sync_job_run:*", "moon:landed"], "moon:landed", True),
    ],
)
def test_subscriptions(
    sandbox: Sandbox, receiver: Receiver, event_types: list[str], event_type: str, delivered: bool
) -> None:
    """A webhook receives the event types that it is subscribed to, exactly or by a wildcard, or every event."""
    create_webhook(sandbox, target_url=receiver.url, event_types=event_types)
    publish_event(sandbox, event_type)
    assert len(receiver.received) == delivered


def test_only_active_webhooks_of_the_environment(sandbox: Sandbox, receiver: Receiver) -> None:
    """All active webhooks of the event's environment receive it, and no others."""
    other = sandbox.add_environment("other")
    expected = {create_webhook(sandbox, target_url=receiver.url)["id"] for _ in range(2)}
    create_webhook(sandbox, target_url=receiver.url, is_active=False)
    in_other = create_webhook(sandbox, target_url=receiver.url, token=other.token)
    publish_event(sandbox)
    assert {message["webhook_id"] for message in receiver.messages} == expected
    receiver.received.clear()
    publish_event(sandbox, environment_id=other.id)
    assert {message["webhook_id"] for message in receiver.messages} == {in_other["id"]}


@pytest.mark.parametrize("target_url", ["https://example.com/webhook", "https://127.0.0.1.example.com/"])
def test_nothing_leaves_the_machine(sandbox: Sandbox, target_url: str) -> None:
    """A delivery to another machine fails without a request, and the delivery states the reason."""
    webhook = create_webhook(sandbox, target_url=target_url)
    (delivery,) = publish_event(sandbox)
    assert (delivery["ok"], delivery["status"], delivery["attempts"]) == (False, None, 1)
    assert delivery["reason"] == "the sandbox delivers to loopback only"
    response = call_api(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]})
    assert response.status_code == 400
    assert "loopback only" in response.json()["message"]


def test_localhost_is_loopback(sandbox: Sandbox, receiver: Receiver) -> None:
    """A target on localhost receives events."""
    create_webhook(sandbox, target_url=receiver.url.replace("127.0.0.1", "localhost"))
    (delivery,) = publish_event(sandbox)
    assert delivery["ok"] is True


def test_list_of_deliveries(sandbox: Sandbox, receiver: Receiver) -> None:
    """The sandbox records every delivery, including test events, in the order of completion."""
    webhook = create_webhook(sandbox, target_url=receiver.url)
    call_api(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]})
    publish_event(sandbox)
    assert [delivery.event for delivery in sandbox.deliveries] == ["test", EVENT_TYPE]
    listed = expect_success(call_admin_api(sandbox, "GET", "deliveries"))["deliveries"]
    assert [delivery["event"] for delivery in listed] == ["test", EVENT_TYPE]
    assert {delivery["webhook_id"] for delivery in listed} == {webhook["id"]}
