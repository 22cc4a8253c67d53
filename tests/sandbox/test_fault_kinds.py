"""Each kind of injected fault, as a client sees it on the wire."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.faults import KINDS, Fault
from tests.support.sandbox_client import (
    CREATE_BODY,
    TARGET_URL,
    call_api,
    create_request,
    create_webhook,
    exchange_bytes,
)


def post(sandbox: Sandbox, **options: Any) -> requests.Response:
    """The response to a create, which may be a failure."""
    return call_api(sandbox, "POST", "/webhook", json=CREATE_BODY, **options)


def test_every_kind_is_documented_and_tested() -> None:
    """The docstring of `Fault` describes every kind, and this module has a test with its name."""
    for kind in KINDS:
        assert f"\n| {kind} " in str(inspect.getdoc(Fault))  # from Python 3.13 on docstrings have no indentation
        assert f"test_{kind}" in globals()


# No response -----------------------------------------------------------------------------------------------


def test_reset(sandbox: Sandbox) -> None:
    """ "reset" resets the TCP connection, and the request is not processed."""
    sandbox.inject("reset")
    with pytest.raises(ConnectionResetError):
        exchange_bytes(sandbox, create_request(sandbox))
    assert sandbox.backend.webhooks() == []
    assert sandbox.calls[0].status is None
    assert post(sandbox).status_code == 200


def test_close(sandbox: Sandbox) -> None:
    """ "close" closes the connection without sending a byte."""
    sandbox.inject("close")
    assert exchange_bytes(sandbox, create_request(sandbox)) == b""
    assert sandbox.backend.webhooks() == []


def test_timeout(sandbox: Sandbox) -> None:
    """ "timeout" sends nothing for the given time, and then closes the connection."""
    sandbox.inject("timeout", seconds=0.2)
    started = time.monotonic()
    assert exchange_bytes(sandbox, create_request(sandbox)) == b""
    assert time.monotonic() - started >= 0.2


def test_timeout_that_outlasts_the_client(sandbox: Sandbox) -> None:
    """A client's own timeout ends its request, and a stop does not wait for the fault."""
    sandbox.inject("timeout", seconds=600, processed=True)
    with pytest.raises(requests.ReadTimeout):
        post(sandbox, timeout=0.2)
    while not sandbox.calls:  # the client may time out started the request is processed
        time.sleep(0.005)
    assert len(sandbox.backend.webhooks()) == 1
    started = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - started < 30


# An altered response ---------------------------------------------------------------------------------------


def test_truncated(sandbox: Sandbox) -> None:
    """ "truncated" announces the whole body and sends half of it."""
    sandbox.inject("truncated")
    head, _, body = exchange_bytes(sandbox, create_request(sandbox)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    assert len(body) == length // 2
    assert body.startswith(b'{"id": ')
    assert len(sandbox.backend.webhooks()) == 1


def test_slow_drip(sandbox: Sandbox) -> None:
    """ "slow_drip" sends the correct response one byte at a time."""
    sandbox.inject("slow_drip", seconds=0.001)
    started = time.monotonic()
    response = post(sandbox)
    assert response.json()["id"] == sandbox.backend.webhooks()[0].id
    assert time.monotonic() - started >= 0.001 * len(response.content)


def test_wrong_types(sandbox: Sandbox) -> None:
    """ "wrong_types" replaces a string by a number, and a boolean or a list by a string."""
    sandbox.inject("wrong_types")
    response = post(sandbox)
    assert response.status_code == 200
    webhook = response.json()
    assert webhook["id"] == webhook["secret"] == webhook["target_url"] == webhook["created_at"] == 12345
    assert webhook["is_active"] == "yes"
    assert webhook["event_types"] == "none"


def test_missing_fields(sandbox: Sandbox) -> None:
    """ "missing_fields" removes the given fields, also from each item of a list."""
    sandbox.inject("missing_fields", times=2, fields=["id", "next_cursor"])
    webhook = post(sandbox).json()
    assert "id" not in webhook
    assert "secret" in webhook
    page = call_api(sandbox, "GET", "/webhook").json()
    assert "next_cursor" not in page
    assert "id" not in page["result"][0]


def test_other_id(sandbox: Sandbox) -> None:
    """ "other_id" replaces the webhook's id by another one."""
    webhook = create_webhook(sandbox)
    sandbox.inject("other_id", times=2)
    second_response = call_api(sandbox, "GET", f"/webhook/{webhook['id']}").json()
    assert second_response["id"] != webhook["id"]
    assert second_response["target_url"] == webhook["target_url"]
    page = call_api(sandbox, "GET", "/webhook").json()
    assert page["result"][0]["id"] != webhook["id"]
    assert "id" not in page


def test_extra_fields(sandbox: Sandbox) -> None:
    """ "extra_fields" adds unknown fields to the correct response."""
    sandbox.inject("extra_fields", times=2)
    webhook = post(sandbox).json()
    assert webhook["new_object"] == {"nested": [1, None]}
    assert webhook["target_url"] == TARGET_URL
    assert "new_field" in call_api(sandbox, "GET", "/webhook").json()["result"][0]


def test_a_response_without_a_body_is_not_altered() -> None:
    """A fault that alters the body leaves a response without a body unchanged."""
    with Sandbox(delete_response="no_content") as sandbox:
        webhook = create_webhook(sandbox)
        sandbox.inject("wrong_types", "delete")
        assert call_api(sandbox, "DELETE", f"/webhook/{webhook['id']}").status_code == 204


# Another response ------------------------------------------------------------------------------------------


def test_html(sandbox: Sandbox) -> None:
    """ "html" is a proxy's error page with 502, or the given status."""
    sandbox.inject("html")
    sandbox.inject("html", status=504)
    response = post(sandbox)
    assert (response.status_code, response.headers["Content-Type"]) == (502, "text/html")
    assert response.text.startswith("<html>")
    assert post(sandbox).status_code == 504


def test_empty(sandbox: Sandbox) -> None:
    """ "empty" is a 500, or the given status, without a body."""
    sandbox.inject("empty")
    sandbox.inject("empty", status=200)
    response = post(sandbox)
    assert (response.status_code, response.content) == (500, b"")
    assert (post(sandbox).status_code, sandbox.backend.webhooks()) == (200, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 503])
def test_status(sandbox: Sandbox, status: int) -> None:
    """ "status" is the error envelope with the given status, message and headers."""
    sandbox.inject("status", status=status, message="no such luck", headers={"X-Note": "1"})
    response = post(sandbox)
    assert response.status_code == response.json()["statusCode"] == status
    assert response.json()["message"] == "no such luck"
    assert response.json()["error"]
    assert response.headers["X-Note"] == "1"
    assert response.headers["ratelimit-limit"] == "500"


def test_rate_limited(sandbox: Sandbox) -> None:
    """ "rate_limited" is a 429 with a Retry-After of ten seconds, with another one, or without one."""
    sandbox.inject("rate_limited")
    sandbox.inject("rate_limited", retry_after="Tue, 10 Aug 2021 10:00:00 GMT")
    sandbox.inject("rate_limited", retry_after=None)
    responses = [post(sandbox) for _ in range(3)]
    assert {response.status_code for response in responses} == {429}
    assert responses[0].json()["error"] == "Too Many Requests"
    assert responses[0].headers["ratelimit-remaining"] == "0"
    retry_after = [response.headers.get("Retry-After") for response in responses]
    assert retry_after == ["10", "Tue, 10 Aug 2021 10:00:00 GMT", None]


def test_not_json(sandbox: Sandbox) -> None:
    """ "not_json" is a 200 with plain text that is not JSON."""
    sandbox.inject("not_json")
    response = post(sandbox)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_huge(sandbox: Sandbox) -> None:
    """ "huge" is valid JSON of slightly more than the given size, without a Content-Length."""
    sandbox.inject("huge", size_bytes=200_000)
    response = post(sandbox)
    assert "Content-Length" not in response.headers
    assert response.json()["padding"] == "x" * 200_000


def test_huge_that_the_client_stops_reading(sandbox: Sandbox) -> None:
    """The sandbox serves further requests after a client closes the connection in the middle of a huge response."""
    sandbox.inject("huge", size_bytes=500_000_000)
    response = post(sandbox, stream=True)
    assert len(response.raw.read(1000)) == 1000
    response.close()
    assert post(sandbox).status_code == 200


def test_redirect(sandbox: Sandbox) -> None:
    """ "redirect" is a 302 to an unknown path."""
    sandbox.inject("redirect", times=2)
    response = post(sandbox, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, "/elsewhere")
    assert post(sandbox).status_code == 404
    assert sandbox.calls[-1].path == "/elsewhere"


def test_response(sandbox: Sandbox) -> None:
    """ "response" has the given status, headers and body."""
    sandbox.inject("response", status=299, body="{]", headers={"Content-Type": "text/odd", "X-Odd": "1"})
    sandbox.inject("response", body={"id": 1})
    response = post(sandbox)
    assert (response.status_code, response.text, response.headers["X-Odd"]) == (299, "{]", "1")
    assert response.headers["Content-Type"] == "text/odd"
    assert post(sandbox).json() == {"id": 1}
