"""POST /webhook/test."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.signature import verify
from tests.support.sandbox_client import (
    EVENT_TYPE,
    Receiver,
    assert_error,
    call_api,
    create_webhook,
    unreachable_url,
)


def send_test_event(sandbox: Sandbox, webhook: dict[str, Any]) -> requests.Response:
    """The response of the test endpoint for a webhook."""
    return call_api(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]})


def test_success(sandbox: Sandbox, receiver: Receiver) -> None:
    """The target receives a signed test event, and the response reports success."""
    webhook = create_webhook(sandbox, target_url=receiver.url)
    response = send_test_event(sandbox, webhook)
    assert (response.status_code, response.json()) == (200, {"success": True})
    ((headers, body),) = receiver.received
    assert headers["user-agent"] == "truto"
    assert headers["content-type"] == "application/json"
    verify(body, headers["x-truto-signature"], webhook["secret"])
    message = json.loads(body)
    assert (message["event"], message["payload"]) == ("test", {"foo": "bar"})
    assert sandbox.count("test") == 1


def test_error_status_of_the_target(sandbox: Sandbox, receiver: Receiver) -> None:
    """After an error status of the target the response reports no success; the test event is not retried."""
    receiver.statuses = [500]
    webhook = create_webhook(sandbox, target_url=receiver.url)
    response = send_test_event(sandbox, webhook)
    assert (response.status_code, response.json()) == (200, {"success": False})
    assert len(receiver.received) == 1


def test_unreachable_target(sandbox: Sandbox) -> None:
    """A test event for an unreachable target is a 400 with the error envelope."""
    webhook = create_webhook(sandbox, target_url=unreachable_url())
    assert_error(send_test_event(sandbox, webhook), 400, message="could not be delivered")


def test_target_that_does_not_respond(sandbox: Sandbox) -> None:
    """A test event for a target that does not respond in time is a 400."""
    sandbox.backend.change_settings({"delivery_timeout_seconds": 0.1})
    # A second sandbox is the target because its "timeout" fault never responds.
    with Sandbox() as target:
        target.inject("timeout", "create", times=0, seconds=60)
        webhook = create_webhook(sandbox, target_url=target.base_url + "/webhook")
        response = send_test_event(sandbox, webhook)
    assert_error(response, 400, message="in time")


def test_inactive_webhook(sandbox: Sandbox, receiver: Receiver) -> None:
    """An inactive webhook receives the test event too."""
    webhook = create_webhook(sandbox, target_url=receiver.url, is_active=False, event_types=[EVENT_TYPE])
    assert send_test_event(sandbox, webhook).json() == {"success": True}


def test_failures_do_not_deactivate_the_webhook(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """Failed test events do not count towards the deactivation of a webhook."""
    receiver.statuses = [500] * 4
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    for _ in range(4):
        send_test_event(delivery_sandbox, webhook)
    assert call_api(delivery_sandbox, "GET", f"/webhook/{webhook['id']}").json()["is_active"] is True


@pytest.mark.parametrize(("body", "message"), [({}, "id is required"), ({"id": 5}, "id must be a string")])
def test_invalid_body(sandbox: Sandbox, body: dict[str, Any], message: str) -> None:
    """A request without the id of a webhook is a 400."""
    assert_error(call_api(sandbox, "POST", "/webhook/test", json=body), 400, "Bad Request", message)
