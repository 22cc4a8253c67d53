"""Connections: sizes, compression, slow drips, timeouts and reuse."""

from __future__ import annotations

import gzip
import json
import queue
import socket
import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_truto.errors import ConnectError, InvalidResponseError, NotFoundError, TransportError, TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, MISSING_ID, assert_duration, assert_list_fails, client_for, client_of
from tests.support.raw_servers import empty_page, full_backlog, http_response, raw_server

only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="with a full backlog, only Linux lets connection attempts hang"
)

# Sizes -----------------------------------------------------------------------------------------------------


def test_too_large_response_is_rejected(sandbox: Sandbox) -> None:
    """A response above the maximum size is an error, and is not read to its end."""
    sandbox.inject("huge", "list", times=0, size_bytes=50_000_000)
    error = assert_list_fails(client_of(sandbox, max_body_bytes=10_000), InvalidResponseError)
    assert "larger than 10,000 bytes" in str(error)
    assert sandbox.count() == 1


def test_response_of_exactly_the_maximum_size_is_accepted(sandbox: Sandbox) -> None:
    """A response of the maximum size is accepted, and one more byte is too many."""
    sandbox.inject("response", "list", body=empty_page(padding=2000).decode())
    sandbox.inject("response", "list", body=empty_page(padding=2001).decode())
    client = client_of(sandbox, max_body_bytes=len(empty_page(padding=2000)))
    assert client.webhooks.list_page().result == []
    assert_list_fails(client, InvalidResponseError)


def test_compressed_response_cannot_exceed_the_maximum_size() -> None:
    """A compressed response that is below the maximum size and unpacks to 20 MB is rejected."""
    body = gzip.compress(empty_page(padding=20_000_000))

    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(http_response(body, "Content-Encoding: gzip"))

    assert len(body) < 50_000
    with raw_server(respond) as port:
        assert_list_fails(client_for(f"http://127.0.0.1:{port}", max_body_bytes=50_000), InvalidResponseError)


# Slow drips ------------------------------------------------------------------------------------------------


def test_slow_body_ends_at_the_read_timeout(sandbox: Sandbox) -> None:
    """The read timeout covers the whole response: it does not restart with every byte of a slow body."""
    sandbox.inject("slow_drip", "list", times=0, seconds=0.1)
    with assert_duration(minimum=0.3, maximum=4):  # a single whole response takes longer
        error = assert_list_fails(client_of(sandbox, read_seconds=0.3), TransportError)
    assert "in time" in str(error)
    assert sandbox.count() >= 2


# No connection ---------------------------------------------------------------------------------------------


@only_linux
def test_deadline_covers_connection_attempts() -> None:
    """If no connection can be made, all attempts together end at the deadline of the call."""
    with full_backlog() as (host, port):
        client = client_for(f"http://{host}:{port}", connect_seconds=1, total_seconds=1.1)
        with assert_duration(minimum=1, maximum=2.9):  # three attempts take 3 s
            assert_list_fails(client, ConnectError)


def test_refused_connection_says_what_to_check(sandbox: Sandbox) -> None:
    """If nothing listens at the base URL, the error shows the URL and names its setting."""
    client = client_of(sandbox)
    sandbox.stop()
    message = str(assert_list_fails(client, ConnectError))
    assert sandbox.base_url in message
    assert "truto:baseUrl" in message
    with pytest.raises(ConnectError):
        client.webhooks.create(BODY)


@pytest.mark.parametrize("base_url", ["https://a..example", "https://" + "a" * 64 + ".example"])
def test_impossible_host_name_sends_nothing(base_url: str) -> None:
    """With a host name that cannot exist, no request can have succeeded."""
    with pytest.raises(TrutoError) as error_info:
        client_for(base_url).webhooks.list_page()
    assert not error_info.value.may_have_succeeded


def test_reset_during_the_tls_handshake_sends_nothing() -> None:
    """A create whose connection breaks during the TLS handshake was certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
                linger_option = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_option)

        thread = threading.Thread(target=reset, daemon=True)
        thread.start()
        with pytest.raises(ConnectError):
            client_for(f"https://127.0.0.1:{listener.getsockname()[1]}").webhooks.create(BODY)
        thread.join(10)


# Reuse -----------------------------------------------------------------------------------------------------


def test_sequential_calls_share_one_connection(sandbox: Sandbox) -> None:
    """Many calls in a row use one connection, even with errors among them."""
    client = client_of(sandbox)
    for _ in range(10):
        created = client.webhooks.create(BODY)
        client.webhooks.get(created.id)
        client.webhooks.update(created.id, {"is_active": False})
        list(client.webhooks.iter_items())
        client.webhooks.delete(created.id)
        with pytest.raises(NotFoundError):
            client.webhooks.get(created.id)
    assert sandbox.count() == 60
    assert sandbox.connections == 1


def test_retries_share_one_connection(sandbox: Sandbox) -> None:
    """A retry after an error status uses the same connection."""
    client = client_of(sandbox)
    for fault in ("empty", "html", "status"):
        sandbox.inject(fault, "list")
        client.webhooks.list_page()
    sandbox.inject("rate_limited", "create", retry_after="0")
    client.webhooks.create(BODY)
    assert sandbox.count() == 8
    assert sandbox.connections == 1


def test_threads_use_at_most_one_connection_each(sandbox: Sandbox) -> None:
    """Calls from eight threads use at most eight connections."""
    client = client_of(sandbox)
    barrier = threading.Barrier(8)

    def create_and_delete(_: int) -> None:
        barrier.wait()
        for _ in range(10):
            client.webhooks.delete(client.webhooks.create(BODY).id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create_and_delete, range(8)))
    assert sandbox.count() == 160
    assert 1 <= sandbox.connections <= 8


def test_closed_connection_is_replaced() -> None:
    """If Truto closed the connection between two calls, the next one opens a new connection, even for a create."""
    closed: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    webhook = json.dumps({"id": MISSING_ID, **BODY, "secret": "a secret"}).encode()

    def respond(connection: socket.socket, head: bytes) -> None:
        connection.sendall(http_response(webhook if head.startswith(b"POST") else empty_page()))
        connection.shutdown(socket.SHUT_RDWR)
        closed.put(head)

    with raw_server(respond) as port:
        client = client_for(f"http://127.0.0.1:{port}")
        for _ in range(3):
            client.webhooks.list_page()
            closed.get(timeout=10)
            client.webhooks.create(BODY)
            closed.get(timeout=10)
