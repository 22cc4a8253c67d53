"""Error statuses, redirects and invalid responses: the client's errors and their messages."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from pulumi_truto import errors
from pulumi_truto.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, assert_list_fails, client_for, client_of
from tests.support.raw_servers import raw_server

STATUSES: list[tuple[int, type[APIError]]] = [
    (400, BadRequestError),
    (401, AuthenticationError),
    (402, BadRequestError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
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
def test_error_status_is_one_line_with_status_detail_and_remedy(sandbox: Sandbox, body: object, detail: str) -> None:
    """With any body, an error is one line with the status, Truto's message and what to do."""
    client = client_of(sandbox)
    for status, kind in STATUSES:
        # Only a 429 takes Retry-After into account: so long a wait makes it fail at once.
        sandbox.inject("response", "list", status=status, body=body, headers={"Retry-After": "3600"})
        error = assert_list_fails(client, kind)
        assert isinstance(error, APIError)
        assert (error.status, error.detail) == (status, detail)
        assert f"returned {status}" in str(error)
        assert "GET /webhook" in str(error)
        assert error.detail in str(error)
        # The list always exists, so a 404 means that the base URL is not Truto's.
        remedy = kind.remedy if detail or kind is not BadRequestError else "Truto gave no reason"
        assert (remedy.rstrip(".") if status != 404 else "Truto's API is not there") in str(error)
        # A rejected token raises the question where the token comes from.
        assert ("TRUTO_API_TOKEN" in str(error)) == (status == 401)
        assert "html" not in str(error)
    assert sandbox.count() == len(STATUSES)


def test_a_missing_endpoint_is_not_a_missing_api(sandbox: Sandbox) -> None:
    """Not every account may have the other endpoints, so their 404 does not say that the base URL is wrong."""
    sandbox.inject("status", "list_destinations", status=404)
    with pytest.raises(NotFoundError, match="or ask Truto whether your plan has this endpoint") as raised:
        client_of(sandbox).notification_destinations.list_page()
    assert "Truto's API is not there" not in str(raised.value)


def test_every_kind_of_error_has_its_own_remedy() -> None:
    """No two kinds of API error give the same advice."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, APIError)]
    assert len({kind.remedy for kind in kinds}) == len(kinds) >= 8


def test_long_message_is_shortened(sandbox: Sandbox) -> None:
    """A very long message from Truto does not flood the log."""
    sandbox.inject("status", "list", status=400, message="x" * 10_000)
    error = assert_list_fails(client_of(sandbox), BadRequestError)
    assert len(str(error)) < 1000
    assert "xxx..." in str(error)


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
def test_invalid_response_is_an_error_that_names_the_base_url(
    sandbox: Sandbox, fault: str, fields: dict[str, Any]
) -> None:
    """An invalid response is an error that asks to check whether the base URL is Truto's. It is not retried."""
    sandbox.inject(fault, "list", times=0, **fields)
    message = str(assert_list_fails(client_of(sandbox), InvalidResponseError))
    assert f"Check that the base URL {sandbox.base_url} is Truto's" in message
    assert sandbox.count() == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirect_is_not_followed(sandbox: Sandbox, status: int) -> None:
    """A redirect is an error that shows its target, and the token is not sent there."""
    with Sandbox(token=sandbox.token) as redirect_target:
        location = {"Location": f"{redirect_target.base_url}/webhook"}
        sandbox.inject("redirect", times=0, status=status, headers=location)
        client = client_of(sandbox)
        assert redirect_target.base_url in str(assert_list_fails(client, InvalidResponseError))
        with pytest.raises(InvalidResponseError, match="must not get the API token"):
            client.webhooks.create(BODY)
        assert redirect_target.count() == 0
    assert sandbox.count() == 2


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no status line"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", id="long header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", id="gzip"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_invalid_http_is_a_one_line_error(response: bytes) -> None:
    """A response that is not valid HTTP is a one-line error, and the request may have succeeded."""

    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(respond) as port:
        with pytest.raises((TransportError, InvalidResponseError)) as error_info:
            client_for(f"http://127.0.0.1:{port}").webhooks.list_page()
        assert error_info.value.may_have_succeeded
        assert f"http://127.0.0.1:{port}" in str(error_info.value)
        assert len(str(error_info.value).splitlines()) == 1
