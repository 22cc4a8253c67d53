"""The client against a sandbox over real sockets: every endpoint, and everything that can come back."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import http.client
import ipaddress
import json
import logging
import queue
import re
import socket
import socketserver
import ssl
import struct
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pulumi_truto import errors
from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.models import WebhookBody
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
    TrutoError,
)
from pulumi_truto.sandbox import Sandbox
from tests.support.commands import run

URL = "https://hooks.example.com/truto"
BODY: WebhookBody = {"target_url": URL, "event_types": ["record:created"], "is_active": True}
#: Any other id: no webhook has it.
NO_WEBHOOK = "00000000-0000-4000-8000-000000000000"
#: Another spelling of 127.0.0.1, which no setting takes for this machine: as a Truto far away is reached.
FAR_AWAY = "127.1"


def client_for(base_url: str, token: str, **limits: Any) -> TrutoClient:
    """A client that waits shortly between tries and long for an answer, unless told otherwise."""
    patience = {
        "connect_seconds": 5,
        "read_seconds": 10,
        "total_seconds": 20,
        "max_attempts": 3,
        "backoff_seconds": 0.01,
    }
    return TrutoClient(Settings(api_token=token, base_url=base_url), RequestPolicy(**{**patience, **limits}))


def client_of(sandbox: Sandbox, **limits: Any) -> TrutoClient:
    return client_for(sandbox.base_url, sandbox.token, **limits)


def fails(client: TrutoClient, kind: type[TrutoError]) -> TrutoError:
    """The error of a failing list, checked to be of exactly this kind and fit for the last line of a log."""
    with pytest.raises(TrutoError) as caught:
        client.list_webhooks()
    assert type(caught.value) is kind
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith("cannot list the webhooks")
    return caught.value


@contextlib.contextmanager
def raw_server(response: Callable[[socket.socket, bytes], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers every request with what `response` sends; yields "host:port"."""

    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            while head := self._head():
                length = re.search(rb"Content-Length: (\d+)", head)
                self.rfile.read(int(length[1]) if length else 0)
                response(self.request, head)

        def finish(self) -> None:
            try:
                super().finish()
            finally:
                self.request.close()  # the server closes only what it accepted, and not the TLS around it

        def _head(self) -> bytes:
            head = b""
            while (line := self.rfile.readline()) not in (b"", b"\r\n"):
                head += line
            return head

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hung up is no news."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def page(*, cursor: str | None = None, padding: int = 0) -> bytes:
    return json.dumps({"result": [], "next_cursor": cursor}).encode() + b" " * padding


def returned(body: bytes, *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


# Endpoints -------------------------------------------------------------------------------------------------


def test_create(sandbox: Sandbox) -> None:
    """A create sends the body as it is and returns the new webhook with its secret."""
    webhook = client_of(sandbox).create_webhook(BODY).webhook
    (made,) = sandbox.backend.webhooks()
    assert (webhook.id, webhook.secret) == (made.id, made.secret)
    assert webhook.environment_id == sandbox.environment_id
    assert (webhook.target_url, webhook.event_types, webhook.is_active) == (URL, ["record:created"], True)
    assert webhook.created_at is not None
    (call,) = sandbox.calls
    assert (call.method, call.path, call.body) == ("POST", "/webhook", BODY)


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_get(empty_event_types_as: str) -> None:
    """A webhook is read as it is, without its secret, however Truto shows that it is for every event."""
    with Sandbox(empty_event_types_as=empty_event_types_as) as sandbox:
        client = client_of(sandbox)
        made = client.create_webhook({"target_url": URL}).webhook
        webhook = client.get_webhook(made.id)
    assert webhook.id == made.id
    assert webhook.secret is None
    assert not webhook.event_types


@pytest.mark.parametrize("timestamp_format", ["iso", "space"])
def test_both_forms_of_time(timestamp_format: str) -> None:
    """Whichever form Truto writes its times in, they are understood."""
    with Sandbox(timestamp_format=timestamp_format) as sandbox:
        webhook = client_of(sandbox).create_webhook(BODY).webhook
        made_at = sandbox.backend.webhooks()[0].created_at
    assert webhook.created_at is not None
    assert abs((webhook.created_at - made_at).total_seconds()) <= 1


def test_update(sandbox: Sandbox) -> None:
    """An update sends what it is given and leaves everything else as it was."""
    client = client_of(sandbox)
    made = client.create_webhook(BODY).webhook
    webhook = client.update_webhook(made.id, {"is_active": False})
    assert (webhook.is_active, webhook.target_url, webhook.event_types) == (False, URL, ["record:created"])
    assert webhook.secret is None
    assert (sandbox.calls[-1].method, sandbox.calls[-1].body) == ("PATCH", {"is_active": False})


@pytest.mark.parametrize("delete_response", ["object", "no_content"])
def test_delete(delete_response: str) -> None:
    """A delete succeeds with either of the answers that Truto gives to it, and the connection goes on."""
    with Sandbox(delete_response=delete_response) as sandbox:
        client = client_of(sandbox)
        for _ in range(3):
            client.delete_webhook(client.create_webhook(BODY).webhook.id)
        assert sandbox.backend.webhooks() == []
        assert {call.status for call in sandbox.calls if call.operation == "delete"} == {
            200 if delete_response == "object" else 204
        }
        assert sandbox.connections == 1


@pytest.mark.parametrize(("status", "success"), [(200, True), (500, False)])
def test_test(sandbox: Sandbox, status: int, success: bool) -> None:
    """A test tells whether the target accepted the test event."""
    with raw_server(lambda connection, _: connection.sendall(returned(b"").replace(b"200", b"%d" % status))) as target:
        client = client_of(sandbox)
        made = client.create_webhook({"target_url": f"http://{target}/"}).webhook
        assert client.test_webhook(made.id) is success
    assert sandbox.calls[-1].body == {"id": made.id}


def test_test_of_a_target_that_does_not_answer(sandbox: Sandbox) -> None:
    """Where the target gives no answer at all, Truto's own words about it are in the error."""
    client = client_of(sandbox)
    made = client.create_webhook(BODY).webhook
    with pytest.raises(BadRequestError, match="could not be delivered"):
        client.test_webhook(made.id)


def test_endpoints_of_a_webhook_that_is_gone(sandbox: Sandbox) -> None:
    """Each call about a webhook that does not exist says what was tried and that it is not there."""
    client = client_of(sandbox)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: client.get_webhook(NO_WEBHOOK), "read"),
        (lambda: client.update_webhook(NO_WEBHOOK, {"is_active": True}), "update"),
        (lambda: client.delete_webhook(NO_WEBHOOK), "delete"),
        (lambda: client.test_webhook(NO_WEBHOOK), "test"),
    ]
    for call, what in calls:
        with pytest.raises(NotFoundError, match=f"^cannot {what} webhook {NO_WEBHOOK}: Truto returned 404"):
            call()


@pytest.mark.parametrize(
    "id_", ["", ".", "..", "../token", "a/b", "a?b", "a#b", "a%2Fb", "a b", "a\nb", "x" * 129, "\u00e9"]
)
def test_ids_that_could_alter_a_path(sandbox: Sandbox, id_: str) -> None:
    """What is no id is refused before anything is sent, as it could reach something else."""
    client = client_of(sandbox)
    calls: list[Callable[[], object]] = [
        lambda: client.get_webhook(id_),
        lambda: client.update_webhook(id_, {}),
        lambda: client.delete_webhook(id_),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert len(str(caught.value).splitlines()) == 1
    assert sandbox.calls == []


def test_settings_with_a_problem() -> None:
    """Nothing is sent with settings that have a problem: it is told instead."""
    with pytest.raises(ConfigurationError, match="no token; no URL"):
        TrutoClient(Settings(api_token="", errors=("no token", "no URL")))


# Lists -----------------------------------------------------------------------------------------------------


def test_every_page(sandbox: Sandbox) -> None:
    """A list goes through every page, in order and each webhook once."""
    sandbox.backend.change_settings({"page_maximum": 3})
    client = client_of(sandbox)
    made = [client.create_webhook(BODY).webhook.id for _ in range(8)]
    assert [webhook.id for webhook in client.iter_webhooks()] == made
    assert sandbox.count("list") == 3
    assert [call.query.get("limit") for call in sandbox.calls if call.operation == "list"] == ["100"] * 3
    assert all(webhook.secret is None for webhook in client.iter_webhooks())


def test_a_list_is_read_as_far_as_needed(sandbox: Sandbox) -> None:
    """Whoever needs only the first webhook loads only the first page."""
    sandbox.backend.change_settings({"page_maximum": 1})
    client = client_of(sandbox)
    made = [client.create_webhook(BODY).webhook.id for _ in range(3)]
    assert next(client.iter_webhooks()).id == made[0]
    assert sandbox.count("list") == 1


def test_an_empty_list(sandbox: Sandbox) -> None:
    """An environment without webhooks has an empty list."""
    assert list(client_of(sandbox).iter_webhooks()) == []


@pytest.mark.parametrize("cursor", ["", None])
def test_the_last_page(sandbox: Sandbox, cursor: str | None) -> None:
    """No cursor and an empty one both end a list."""
    sandbox.inject("response", "list", body={"result": [], "next_cursor": cursor})
    assert list(client_of(sandbox).iter_webhooks()) == []
    assert sandbox.count() == 1


def test_a_cursor_that_comes_again(sandbox: Sandbox) -> None:
    """A list that leads back to where it was ends with an error and not never."""
    sandbox.inject("response", "list", times=0, body={"result": [], "next_cursor": "again"})
    with pytest.raises(InvalidResponseError, match="does not end"):
        list(client_of(sandbox).iter_webhooks())
    assert sandbox.count("list") <= 3


def test_a_list_without_end() -> None:
    """A list with ever new cursors ends with an error as well."""
    asked = iter(range(10_000))

    def response(connection: socket.socket, _: bytes) -> None:
        connection.sendall(returned(page(cursor=f"after {next(asked)}")))

    with raw_server(response) as host, pytest.raises(InvalidResponseError, match="does not end"):
        list(client_for(f"http://{host}", "token").iter_webhooks())
    assert next(asked) == 1000


def test_an_item_that_cannot_be_read_is_skipped(sandbox: Sandbox) -> None:
    """One broken item does not make the list unreadable: the others are there, and a warning names it."""
    good = {"id": NO_WEBHOOK, "target_url": URL, "is_active": True}
    broken = [{**good, "id": "../token"}, {**good, "id": "broken-1", "is_active": "yes"}, None]
    sandbox.inject("response", "list", body={"result": [broken[0], good, *broken[1:]]})
    warnings: list[str] = []
    client = TrutoClient(Settings(sandbox.token, sandbox.base_url), warn=warnings.append)
    [page] = client.iter_pages()
    assert [each.id for each in page.result] == [NO_WEBHOOK]
    assert [each.id for each in page.unreadable] == [None, "broken-1", None]
    assert len(warnings) == 3
    assert "webhook broken-1" in warnings[1]
    assert "is_active" in warnings[1]
    assert "../token" not in "".join(warnings)


def test_the_time_of_a_whole_list() -> None:
    """All pages of a list together take no longer than one call may, and not each of them as long."""
    with Sandbox(page_maximum=1, latency_seconds=0.4) as sandbox:
        for _ in range(40):
            sandbox.backend.create(sandbox.environment_id, dict(BODY))
        before = time.monotonic()
        with pytest.raises(TransportError):
            list(client_of(sandbox, total_seconds=2, max_attempts=1).iter_webhooks())
        assert time.monotonic() - before < 8  # 16 s without the limit


@pytest.mark.parametrize("cursor", ["a b&limit=1", "\u00e9/+=%", "#"])
def test_cursors_of_any_form(sandbox: Sandbox, cursor: str) -> None:
    """A cursor is sent back as it came, whatever characters it has."""
    sandbox.inject("response", "list", body={"result": [], "next_cursor": cursor})
    sandbox.inject("response", "list", body={"result": []})
    assert list(client_of(sandbox).iter_webhooks()) == []
    assert sandbox.calls[1].query == {"limit": "100", "next_cursor": cursor}


# Errors ----------------------------------------------------------------------------------------------------


STATUSES: list[tuple[int, type[APIError]]] = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (402, BadRequestError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (405, BadRequestError),
    (408, ServerError),
    (409, ConflictError),
    (410, BadRequestError),
    (418, BadRequestError),
    (422, BadRequestError),
    (425, ServerError),
    (429, RateLimitedError),
    (499, ServerError),
    (500, ServerError),
    (501, ServerError),
    (502, ServerError),
    (503, ServerError),
    (504, ServerError),
    (599, ServerError),
]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param({"error": "Bad Request", "message": "name is required"}, "name is required", id="envelope"),
        pytest.param({"error": "Bad Request"}, "Bad Request", id="no message"),
        pytest.param({"message": ["a is required", "b is required"]}, "a is required; b is required", id="list"),
        pytest.param({"message": " one\r\ntwo\x1bthree\u2028four   five "}, "one two three four five", id="lines"),
        pytest.param({"message": "", "error": ""}, "", id="blank"),
        pytest.param({"message": None}, "", id="null"),
        pytest.param({"message": {"text": "an object"}}, "", id="object"),
        pytest.param([1], "", id="array"),
        pytest.param("", "", id="empty"),
        pytest.param("<html><body>Bad Gateway</body></html>", "", id="html"),
        pytest.param('{"statusCode": 400, "message": "trunc', "", id="truncated"),
        pytest.param("\x00{upstream says hello", "", id="text"),
        pytest.param("[" * 5000, "", id="deep"),
    ],
)
def test_errors(sandbox: Sandbox, body: object, detail: str) -> None:
    """Whatever the body of an error is, one line tells the status, what Truto said and what to do."""
    client = client_of(sandbox, max_attempts=1)
    for status, kind in STATUSES:
        # Retry-After only counts where the status is 429: it leads to the error at once.
        sandbox.inject("response", "list", status=status, body=body, headers={"Retry-After": "3600"})
        error = fails(client, kind)
        assert isinstance(error, APIError)
        assert (error.status, error.detail) == (status, detail)
        assert f"returned {status}" in str(error)
        assert "GET /webhook" in str(error)
        assert error.detail in str(error)
        # A list is always there, so a 404 says that this is not Truto's API.
        assert (kind.remedy if status != 404 else "Truto's API is not there") in str(error)
        # Who wonders about the token is told where it came from.
        assert ("TRUTO_API_TOKEN" in str(error)) == (status == 401)
        assert "html" not in str(error)
    assert sandbox.count() == len(STATUSES)


def test_every_remedy_is_its_own() -> None:
    """Every kind of error status asks the user to do something of its own."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, APIError)]
    assert len({kind.remedy for kind in kinds}) == len(kinds) >= 8


def test_a_long_message_is_shortened(sandbox: Sandbox) -> None:
    """An endless message of Truto does not flood the log."""
    sandbox.inject("status", "list", status=400, message="x" * 10_000)
    error = fails(client_of(sandbox), BadRequestError)
    assert len(str(error)) < 1000
    assert "xxx..." in str(error)


def test_a_truncated_answer(sandbox: Sandbox) -> None:
    """A read whose answer breaks off is tried again, and fails in the end if that goes on."""
    client = client_of(sandbox)
    sandbox.inject("truncated", "list")
    assert client.list_webhooks().result == []
    assert sandbox.count() == 2
    sandbox.inject("truncated", "list", times=0)
    assert "broke off" in str(fails(client, TransportError))
    assert sandbox.count() == 5


@pytest.mark.parametrize(
    ("fault", "fields"),
    [
        ("not_json", {}),
        ("empty", {"status": 200}),
        ("html", {"status": 200}),
        ("wrong_types", {}),
        ("missing_fields", {"fields": ["result"]}),
        ("response", {"body": "null"}),
        ("response", {"body": "[]"}),
        ("response", {"body": '{"result": [], "next_cursor": null'}),
        ("response", {"status": 204}),
        ("response", {"body": '{"result": [], "next_cursor": "\\ud800"}'}),
    ],
)
def test_answers_that_are_not_what_the_api_promises(sandbox: Sandbox, fault: str, fields: dict[str, Any]) -> None:
    """An answer that makes no sense is never believed: the error asks whether this is Truto at all."""
    sandbox.inject(fault, "list", times=0, **fields)
    message = str(fails(client_of(sandbox), InvalidResponseError))
    assert f"Check that the base URL {sandbox.base_url} is Truto's" in message
    assert sandbox.count() == 1


def test_answers_with_more_than_the_api_promises(sandbox: Sandbox) -> None:
    """A field that is new is no failure on any endpoint."""
    sandbox.inject("extra_fields", times=0)
    client = client_of(sandbox)
    made = client.create_webhook(BODY).webhook
    assert made.secret == sandbox.backend.webhooks()[0].secret
    assert client.get_webhook(made.id).id == client.update_webhook(made.id, {"is_active": True}).id == made.id
    assert [each.id for each in client.iter_webhooks()] == [made.id]
    client.delete_webhook(made.id)


def test_an_answer_about_another_webhook(sandbox: Sandbox) -> None:
    """An answer about another webhook than the one asked for is not believed."""
    client = client_of(sandbox)
    made = client.create_webhook(BODY).webhook
    sandbox.inject("other_id", times=0)
    with pytest.raises(InvalidResponseError, match="about another webhook"):
        client.get_webhook(made.id)
    with pytest.raises(InvalidResponseError, match="about another webhook"):
        client.update_webhook(made.id, {"is_active": False})


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(sandbox: Sandbox, status: int) -> None:
    """A redirect is an error that says where to, and the token does not go there."""
    with Sandbox(token=sandbox.token) as elsewhere:
        location = {"Location": f"{elsewhere.base_url}/webhook"}
        sandbox.inject("redirect", times=0, status=status, headers=location)
        client = client_of(sandbox)
        assert elsewhere.base_url in str(fails(client, InvalidResponseError))
        with pytest.raises(InvalidResponseError, match="Redirects are not followed"):
            client.create_webhook(BODY)
        assert elsewhere.count() == 0
    assert sandbox.count() == 2


@pytest.mark.parametrize(
    "response",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"",
    ],
    ids=["no status", "status", "chunks", "many headers", "long header", "gzip", "nothing"],
)
def test_answers_that_are_no_http(response: bytes) -> None:
    """What is no HTTP at all is one clear error as well."""

    def send(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(send) as host:
        with pytest.raises((TransportError, InvalidResponseError)) as caught:
            client_for(f"http://{host}", "token").list_webhooks()
        assert caught.value.may_have_succeeded
        assert f"http://{host}" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


# Sizes and times -------------------------------------------------------------------------------------------


def test_a_huge_answer(sandbox: Sandbox) -> None:
    """An answer that is too large is given up on, and not held in memory."""
    sandbox.inject("huge", "list", times=0, size_bytes=50_000_000)
    error = fails(client_of(sandbox, max_body_bytes=10_000), InvalidResponseError)
    assert "larger than 10,000 bytes" in str(error)
    assert sandbox.count() == 1


def test_an_answer_of_just_the_size(sandbox: Sandbox) -> None:
    """The limit of an answer's size is the size that is still accepted."""
    sandbox.inject("response", "list", body=page(padding=2000).decode())
    sandbox.inject("response", "list", body=page(padding=2001).decode())
    client = client_of(sandbox, max_body_bytes=len(page(padding=2000)))
    assert client.list_webhooks().result == []
    fails(client, InvalidResponseError)


def test_an_answer_that_grows() -> None:
    """An answer that is small on the wire and huge when it is unpacked is given up on too."""
    body = gzip.compress(page(padding=20_000_000))

    def response(connection: socket.socket, _: bytes) -> None:
        connection.sendall(returned(body, "Content-Encoding: gzip"))

    assert len(body) < 50_000
    with raw_server(response) as host:
        fails(client_for(f"http://{host}", "token", max_body_bytes=50_000), InvalidResponseError)


def test_a_slow_drip(sandbox: Sandbox) -> None:
    """An answer that comes byte by byte ends with the time for the whole answer, not with that for a byte."""
    sandbox.inject(
        "slow_drip",
        "list",
        times=0,
        seconds=0.1,
    )
    client = client_of(sandbox, read_seconds=0.3, max_attempts=2)
    before = time.monotonic()
    assert "did not come in time" in str(fails(client, TransportError))
    assert 0.6 <= time.monotonic() - before < 4  # one whole response alone would take longer
    assert sandbox.count() == 2


def test_a_slow_drip_of_headers() -> None:
    """Headers that come byte by byte end with the time for the whole answer as well."""

    def response(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Header: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with raw_server(response) as host:
        before = time.monotonic()
        fails(client_for(f"http://{host}", "token", read_seconds=0.3, max_attempts=1), TransportError)
        assert 0.3 <= time.monotonic() - before < 5


def test_the_total_time(sandbox: Sandbox) -> None:
    """All tries and waits together take no longer than they may."""
    sandbox.inject("timeout", "list", times=0, seconds=60)
    before = time.monotonic()
    fails(client_of(sandbox, read_seconds=0.4, total_seconds=1, max_attempts=50), TransportError)
    assert time.monotonic() - before < 15


@contextlib.contextmanager
def nobody_accepts() -> Iterator[tuple[str, int]]:
    """An address whose queue of connections is full: whoever comes later waits."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address: tuple[str, int] = listener.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse connections where Linux lets them wait")
def test_the_total_time_without_a_connection() -> None:
    """A Truto that cannot be connected to takes no longer than all tries together may."""
    with nobody_accepts() as address:
        before = time.monotonic()
        client = client_for(f"http://127.0.0.1:{address[1]}", "token", connect_seconds=1, total_seconds=1.1)
        fails(client, ConnectError)
        assert 1 <= time.monotonic() - before < 2.9  # three attempts would take 3 s


def test_tries(sandbox: Sandbox) -> None:
    """A request is sent as often as it may be and no more, whichever faults come together."""
    for _ in range(3):
        sandbox.inject("reset", "list")
        sandbox.inject("empty", "list")
    with pytest.raises(TrutoError):
        client_of(sandbox, max_attempts=3).list_webhooks()
    assert sandbox.count() == 3


# Waiting ---------------------------------------------------------------------------------------------------


def test_retry_after_is_honoured(sandbox: Sandbox) -> None:
    """The next try comes after the time that Truto asks for, for a create as well."""
    client = client_of(sandbox)
    sandbox.inject("rate_limited", "create", retry_after="1")
    before = time.monotonic()
    client.create_webhook(BODY)
    assert 1 <= time.monotonic() - before < 5
    assert len(sandbox.backend.webhooks()) == 1


def test_retry_after_as_a_date(sandbox: Sandbox) -> None:
    """The time to wait may be a date too."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    sandbox.inject("rate_limited", "list", retry_after=then.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    before = time.monotonic()
    client_of(sandbox).list_webhooks()
    assert 0.9 <= time.monotonic() - before < 5


def test_a_wait_that_is_too_long(sandbox: Sandbox) -> None:
    """Where Truto asks for more time than there is, the error comes at once and not after the wait."""
    sandbox.inject("rate_limited", "list", times=0, retry_after="3600")
    before = time.monotonic()
    error = fails(client_of(sandbox), RateLimitedError)
    assert time.monotonic() - before < 5
    assert "--parallel" in str(error)
    assert sandbox.count() == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (ServerError, {"kind": "status", "status": 503}),
        (RateLimitedError, {"kind": "rate_limited", "retry_after": "1"}),
        (TransportError, {"kind": "reset"}),
    ],
)
def test_the_error_after_repeats_says_how_long_it_took(
    sandbox: Sandbox, kind: type[TrutoError], fault: dict[str, Any]
) -> None:
    """Where the same error came again and again the last one tells the total time, so that nobody tries for less."""
    sandbox.inject(operation="list", times=0, **fault)
    error = str(fails(client_of(sandbox, total_seconds=1.9, backoff_seconds=0.1), kind))
    [seconds] = re.findall(r"\(gave up after (\d\.\d) s\)", error)
    assert 0.1 <= float(seconds) <= 1.9


def test_an_installation_that_does_not_work(sandbox: Sandbox) -> None:
    """Where pydantic cannot be loaded nothing is sent, as the response to a create could not be read."""
    code = """
        import sys
        sys.modules["pydantic_core._pydantic_core"] = None  # as of another Python version
        from pulumi_truto.session import connect
        from pulumi_truto.config import Settings
        try:
            connect(Settings(*sys.argv[1:]), print).create_webhook({"target_url": "https://hooks.example.com/"})
        except Exception as error:
            print(type(error).__name__, error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), sandbox.token, sandbox.base_url]
    shown = run(*command).stdout
    assert shown.startswith("ConfigurationError nothing was sent")
    assert "pydantic" in shown
    assert sandbox.count() == 0


@pytest.mark.parametrize("nonsense", ["soon", "-5", "1.5", "", "Mon, 99 Foo 2024 00:00:00 GMT", "9" * 50])
def test_a_retry_after_that_makes_no_sense(sandbox: Sandbox, nonsense: str) -> None:
    """A wait that makes no sense is either too long or as good as none named, and never a crash."""
    sandbox.inject("rate_limited", "list", retry_after=nonsense)
    client = client_of(sandbox)
    if nonsense.isdigit():
        fails(client, RateLimitedError)
    else:
        assert client.list_webhooks().result == []


@pytest.mark.parametrize("at_once", ["0", "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_no_storm(sandbox: Sandbox, at_once: str) -> None:
    """A Truto that asks to come back at once is not stormed with requests."""
    sandbox.inject("rate_limited", "list", times=0, retry_after=at_once)
    fails(client_of(sandbox, total_seconds=1, backoff_seconds=0.05), RateLimitedError)
    assert sandbox.count() <= 25


def test_a_rate_limit_that_passes() -> None:
    """More requests than the rate limit allows all succeed in the end: waiting for it does not count as a try."""
    with Sandbox(rate_limit=3, rate_window_seconds=1) as sandbox:
        client = client_of(sandbox, max_attempts=1)
        made = [client.create_webhook(BODY).webhook.id for _ in range(5)]
        assert [webhook.id for webhook in sandbox.backend.webhooks()] == made


def test_more_creates_at_once_than_the_rate_limit_allows() -> None:
    """Three times as many creates as the limit allows at once all succeed, each exactly once."""
    with Sandbox(rate_limit=30, rate_window_seconds=1) as sandbox:
        client = TrutoClient(Settings(sandbox.token, sandbox.base_url))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: client.create_webhook({"target_url": f"{URL}/{n}"}), range(90)))
        assert len(sandbox.backend.webhooks()) == 90


@pytest.mark.parametrize("fault", ["empty", "html", "status", "reset", "close"])
def test_a_create_is_never_repeated_blindly(sandbox: Sandbox, fault: str) -> None:
    """A create that may have happened is sent once: it is for others to find out."""
    sandbox.inject(fault, "create", processed=True)
    with pytest.raises(TrutoError) as caught:
        client_of(sandbox).create_webhook(BODY)
    assert caught.value.may_have_succeeded
    assert sandbox.count("create") == 1


# Connections -----------------------------------------------------------------------------------------------


def test_one_connection(sandbox: Sandbox) -> None:
    """Many calls in a row, errors among them, need one connection."""
    client = client_of(sandbox)
    for _ in range(10):
        made = client.create_webhook(BODY).webhook
        client.get_webhook(made.id)
        client.update_webhook(made.id, {"is_active": False})
        list(client.iter_webhooks())
        client.delete_webhook(made.id)
        with pytest.raises(NotFoundError):
            client.get_webhook(made.id)
    assert sandbox.count() == 60
    assert sandbox.connections == 1


def test_one_connection_with_repeats(sandbox: Sandbox) -> None:
    """A request that is repeated after an error status needs no connection of its own."""
    client = client_of(sandbox)
    for fault in ("empty", "html", "status"):
        sandbox.inject(fault, "list")
        client.list_webhooks()
    sandbox.inject("rate_limited", "create", retry_after="0")
    client.create_webhook(BODY)
    assert sandbox.count() == 8
    assert sandbox.connections == 1


def test_one_connection_a_thread(sandbox: Sandbox) -> None:
    """Calls from several threads need one connection each at the most."""
    client = client_of(sandbox)
    together = threading.Barrier(8)

    def work(_: int) -> None:
        together.wait()
        for _ in range(10):
            client.delete_webhook(client.create_webhook(BODY).webhook.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sandbox.count() == 160
    assert 1 <= sandbox.connections <= 8


def test_a_connection_that_was_closed_meanwhile() -> None:
    """Where Truto has closed the connection between two calls it is simply made anew, for a create as well."""
    closed: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    webhook = json.dumps({"id": NO_WEBHOOK, **BODY}).encode()

    def response(connection: socket.socket, head: bytes) -> None:
        connection.sendall(returned(webhook if head.startswith(b"POST") else page()))
        connection.shutdown(socket.SHUT_RDWR)
        closed.put(head)

    with raw_server(response) as host:
        client = client_for(f"http://{host}", "token")
        for _ in range(3):
            client.list_webhooks()
            closed.get(timeout=10)
            client.create_webhook(BODY)
            closed.get(timeout=10)


def test_nobody_there(sandbox: Sandbox) -> None:
    """Where nobody answers, the error says that nothing was sent and what to check."""
    client = client_of(sandbox)
    sandbox.stop()
    message = str(fails(client, ConnectError))
    assert sandbox.base_url in message
    assert "truto:baseUrl" in message
    with pytest.raises(ConnectError):
        client.create_webhook(BODY)


@pytest.mark.parametrize("base_url", ["https://a..example", "https://" + "a" * 64 + ".example"])
def test_a_host_that_cannot_be(base_url: str) -> None:
    """Where the host's name cannot exist, nothing was sent, and so nothing can have happened."""
    with pytest.raises(TrutoError) as caught:
        client_for(base_url, "token", max_attempts=1).list_webhooks()
    assert not caught.value.may_have_succeeded


# The environment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_for_this_machine(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The sandbox is reached directly, whatever proxy the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Sandbox() as proxy:
        monkeypatch.setenv(variable, proxy.base_url)
        client_of(sandbox).list_webhooks()
        assert (sandbox.count(), proxy.count()) == (1, 0)


@pytest.fixture
def proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A proxy of the environment on the way to every http:// URL, which answers as Truto does."""
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", sandbox.base_url)
    return sandbox


def test_a_proxy_for_the_internet(proxy: Sandbox) -> None:
    """A Truto far away is reached through the proxy that the environment names."""
    client_for("http://truto.invalid", proxy.token).list_webhooks()
    assert proxy.count("list") == 1


def test_limits_behind_a_proxy(proxy: Sandbox) -> None:
    """Behind a proxy the same limits of time and size hold."""
    proxy.inject("slow_drip", "list", seconds=0.05)
    fails(client_for("http://truto.invalid", proxy.token, read_seconds=0.3, max_attempts=1), TransportError)
    proxy.inject("response", "list", body=page(padding=2000).decode())
    fails(client_for("http://truto.invalid", proxy.token, max_body_bytes=1000), InvalidResponseError)


def test_the_token_is_not_printed_behind_a_proxy(
    proxy: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Behind a proxy the token is not printed either where a program has Python print what it sends."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    client_for("http://truto.invalid", proxy.token).list_webhooks()
    assert proxy.token not in "".join(capfd.readouterr())


@pytest.mark.parametrize("host", ["127.0.0.1", FAR_AWAY])
def test_netrc_does_not_override_the_token(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    """An entry of ~/.netrc for the same host does not replace the token."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {host}\nlogin user\npassword hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    port = sandbox.base_url.rpartition(":")[2]
    client_for(f"http://{host}:{port}", sandbox.token).list_webhooks()
    assert sandbox.calls[0].environment_id == sandbox.environment_id


# The token -------------------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """Everything that a program could show of an error."""
    texts = [*traceback.format_exception(type(error), error, error.__traceback__), str(error), repr(error)]
    return "".join([*texts, repr(vars(error))])


@pytest.mark.parametrize("echo", ["{}", "token {}!", "Bearer {}", "a\n{}\nb", "x" * 280 + "{}", "{0}{0}"])
def test_a_token_that_truto_repeats(sandbox: Sandbox, echo: str) -> None:
    """Even where Truto's own message repeats the token, no error shows it."""
    sandbox.inject("status", "list", status=401, message=echo.format(sandbox.token))
    error = fails(client_of(sandbox), AuthenticationError)
    for size in (len(sandbox.token), 12):
        assert sandbox.token[:size] not in shown(error)


def test_a_token_in_a_redirect(sandbox: Sandbox) -> None:
    """A redirect to an address with the token in it does not show the token either."""
    sandbox.inject("redirect", "list", headers={"Location": f"https://elsewhere.example/?token={sandbox.token}"})
    assert sandbox.token not in shown(fails(client_of(sandbox), InvalidResponseError))


def test_a_token_in_a_status_line() -> None:
    """A status line with the token in it does not show the token either."""
    response = b"HTTP/1.1 401 No ttt-the-token here\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda connection, _: connection.sendall(response)) as host:
        error = fails(client_for(f"http://{host}", "ttt-the-token"), AuthenticationError)
    assert "No [api token] here" in str(error)
    assert "ttt-the-token" not in shown(error)


def test_the_token_is_in_no_log(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whatever logging a program switches on, neither the token nor a secret is written anywhere."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "pulumi_truto"):
        caplog.set_level(logging.DEBUG, logger=name)
    client = client_of(sandbox, read_seconds=0.3, max_attempts=2)
    made = client.create_webhook(BODY).webhook
    raised: list[TrutoError] = []
    for fault in ("reset", "timeout", "truncated", "html", "rate_limited", "not_json", "redirect", "status"):
        sandbox.inject(fault, times=0, message=sandbox.token, retry_after="3600", seconds=2)
        for call in (
            client.list_webhooks,
            lambda: client.get_webhook(made.id),
            lambda: client.create_webhook(BODY),
        ):
            with pytest.raises(TrutoError) as caught:
                call()
            raised.append(caught.value)
        sandbox.faults.clear()
    written = "".join(capfd.readouterr()) + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    written += "".join(shown(error) for error in raised) + repr(client) + str(client)
    assert "urllib3" in written  # something was logged
    assert sandbox.token not in written
    assert not [each for each in sandbox.backend.webhooks() if each.secret in written]


# TLS -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"), x509.DNSName(FAR_AWAY)]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@contextlib.contextmanager
def tls_server(certificate: Path, response: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A TLS server with this certificate; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with raw_server(response, context) as host:
        yield host.rpartition(":")[2]


def test_a_certificate_that_is_not_trusted(certificate: Path) -> None:
    """A certificate that nobody vouches for ends the call before the token is sent, and is named in the error."""
    heads: list[bytes] = []
    with tls_server(certificate, lambda _, head: heads.append(head)) as port:
        for host in ("127.0.0.1", "localhost"):
            message = str(fails(client_for(f"https://{host}:{port}", "token"), ConnectError))
            assert "the certificate" in message
            assert "self-signed" in message.replace("self signed", "self-signed")
            assert "REQUESTS_CA_BUNDLE" in message
    assert heads == []


def test_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS everything goes as without: connections are kept, and a drip is ended in time."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    connections: set[socket.socket] = set()
    heads: list[bytes] = []

    def response(connection: socket.socket, head: bytes) -> None:
        connections.add(connection)
        heads.append(head)
        if len(heads) <= 3:
            connection.sendall(returned(page()))
        while len(heads) > 3:
            connection.sendall(b"H")
            time.sleep(0.02)

    with tls_server(certificate, response) as port:
        client = client_for(f"https://{FAR_AWAY}:{port}", "ttt-the-token", read_seconds=0.5, max_attempts=1)
        for _ in range(3):
            assert client.list_webhooks().result == []
        assert len(connections) == 1
        assert b"Authorization: Bearer ttt-the-token\r\n" in heads[0]
        before = time.monotonic()
        fails(client, TransportError)
        assert time.monotonic() - before < 5


def test_tls_to_a_server_without(sandbox: Sandbox) -> None:
    """With https:// where http:// was meant nothing was sent, and so nothing can have happened."""
    with pytest.raises(TrutoError) as caught:
        client_for(sandbox.base_url.replace("http:", "https:"), sandbox.token).create_webhook(BODY)
    assert not caught.value.may_have_succeeded
    assert sandbox.calls == []


# Proxies ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["http", "https"])
def proxy_scheme(request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of proxy that the environment can name; their certificate is trusted."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    scheme: str = request.param
    return scheme


@contextlib.contextmanager
def tunnel(
    scheme: str, certificate: Path, response: Callable[[socket.socket, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A proxy of the environment that answers a CONNECT so."""
    with contextlib.ExitStack() as stack:
        if scheme == "https":
            address = f"localhost:{stack.enter_context(tls_server(certificate, response))}"
        else:
            address = stack.enter_context(raw_server(response))
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{address}")
        yield


def drip(connection: socket.socket, start: bytes = b"") -> None:
    """Sends a byte now and then, and never comes to an end."""
    connection.sendall(start)
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def relay(port: str) -> Callable[[socket.socket, bytes], None]:
    """Answers a CONNECT with a tunnel to a port of this machine."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def response(connection: socket.socket, _: bytes) -> None:
        with socket.create_connection(("127.0.0.1", int(port))) as inner:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=copy, args=(inner, connection), daemon=True).start()
            copy(connection, inner)

    return response


@pytest.mark.parametrize("part", ["CONNECT", "TLS"])
def test_a_proxy_that_drips(proxy_scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Connecting through a proxy ends in time too, in the response to CONNECT and in the TLS behind it."""

    def response(connection: socket.socket, _: bytes) -> None:
        if part == "CONNECT":
            drip(connection, b"HTTP/1.1 200 OK\r\nX-Header: ")
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.recv(65536)  # the client's hello
        drip(connection, b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03")  # the beginning of a long one

    with tunnel(proxy_scheme, certificate, response, monkeypatch):
        before = time.monotonic()
        client = client_for("https://truto.invalid", "token", connect_seconds=0.5, max_attempts=1)
        fails(client, ConnectError)
        assert 0.5 <= time.monotonic() - before < 10
        with pytest.raises(ConnectError, match="nothing was sent"):
            client.create_webhook(BODY)


def test_a_drip_through_a_proxy(proxy_scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through each kind of proxy everything goes as without one, and a drip is ended in time."""
    heads: list[bytes] = []

    def response(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        if len(heads) <= 3:
            connection.sendall(returned(page()))
        else:
            drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")

    with tls_server(certificate, response) as port, tunnel(proxy_scheme, certificate, relay(port), monkeypatch):
        client = client_for(f"https://{FAR_AWAY}:{port}", "ttt-the-token", read_seconds=0.5, max_attempts=1)
        for _ in range(3):
            assert client.list_webhooks().result == []
        assert b"Authorization: Bearer ttt-the-token\r\n" in heads[0]
        before = time.monotonic()
        fails(client, TransportError)
        assert 0.5 <= time.monotonic() - before < 10


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses(
    proxy_scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """What a proxy says to CONNECT is told, and nothing was sent to Truto: a create surely made nothing."""
    line = f"HTTP/1.1 {status} Not now\r\n\r\n".encode()

    def response(connection: socket.socket, _: bytes) -> None:
        connection.sendall(line)
        connection.shutdown(socket.SHUT_RDWR)

    with tunnel(proxy_scheme, certificate, response, monkeypatch):
        with pytest.raises(ConnectError, match=f"{status} Not now.*nothing was sent") as caught:
            client_for("https://truto.invalid", "token", max_attempts=1).create_webhook(BODY)
        assert not caught.value.may_have_succeeded


def test_a_connection_that_is_reset_in_its_handshake() -> None:
    """A connection that breaks before it is one surely sent nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=reset, daemon=True)
        thread.start()
        with pytest.raises(ConnectError):
            client_for(f"https://127.0.0.1:{listener.getsockname()[1]}", "t", max_attempts=1).create_webhook(BODY)
        thread.join(10)


@pytest.mark.parametrize(
    ("proxy_url", "said"),
    [
        ("http://proxy.invalid:port", "or the URL of the proxy in the environment, has a host that cannot exist"),
        ("socks5h://127.0.0.1:1080", "SOCKS proxy, which is not supported"),
    ],
)
def test_proxies_that_cannot_work(monkeypatch: pytest.MonkeyPatch, proxy_url: str, said: str) -> None:
    """A proxy that cannot work is blamed itself, and not the base URL."""
    for name in ("https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy_url)
    with pytest.raises(ConfigurationError, match=said):
        client_for("https://truto.invalid", "token").list_webhooks()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse connections where Linux lets them wait")
def test_a_host_with_many_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """All addresses of a host together have the time of one connection."""
    with nobody_accepts() as address:
        found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [found] * 6)
        before = time.monotonic()
        fails(client_for(f"http://127.0.0.1:{address[1]}", "token", connect_seconds=1.2, max_attempts=1), ConnectError)
        assert 1 <= time.monotonic() - before < 5  # 7.2 s with the whole time for each


# After a cancel --------------------------------------------------------------------------------------------


def test_a_wait_for_the_rate_limit_that_is_cancelled(sandbox: Sandbox) -> None:
    """A create that waits is not sent any more, and neither is one that begins later; a last look is possible."""
    client = client_of(sandbox)
    sandbox.inject("rate_limited", "create", retry_after="5")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(client.create_webhook, BODY)
        while not sandbox.calls:
            time.sleep(0.01)
        client.cancelled.set()
        with pytest.raises(TrutoError):
            creating.result(timeout=30)
    with pytest.raises(ConnectError, match="the run was cancelled"):
        client.create_webhook(BODY)
    assert sandbox.count("create") == 1
    assert sandbox.backend.webhooks() == []
    assert list(client.uncancelled().iter_webhooks()) == []
