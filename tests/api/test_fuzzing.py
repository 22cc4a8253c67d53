"""Arbitrary bytes over the wire: the client raises only its own errors, and the sandbox always responds."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import client_for
from tests.support.raw_servers import raw_server

ID = "00000000-0000-4000-8000-000000000000"
TOKEN = "a-token-that-must-not-show"
#: JSON with the field names of Truto's responses and values of any type.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(ID) | st.just(TOKEN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "target_url", "is_active", "event_types", "secret", "created_at", "result"])
            | st.sampled_from(["message", "error", "next_cursor", "success"])
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | st.just(TOKEN.encode())
HEADER_NAMES = st.sampled_from(
    ["Date", "Retry-After", "ratelimit-remaining", "ratelimit-reset", "Content-Type", "Content-Encoding", "Location"]
) | st.sampled_from(["Set-Cookie", "Transfer-Encoding", "X-Other"])
HEADER_VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30) | st.sampled_from(
    ["0", "-1", "1e9", "gzip", "chunked", "Mon, 99 Foo 2024 00:00:00 GMT", TOKEN, "9" * 400]
)
fuzz_settings = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class ByteServer:
    """Responds to every request with the same bytes."""

    def __init__(self) -> None:
        self.base_url = ""
        self.response = b""

    def respond(self, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(self.response)
        connection.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def byte_server() -> Iterator[ByteServer]:
    """One server for all examples."""
    server = ByteServer()
    with raw_server(server.respond) as port:
        server.base_url = f"http://127.0.0.1:{port}"
        yield server


@pytest.fixture(scope="module")
def unlimited_sandbox() -> Iterator[Sandbox]:
    """One sandbox for all examples, without a rate limit."""
    with Sandbox(rate_limit=10**9) as sandbox:
        yield sandbox


def errors_of_all_operations(base_url: str) -> list[str]:
    """Calls every method of a client and returns the messages of the errors."""
    messages = []
    for call in (
        lambda client: client.webhooks.create({"target_url": "https://hooks.example.com/"}),
        lambda client: client.webhooks.get(ID),
        lambda client: list(client.webhooks.iter_items()),
        lambda client: client.webhooks.update(ID, {"is_active": False}),
        lambda client: client.webhooks.delete(ID),
        lambda client: client.test_webhook(ID),
    ):
        try:
            call(client_for(base_url, TOKEN, read_seconds=0.2, total_seconds=0.3, backoff_seconds=0.001))
        except TrutoError as error:
            messages.append(str(error))
    return messages


@fuzz_settings
@example(200, "OK", [], json.dumps({"id": TOKEN, "target_url": TOKEN, "is_active": True}).encode())
@given(
    st.integers(200, 599), st.text(max_size=20), st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=5), BODIES
)
def test_any_http_response_gives_a_result_or_a_one_line_error(
    byte_server: ByteServer, status: int, reason: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Any status, headers and body give a result or a one-line `TrutoError`, which never shows the token."""
    lines = [f"HTTP/1.1 {status} {' '.join(reason.split())}", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    byte_server.response = head.encode("latin-1", "replace") + body
    for message in errors_of_all_operations(byte_server.base_url):
        assert len(message.splitlines()) == 1
        assert TOKEN not in message


@fuzz_settings
@given(st.binary(max_size=300))
def test_any_bytes_give_a_one_line_error(byte_server: ByteServer, response: bytes) -> None:
    """A response that is not HTTP gives a one-line `TrutoError`."""
    byte_server.response = response
    messages = errors_of_all_operations(byte_server.base_url)
    assert len(messages) == 6
    assert all(len(message.splitlines()) == 1 for message in messages)


@fuzz_settings
@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    st.sampled_from(["", "/test", f"/{ID}", "?limit=", "?next_cursor=", "/"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?"), max_size=10),
    BODIES,
)
def test_sandbox_never_responds_with_a_server_error(
    unlimited_sandbox: Sandbox, method: str, path: str, suffix: str, body: bytes
) -> None:
    """The sandbox responds to any request as Truto does: with a result, or with an error envelope below 500."""
    lines = [
        f"{method} /webhook{path}{suffix} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {unlimited_sandbox.token}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    host, _, port = unlimited_sandbox.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, response_body = response.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert 200 <= status < 500, response
    if status >= 400 and head.startswith(b"HTTP/1.1 4") and b"application/json" in head:
        assert json.loads(response_body)["statusCode"] == status
