"""The sandbox's deliveries to a real receiver; it must not import the project's own client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.signature import verify

EVENT = "record:created"


@dataclass
class Receiver:
    url: str
    responses: list[int] = field(default_factory=list)  # the next answers; 200 after them
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            target.received.append((headers, body))
            status = target.responses.pop(0) if target.responses else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/redirected")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        target = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield target
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(retry_backoff_seconds=0.001, deactivate_after=3) as running:
        yield running


def call(sandbox: Sandbox, method: str, path: str, body: object = None, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token or sandbox.token}"}
    return requests.request(method, sandbox.base_url + path, json=body, headers=headers, timeout=20)


def create(sandbox: Sandbox, target_url: str, token: str = "", **fields: Any) -> dict[str, Any]:
    response = call(sandbox, "POST", "/webhook", {"target_url": target_url, **fields}, token)
    assert response.status_code == 200, response.text
    webhook: dict[str, Any] = response.json()
    return webhook


def publish(sandbox: Sandbox, event: str = EVENT, **fields: Any) -> list[dict[str, Any]]:
    response = call(sandbox, "POST", "/__sandbox__/events", {"event": event, **fields})
    assert response.status_code == 200, response.text
    deliveries: list[dict[str, Any]] = response.json()["deliveries"]
    return deliveries


def unused_target() -> str:
    with receiving() as gone:
        return gone.url


# The test event --------------------------------------------------------------------------------------------


def test_test_event(sandbox: Sandbox, receiver: Receiver) -> None:
    """The test endpoint delivers the test event, signed, and tells of success."""
    webhook = create(sandbox, receiver.url)
    response = call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert (response.status_code, response.json()) == (200, {"success": True})
    ((headers, body),) = receiver.received
    assert headers["user-agent"] == "truto"
    assert headers["content-type"] == "application/json"
    verify(body, headers["x-truto-signature"], webhook["secret"])
    message = json.loads(body)
    assert (message["event"], message["payload"]) == ("test", {"foo": "bar"})
    assert sandbox.count("test") == 1


def test_test_event_refused_by_the_receiver(sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver that answers with an error makes the test a failure, without a retry."""
    receiver.responses = [500]
    webhook = create(sandbox, receiver.url)
    response = call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert (response.status_code, response.json()) == (200, {"success": False})
    assert len(receiver.received) == 1


def test_test_event_to_a_target_that_is_down(sandbox: Sandbox) -> None:
    """A target that cannot be reached makes the test a 400 with the error envelope."""
    webhook = create(sandbox, unused_target())
    response = call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert response.status_code == response.json()["statusCode"] == 400
    assert "could not be delivered" in response.json()["message"]


def test_test_event_of_an_inactive_webhook(sandbox: Sandbox, receiver: Receiver) -> None:
    """A webhook that is off can still be tested."""
    webhook = create(sandbox, receiver.url, is_active=False, event_types=[EVENT])
    assert call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]}).json() == {"success": True}


def test_failed_tests_do_not_switch_off(sandbox: Sandbox, receiver: Receiver) -> None:
    """Tests may fail as often as they like without a webhook being switched off."""
    receiver.responses = [500] * 4
    webhook = create(sandbox, receiver.url)
    for _ in range(4):
        call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert call(sandbox, "GET", f"/webhook/{webhook['id']}").json()["is_active"] is True


# Events ----------------------------------------------------------------------------------------------------


def test_event(sandbox: Sandbox, receiver: Receiver) -> None:
    """An event arrives with its payload and says where it comes from."""
    webhook = create(sandbox, receiver.url)
    (delivery,) = publish(sandbox, payload={"name": "Zoë"})
    (message,) = receiver.messages()
    assert set(message) == {"id", "event", "payload", "environment_id", "webhook_id", "created_at"}
    assert str(uuid.UUID(message["id"])) == message["id"] == delivery["id"]
    assert (message["event"], message["payload"]) == (EVENT, {"name": "Zoë"})
    assert message["environment_id"] == sandbox.environment_id
    assert message["webhook_id"] == delivery["webhook_id"] == webhook["id"]
    assert message["created_at"].endswith("Z")
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (1, 200, True)


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_signature(receiver: Receiver, form: str) -> None:
    """The signature is HMAC-SHA256 over the raw body with the secret as its key, in hex or in base64."""
    with Sandbox(digest=form) as sandbox:
        webhook = create(sandbox, receiver.url)
        publish(sandbox)
        ((headers, body),) = receiver.received
        digest = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).digest()
        written = digest.hex() if form == "hex" else base64.b64encode(digest).decode()
        assert headers["x-truto-signature"] == f"format=sha256,v={written}"


@pytest.mark.parametrize(
    ("event_types", "event", "delivered"),
    [
        ([], EVENT, True),
        ([EVENT], EVENT, True),
        (["record:*"], EVENT, True),
        (["record:*"], "record:meta", True),
        (["record:updated"], EVENT, False),
        (["record:*"], "record_error:created", False),
        (["sync_job_run:*", "moon:landed"], "moon:landed", True),
    ],
)
def test_subscriptions(
    sandbox: Sandbox, receiver: Receiver, event_types: list[str], event: str, delivered: bool
) -> None:
    """A webhook receives the exact types that it names, those under its wildcards, or everything."""
    create(sandbox, receiver.url, event_types=event_types)
    publish(sandbox, event)
    assert len(receiver.received) == delivered


def test_only_active_webhooks_of_the_environment(sandbox: Sandbox, receiver: Receiver) -> None:
    """An event goes to all active webhooks of its environment and to no other."""
    other = sandbox.add_environment("other")
    wanted = {create(sandbox, receiver.url)["id"], create(sandbox, receiver.url)["id"]}
    create(sandbox, receiver.url, is_active=False)
    others = {create(sandbox, receiver.url, other.token)["id"]}
    publish(sandbox)
    assert {message["webhook_id"] for message in receiver.messages()} == wanted
    receiver.received.clear()
    publish(sandbox, environment_id=other.id)
    assert {message["webhook_id"] for message in receiver.messages()} == others


@pytest.mark.parametrize("event_id", ["shared", "per_webhook"])
def test_id_of_an_event_for_two_webhooks(receiver: Receiver, event_id: str) -> None:
    """Two webhooks deliver one event with the same id and time, or with ids of their own where that is set."""
    with Sandbox(event_id=event_id) as sandbox:
        for _ in range(2):
            create(sandbox, receiver.url)
        deliveries = publish(sandbox)
        publish(sandbox)
    messages = receiver.messages()
    ids = [message["id"] for message in messages]
    assert len(ids) == 4
    assert len(set(ids)) == (2 if event_id == "shared" else 4)
    assert {delivery["id"] for delivery in deliveries} == set(ids[:2])
    assert len({message["created_at"] for message in messages[:2]}) == 1


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_retries(sandbox: Sandbox, receiver: Receiver, status: int) -> None:
    """A receiver that answers with 4xx or 5xx is tried three times more, with the same bytes."""
    receiver.responses = [status] * 3
    create(sandbox, receiver.url)
    (delivery,) = publish(sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, 200, True)
    assert len({body for _, body in receiver.received}) == 1


def test_giving_up(sandbox: Sandbox, receiver: Receiver) -> None:
    """After three retries Truto gives up on the delivery, not yet on the webhook."""
    receiver.responses = [500] * 9
    webhook = create(sandbox, receiver.url)
    (delivery,) = publish(sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, 500, False)
    assert len(receiver.received) == 4
    assert call(sandbox, "GET", f"/webhook/{webhook['id']}").json()["is_active"] is True


def test_redirects_are_not_followed(sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver that redirects is a failed delivery, neither followed nor tried again."""
    receiver.responses = [302]
    create(sandbox, receiver.url)
    (delivery,) = publish(sandbox)
    assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (1, 302, False)


def test_auto_deactivation(sandbox: Sandbox) -> None:
    """A webhook whose deliveries keep failing is switched off, and updated_at shows when."""
    webhook = create(sandbox, unused_target())
    path = f"/webhook/{webhook['id']}"
    for _ in range(2):
        (delivery,) = publish(sandbox)
        assert (delivery["attempts"], delivery["status"], delivery["ok"]) == (4, None, False)
    before = call(sandbox, "GET", path).json()
    assert (before["is_active"], before["updated_at"]) == (True, webhook["updated_at"])
    publish(sandbox)
    after = call(sandbox, "GET", path).json()
    assert after["is_active"] is False
    assert after["updated_at"] > webhook["updated_at"]
    assert publish(sandbox) == []


def test_switching_on_again_starts_afresh(sandbox: Sandbox, receiver: Receiver) -> None:
    """A webhook that is switched on again has to fail as often as before to be switched off."""
    receiver.responses = [500] * 4 * 5
    webhook = create(sandbox, receiver.url)
    path = f"/webhook/{webhook['id']}"
    for _ in range(3):
        publish(sandbox)
    assert call(sandbox, "PATCH", path, {"is_active": True}).json()["is_active"] is True
    for _ in range(2):
        publish(sandbox)
    assert call(sandbox, "GET", path).json()["is_active"] is True


def test_a_success_clears_the_record(sandbox: Sandbox, receiver: Receiver) -> None:
    """Only failures in a row switch a webhook off."""
    webhook = create(sandbox, receiver.url)
    for failing in (True, True, False, True, True):
        receiver.responses = [500] * 4 if failing else []
        publish(sandbox)
    assert call(sandbox, "GET", f"/webhook/{webhook['id']}").json()["is_active"] is True


@pytest.mark.parametrize("target", ["https://example.com/webhook", "https://127.0.0.1.example.com/"])
def test_nothing_leaves_the_machine(sandbox: Sandbox, target: str) -> None:
    """A target elsewhere is a failed delivery that says why; the sandbox sends it nothing."""
    webhook = create(sandbox, target)
    (delivery,) = publish(sandbox)
    assert (delivery["ok"], delivery["status"], delivery["attempts"]) == (False, None, 1)
    assert delivery["reason"] == "the sandbox delivers to loopback only"
    response = call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert response.status_code == 400
    assert "loopback only" in response.json()["message"]


def test_a_slow_receiver_is_no_answer(sandbox: Sandbox) -> None:
    """A receiver that stays silent too long is a failed delivery."""
    sandbox.backend.change_settings({"delivery_timeout_seconds": 0.1})
    # A sandbox of its own is as silent a receiver as one could wish for.
    with Sandbox() as silent:
        silent.inject("timeout", "create", times=0, seconds=60)
        webhook = create(sandbox, silent.base_url + "/webhook")
        response = call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    assert response.status_code == 400
    assert "in time" in response.json()["message"]


def test_targets_by_the_name_localhost(sandbox: Sandbox, receiver: Receiver) -> None:
    """A target named localhost is this machine."""
    create(sandbox, receiver.url.replace("127.0.0.1", "localhost"))
    (delivery,) = publish(sandbox)
    assert delivery["ok"] is True


def test_list_of_deliveries(sandbox: Sandbox, receiver: Receiver) -> None:
    """Every delivery is on a list, in the order in which they ended."""
    webhook = create(sandbox, receiver.url)
    call(sandbox, "POST", "/webhook/test", {"id": webhook["id"]})
    publish(sandbox)
    assert [delivery.event for delivery in sandbox.deliveries] == ["test", EVENT]
    listed = call(sandbox, "GET", "/__sandbox__/deliveries").json()["deliveries"]
    assert [delivery["event"] for delivery in listed] == ["test", EVENT]
    assert {delivery["webhook_id"] for delivery in listed} == {webhook["id"]}


def test_a_webhook_deleted_during_its_delivery(sandbox: Sandbox, receiver: Receiver) -> None:
    """A failed delivery of a webhook that is gone by now harms nothing."""
    webhook = create(sandbox, receiver.url)
    sandbox.backend.remove(webhook["id"])
    sandbox.backend.record_delivery(webhook["id"], ok=False)
    assert publish(sandbox) == []
