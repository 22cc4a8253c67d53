"""Whatever comes over the wire, only documented exceptions come out of the client, and clear errors of the sandbox."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.api.test_client import raw_server

ID = "00000000-0000-4000-8000-000000000000"
TOKEN = "a-token-that-must-not-show"
#: What an answer of Truto holds, with values of every kind.
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
NAMES = st.sampled_from(
    ["Date", "Retry-After", "ratelimit-remaining", "ratelimit-reset", "Content-Type", "Content-Encoding", "Location"]
) | st.sampled_from(["Set-Cookie", "Transfer-Encoding", "X-Other"])
VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30) | st.sampled_from(
    ["0", "-1", "1e9", "gzip", "chunked", "Mon, 99 Foo 2024 00:00:00 GMT", TOKEN, "9" * 400]
)
patient = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Server:
    """Answers every request with the bytes that were set last."""

    def __init__(self) -> None:
        self.response = b""

    def __call__(self, connection: socket.socket, _request: bytes) -> None:
        connection.sendall(self.response)
        connection.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Server, str]]:
    """A server of anything, and where it is."""
    responses = Server()
    with raw_server(responses) as host:
        yield responses, host


def ask(host: str) -> list[str]:
    """Every operation of a client; the errors."""
    limits = RequestPolicy(connect_seconds=5, read_seconds=2, total_seconds=3, max_attempts=1, backoff_seconds=0.001)
    shown = []
    for call in (
        lambda client: client.create_webhook({"target_url": "https://hooks.example.com/"}).webhook,
        lambda client: client.get_webhook(ID),
        lambda client: list(client.iter_webhooks()),
        lambda client: client.update_webhook(ID, {"is_active": False}),
        lambda client: client.delete_webhook(ID),
        lambda client: client.test_webhook(ID),
    ):
        try:
            call(TrutoClient(Settings(TOKEN, f"http://{host}"), limits))
        except TrutoError as error:
            shown.append(str(error))
    return shown


@patient
@example(200, "OK", [], json.dumps({"id": TOKEN, "target_url": TOKEN, "is_active": True}).encode())
@given(st.integers(200, 599), st.text(max_size=20), st.lists(st.tuples(NAMES, VALUES), max_size=5), BODIES)
def test_any_answer(
    server: tuple[Server, str], status: int, reason: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Any status, headers and body end in a result or in a one-line error of ours, which never shows the token."""
    responses, host = server
    lines = [f"HTTP/1.1 {status} {' '.join(reason.split())}", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    responses.response = head.encode("latin-1", "replace") + body
    for error in ask(host):
        assert len(error.splitlines()) == 1
        assert TOKEN not in error


@patient
@given(st.binary(max_size=300))
def test_no_http_at_all(server: tuple[Server, str], noise: bytes) -> None:
    """What is no HTTP answer is a one-line error of ours as well."""
    responses, host = server
    responses.response = noise
    errors = ask(host)
    assert len(errors) == 6
    assert all(len(error.splitlines()) == 1 for error in errors)


@patient
@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    st.sampled_from(["", "/test", f"/{ID}", "?limit=", "?next_cursor=", "/"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?"), max_size=10),
    BODIES,
)
def test_any_request(server_of_truto: Sandbox, method: str, path: str, more: str, body: bytes) -> None:
    """The sandbox answers any request as Truto does: with a result, or with an error envelope below 500."""
    request: dict[str, Any] = {"Host": "x", "Authorization": f"Bearer {server_of_truto.token}", "Connection": "close"}
    lines = [f"{method} /webhook{path}{more} HTTP/1.1", *(f"{name}: {value}" for name, value in request.items())]
    head = "\r\n".join([*lines, "Content-Type: application/json", f"Content-Length: {len(body)}", "", ""])
    host, _, port = server_of_truto.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode("latin-1") + body)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, rest = response.partition(b"\r\n\r\n")
    status = int(top.split()[1])
    assert 200 <= status < 500, response
    if status >= 400 and top.startswith(b"HTTP/1.1 4") and b"application/json" in top:
        assert json.loads(rest)["statusCode"] == status


@pytest.fixture(scope="module")
def server_of_truto() -> Iterator[Sandbox]:
    """One sandbox for all requests, without a rate limit."""
    with Sandbox(rate_limit=10**9) as sandbox:
        yield sandbox
