"""Calls a sandbox over HTTP, receives its deliveries, and asserts about its responses."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.http_server import QuietHandler, http_server

TARGET_URL: Final = "https://example.com/webhook"
#: The body of a create with all fields.
CREATE_BODY: Final = {"target_url": TARGET_URL, "is_active": True, "event_types": []}
#: The time of the fixture `frozen_sandbox`.
START: Final = datetime(2021, 8, 10, 10, 0, 0, 123456, tzinfo=timezone.utc)
EVENT_TYPE: Final = "record:created"


def call_api(
    sandbox: Sandbox, method: str, path: str, *, token: str | None = None, **options: Any
) -> requests.Response:
    """Sends a request to the Truto API.

    Args:
        sandbox: the sandbox.
        method: the HTTP method.
        path: the path and the query.
        token: by default that of the sandbox's default environment.
        **options: arguments of `requests.request`.
    """
    headers = {"Authorization": f"Bearer {token or sandbox.token}"}
    timeout = options.pop("timeout", 20)
    return requests.request(method, sandbox.base_url + path, headers=headers, timeout=timeout, **options)


def call_admin_api(sandbox: Sandbox, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
    """Sends a request to the sandbox's admin API."""
    url = f"{sandbox.base_url}/__sandbox__/{path}"
    return requests.request(method, url, json=body, headers=headers, timeout=20)


def create_webhook(sandbox: Sandbox, *, token: str | None = None, **fields: Any) -> dict[str, Any]:
    """Creates a webhook, by default with a target only, and returns it."""
    return expect_success(call_api(sandbox, "POST", "/webhook", token=token, json={"target_url": TARGET_URL, **fields}))


def publish_event(sandbox: Sandbox, event_type: str = EVENT_TYPE, **fields: Any) -> list[dict[str, Any]]:
    """Publishes an event and returns its deliveries."""
    body = {"event": event_type, **fields}
    deliveries: list[dict[str, Any]] = expect_success(call_admin_api(sandbox, "POST", "events", body))["deliveries"]
    return deliveries


def expect_success(response: requests.Response) -> dict[str, Any]:
    """The JSON of a response that must be a success."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def exchange_bytes(sandbox: Sandbox, request: bytes) -> bytes:
    """Sends a request over a plain socket, and returns all bytes until the connection ends."""
    address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as stream:
        connection.sendall(request)
        return stream.read()


def create_request(sandbox: Sandbox) -> bytes:
    """The bytes of a create."""
    body = json.dumps(CREATE_BODY).encode()
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {sandbox.token}\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def assert_error(response: requests.Response, status: int, error: str | None = None, message: str = "") -> None:
    """Asserts that a response is the error envelope.

    Args:
        response: the response.
        status: the expected status.
        error: the expected ``error``, if it matters.
        message: a part of the expected ``message``.
    """
    assert response.status_code == status
    envelope = response.json()
    assert set(envelope) == {"statusCode", "error", "message"}
    assert envelope["statusCode"] == status
    assert error is None or envelope["error"] == error
    assert message in envelope["message"]


def assert_created(webhook: dict[str, Any], sandbox: Sandbox) -> None:
    """Asserts that a create with `CREATE_BODY` returned this webhook."""
    for name in ("id", "secret", "environment_id"):
        assert str(uuid.UUID(webhook[name])) == webhook[name]
    assert webhook["target_url"] == TARGET_URL
    assert webhook["is_active"] is True
    assert webhook["event_types"] == []
    assert webhook["environment_id"] == sandbox.environment_id


@dataclass
class Receiver:
    """A target for deliveries.

    Attributes:
        url: its URL.
        statuses: the statuses of the next responses; after them every status is 200.
        received: the headers, with names in lower case, and the body of every delivery.
    """

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON of every delivery."""
        return [json.loads(body) for _, body in self.received]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver that listens on loopback."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802  # the base class's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append((headers, body))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/redirected")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with http_server(Handler) as url:
        receiver = Receiver(f"{url}/hook")
        yield receiver


def unreachable_url() -> str:
    """The URL of a receiver that has stopped."""
    with running_receiver() as receiver:
        return receiver.url
