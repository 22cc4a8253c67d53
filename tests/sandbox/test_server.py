"""Starting and stopping sandboxes, and their settings."""

from __future__ import annotations

import gc
import socket
import time
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import assert_error, call_api, create_webhook


def test_two_sandboxes_are_independent() -> None:
    """Two sandboxes at the same time share neither webhooks nor tokens nor calls."""
    with Sandbox() as first, Sandbox() as second:
        create_webhook(first)
        assert first.base_url != second.base_url
        assert second.backend.webhooks() == []
        assert_error(call_api(second, "GET", "/webhook", token=first.token), 401)
        assert first.count() == 1


def test_restart() -> None:
    """A stopped sandbox refuses connections; after a restart it serves the same webhooks at the same address."""
    sandbox = Sandbox(token="a-token-of-my-own")
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = sandbox.base_url
    with sandbox:
        webhook = create_webhook(sandbox)
        with pytest.raises(RuntimeError, match="already running"):
            sandbox.start()
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        call_api(sandbox, "GET", "/webhook")
    with sandbox:
        assert call_api(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 200


def test_stop_does_not_wait_for_open_connections(sandbox: Sandbox) -> None:
    """A stop ends at once, even if clients keep their connections open."""
    with requests.Session() as session:
        session.get(sandbox.base_url, timeout=10)
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 30


def test_port_in_use() -> None:
    """The error for a port that another program uses names the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1 port {port}"):
            Sandbox(port=port).start()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"colour": "green"}, "unknown setting 'colour'"),
        ({"timestamp_format": "unix"}, "timestamp_format must be one of iso, space"),
        ({"page_default": 0}, "page_default must be an integer of at least 1"),
        ({"latency_seconds": float("nan")}, "latency_seconds must be a non-negative number"),
        ({"latency_seconds": 10**400}, "latency_seconds must be a non-negative number"),
        ({"latency_seconds": True}, "latency_seconds must be a non-negative number"),
        ({"latency_seconds": "1"}, "latency_seconds must be a non-negative number"),
        ({"token": "with space"}, "token"),
    ],
)
def test_invalid_settings(settings: dict[str, Any], message: str) -> None:
    """An unknown setting or an invalid value is an error before the sandbox starts."""
    with pytest.raises(ValueError, match=message):
        Sandbox(**settings)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_stop_leaves_no_connection_open() -> None:
    """A stop closes connections that are being accepted, and one whose client does not read its response."""
    for _ in range(10):
        with Sandbox() as sandbox:
            sandbox.inject("huge", "list", size_bytes=20_000_000)
            address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
            clients = [socket.create_connection(address)]
            clients[0].sendall(
                f"GET /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.token}\r\n\r\n".encode()
            )
            clients[0].recv(1)
            clients += [socket.create_connection(address) for _ in range(30)]
        for client in clients:
            client.close()
    gc.collect()  # pytest reports connections that nobody closed
