"""The sandbox's faults as a client sees them on the wire; it must not import the project's own client."""

from __future__ import annotations

import inspect
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.faults import KINDS, Fault, FaultPlan

BODY = {"target_url": "https://example.com/webhook", "event_types": ["record:created"]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def post(sandbox: Sandbox, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    timeout = options.pop("timeout", 10)
    return requests.post(sandbox.base_url + "/webhook", json=BODY, headers=headers, timeout=timeout, **options)


def get(sandbox: Sandbox, path: str = "/webhook") -> requests.Response:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    return requests.get(sandbox.base_url + path, headers=headers, timeout=10)


def exchange(sandbox: Sandbox) -> bytes:
    """What comes over a bare socket in answer to a create, up to the end of the connection."""
    body = json.dumps(BODY).encode()
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {sandbox.token}\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as stream:
        connection.sendall(head.encode() + body)
        return stream.read()


# No answer -------------------------------------------------------------------------------------------------


def test_reset(sandbox: Sandbox) -> None:
    """ "reset" resets the TCP connection, and the request was not carried out."""
    sandbox.inject("reset")
    with pytest.raises(ConnectionResetError):
        exchange(sandbox)
    assert sandbox.backend.webhooks() == []
    assert sandbox.calls[0].status is None
    assert post(sandbox).status_code == 200


def test_close(sandbox: Sandbox) -> None:
    """ "close" ends the connection in good order, without a byte."""
    sandbox.inject("close")
    assert exchange(sandbox) == b""
    assert sandbox.backend.webhooks() == []


def test_timeout(sandbox: Sandbox) -> None:
    """ "timeout" is silence for the given time, and then the end of the connection without a byte."""
    sandbox.inject("timeout", seconds=0.2)
    before = time.monotonic()
    assert exchange(sandbox) == b""
    assert time.monotonic() - before >= 0.2


def test_client_gives_up_on_silence(sandbox: Sandbox) -> None:
    """A client with a time limit of its own meets it, and the sandbox then stops at once."""
    sandbox.inject("timeout", seconds=600, processed=True)
    with pytest.raises(requests.ReadTimeout):
        post(sandbox, timeout=0.2)
    while not sandbox.calls:  # the client may give up before the request is carried out
        time.sleep(0.005)
    assert len(sandbox.backend.webhooks()) == 1
    before = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - before < 30


@pytest.mark.parametrize("kind", ["reset", "close", "html", "empty", "status", "not_json", "response"])
def test_processed(sandbox: Sandbox, kind: str) -> None:
    """With `processed` the webhook is made although the answer does not tell of it."""
    sandbox.inject(kind, processed=True)
    try:
        exchange(sandbox)
    except ConnectionResetError:
        assert kind == "reset"
    assert len(sandbox.backend.webhooks()) == 1


@pytest.mark.parametrize("kind", ["html", "empty", "status", "rate_limited", "not_json", "redirect", "response"])
def test_not_processed(sandbox: Sandbox, kind: str) -> None:
    """Without `processed` such a fault happens before the API sees the request."""
    sandbox.inject(kind)
    post(sandbox, allow_redirects=False)
    assert sandbox.backend.webhooks() == []
    assert sandbox.count("create") == 1


# The right answer, spoiled ---------------------------------------------------------------------------------


def test_truncated(sandbox: Sandbox) -> None:
    """ "truncated" announces the whole body and sends half of it."""
    sandbox.inject("truncated")
    head, _, body = exchange(sandbox).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    assert len(body) == length // 2
    assert body.startswith(b'{"id": ')
    assert len(sandbox.backend.webhooks()) == 1


def test_slow_drip(sandbox: Sandbox) -> None:
    """ "slow_drip" sends the right answer a byte at a time."""
    sandbox.inject("slow_drip", seconds=0.001)
    before = time.monotonic()
    response = post(sandbox)
    assert response.json()["id"] == sandbox.backend.webhooks()[0].id
    assert time.monotonic() - before >= 0.001 * len(response.content)


def test_wrong_types(sandbox: Sandbox) -> None:
    """ "wrong_types" answers with a number for a string, a string for a boolean and for a list."""
    sandbox.inject("wrong_types")
    response = post(sandbox)
    assert response.status_code == 200
    webhook = response.json()
    assert webhook["id"] == webhook["secret"] == webhook["target_url"] == webhook["created_at"] == 12345
    assert webhook["is_active"] == "yes"
    assert webhook["event_types"] == "none"


def test_missing_fields(sandbox: Sandbox) -> None:
    """ "missing_fields" leaves out the named fields, in each item of a list too."""
    sandbox.inject("missing_fields", times=2, fields=["id", "next_cursor"])
    webhook = post(sandbox).json()
    assert "id" not in webhook
    assert "secret" in webhook
    page = get(sandbox).json()
    assert "next_cursor" not in page
    assert "id" not in page["result"][0]


def test_other_id(sandbox: Sandbox) -> None:
    """ "other_id" answers with the id of some other webhook."""
    webhook = post(sandbox).json()
    sandbox.inject("other_id", times=2)
    other = get(sandbox, f"/webhook/{webhook['id']}").json()
    assert other["id"] != webhook["id"]
    assert other["target_url"] == webhook["target_url"]
    page = get(sandbox).json()
    assert page["result"][0]["id"] != webhook["id"]
    assert "id" not in page


def test_extra_fields(sandbox: Sandbox) -> None:
    """ "extra_fields" adds fields that nobody knows to the right answer."""
    sandbox.inject("extra_fields", times=2)
    webhook = post(sandbox).json()
    assert webhook["new_object"] == {"nested": [1, None]}
    assert webhook["target_url"] == BODY["target_url"]
    assert "new_field" in get(sandbox).json()["result"][0]


def test_spoiling_an_answer_without_a_body() -> None:
    """An answer that has no body has nothing to spoil."""
    with Sandbox(delete_response="no_content") as sandbox:
        webhook = post(sandbox).json()
        sandbox.inject("wrong_types", "delete")
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        response = requests.delete(f"{sandbox.base_url}/webhook/{webhook['id']}", headers=headers, timeout=10)
        assert response.status_code == 204


# Another answer --------------------------------------------------------------------------------------------


def test_html(sandbox: Sandbox) -> None:
    """ "html" is a proxy's page with 502, or the given status."""
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
    """ "status" is the error envelope with the given status and message."""
    sandbox.inject("status", status=status, message="no such luck", headers={"X-Note": "1"})
    response = post(sandbox)
    assert response.status_code == response.json()["statusCode"] == status
    assert response.json()["message"] == "no such luck"
    assert response.json()["error"]
    assert response.headers["X-Note"] == "1"
    assert response.headers["ratelimit-limit"] == "500"


def test_rate_limited(sandbox: Sandbox) -> None:
    """ "rate_limited" is a 429 that asks for ten seconds, for another time, or for none."""
    sandbox.inject("rate_limited")
    sandbox.inject("rate_limited", retry_after="Tue, 10 Aug 2021 10:00:00 GMT")
    sandbox.inject("rate_limited", retry_after=None)
    responses = [post(sandbox) for _ in range(3)]
    assert {response.status_code for response in responses} == {429}
    assert responses[0].json()["error"] == "Too Many Requests"
    assert responses[0].headers["ratelimit-remaining"] == "0"
    times = [response.headers.get("Retry-After") for response in responses]
    assert times == ["10", "Tue, 10 Aug 2021 10:00:00 GMT", None]


def test_not_json(sandbox: Sandbox) -> None:
    """ "not_json" is a 200 with text that is not JSON."""
    sandbox.inject("not_json")
    response = post(sandbox)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_huge(sandbox: Sandbox) -> None:
    """ "huge" is a stream without a length, valid JSON of the given size and a little more."""
    sandbox.inject("huge", size_bytes=200_000)
    response = post(sandbox)
    assert "Content-Length" not in response.headers
    assert response.json()["padding"] == "x" * 200_000


def test_huge_given_up_half_way(sandbox: Sandbox) -> None:
    """A client may stop reading a huge answer; the sandbox goes on."""
    sandbox.inject("huge", size_bytes=500_000_000)
    response = post(sandbox, stream=True)
    assert len(response.raw.read(1000)) == 1000
    response.close()
    assert post(sandbox).status_code == 200


def test_redirect(sandbox: Sandbox) -> None:
    """ "redirect" is a 302 to a place that does not exist."""
    sandbox.inject("redirect", times=2)
    response = post(sandbox, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, "/elsewhere")
    assert post(sandbox).status_code == 404
    assert sandbox.calls[-1].path == "/elsewhere"


def test_response(sandbox: Sandbox) -> None:
    """ "response" is whatever status, headers and body are given."""
    sandbox.inject("response", status=299, body="{]", headers={"Content-Type": "text/odd", "X-Odd": "1"})
    sandbox.inject("response", body={"id": 1})
    odd = post(sandbox)
    assert (odd.status_code, odd.text, odd.headers["X-Odd"]) == (299, "{]", "1")
    assert odd.headers["Content-Type"] == "text/odd"
    assert post(sandbox).json() == {"id": 1}


# Holds -----------------------------------------------------------------------------------------------------


def test_hold(sandbox: Sandbox) -> None:
    """A hold keeps the requests of its operation until it is released, and lets everything else pass."""
    hold = sandbox.hold("create", skip=1)
    assert post(sandbox).status_code == 200
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(post, sandbox) for _ in range(2)]
        hold.wait_for(2)
        assert (hold.held, sandbox.count("create"), len(sandbox.backend.webhooks())) == (2, 1, 1)
        assert len(get(sandbox).json()["result"]) == 1
        assert not any(each.done() for each in held)
        hold.release()
        assert [each.result().status_code for each in held] == [200, 200]
    assert (hold.held, post(sandbox).status_code, len(sandbox.backend.webhooks())) == (0, 200, 4)


def test_hold_comes_before_the_fault(sandbox: Sandbox) -> None:
    """A fault that is planned while a request is held meets that request."""
    with ThreadPoolExecutor(1) as pool, sandbox.hold() as hold:
        held = pool.submit(post, sandbox)
        hold.wait_for(1)
        sandbox.inject("status", "create", status=403)
        hold.release()
        assert held.result().status_code == 403


def test_stopping_while_requests_are_held(sandbox: Sandbox) -> None:
    """A stop ends the connections of held requests, which are never carried out."""
    hold = sandbox.hold("create")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(exchange, sandbox)
        hold.wait_for(1)
        sandbox.stop()
        assert isinstance(held.exception(), ConnectionResetError) or held.result() == b""
    assert hold.held == 0
    hold.release()
    assert sandbox.backend.webhooks() == []


def test_wrong_holds(sandbox: Sandbox) -> None:
    """A hold of an unknown operation is an error at once, and requests that never come are a TimeoutError."""
    with pytest.raises(ValueError, match="unknown operation 'dance'"):
        sandbox.hold("dance")
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        sandbox.hold("create").wait_for(1, seconds=0.01)


# The plan --------------------------------------------------------------------------------------------------


def test_operation_skip_and_times(sandbox: Sandbox) -> None:
    """A fault meets its own operation only, after `skip` requests and `times` times."""
    sandbox.inject("status", "create", skip=1, times=2)
    assert get(sandbox).status_code == 200
    assert [post(sandbox).status_code for _ in range(4)] == [200, 503, 503, 200]


def test_until_cleared(sandbox: Sandbox) -> None:
    """A fault with `times=0` stays until the plan is cleared."""
    sandbox.inject("empty", times=0)
    assert {post(sandbox).status_code for _ in range(5)} == {500}
    sandbox.faults.clear()
    assert post(sandbox).status_code == 200


def test_faults_come_in_order() -> None:
    """A request meets the first fault that matches, the next request the next one."""
    plan = FaultPlan()
    for kind, operation in (("reset", "read"), ("close", "any"), ("html", "read")):
        plan.add(Fault(kind, operation))
    taken = [plan.take("read"), plan.take("read"), plan.take("create"), plan.take("read"), plan.take("read")]
    assert [fault.kind if fault else None for fault in taken] == ["reset", "close", None, "html", None]
    assert plan.pending() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "gremlins"}, "unknown kind of fault 'gremlins'"),
        ({"kind": ["reset"]}, "unknown kind of fault"),
        ({"operation": "dance"}, "unknown operation 'dance'"),
        ({"times": -1}, "times must be a whole number"),
        ({"times": True}, "times must be a whole number"),
        ({"skip": 1.5}, "skip must be a whole number"),
        ({"seconds": -1}, "seconds must be a number"),
        ({"seconds": float("inf")}, "seconds must be a number"),
        ({"seconds": 10**400}, "seconds must be a number"),
        ({"seconds": "1"}, "seconds must be a number"),
        ({"size_bytes": -1}, "size_bytes must be"),
        ({"processed": 1}, "processed must be"),
        ({"status": 99}, "status must be from 200 to 599"),
        ({"status": "500"}, "status must be from 200 to 599"),
        ({"message": 1}, "message must be a string"),
        ({"kind": "html", "body": 1}, "body must be a string"),
        ({"headers": {"a b": "1"}}, "headers must be"),
        ({"headers": {"a": "1\r\nb: 2"}}, "headers must be"),
        ({"retry_after": 10}, "retry_after must be"),
        ({"fields": "id"}, "fields must be a list"),
        ({"kind": "missing_fields"}, "missing_fields needs fields"),
        ({"colour": "green"}, "a fault has no field"),
    ],
)
def test_wrong_faults(sandbox: Sandbox, fields: dict[str, Any], message: str) -> None:
    """A fault that makes no sense is an error at once, and says what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        sandbox.inject(**{"kind": "reset", **fields})
    assert sandbox.faults.pending() == []


def test_every_kind_is_documented_and_tested() -> None:
    """The table in the docstring names every kind, and so does a test here."""
    for kind in KINDS:
        assert f"\n{kind} " in str(inspect.getdoc(Fault))  # from 3.13 on Python itself takes the indentation away
        assert f"test_{kind}" in globals()


def test_a_request_that_is_carried_out_late(sandbox: Sandbox) -> None:
    """A gateway gives up at once, and what was asked for happens some time later."""
    sandbox.inject("status", "create", status=504, processed_after_seconds=0.3)
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    body = {"target_url": "https://hooks.example.com/truto"}
    response = requests.post(f"{sandbox.base_url}/webhook", json=body, headers=headers, timeout=30)
    assert response.status_code == 504
    until = time.monotonic() + 30
    while not sandbox.backend.webhooks():
        assert time.monotonic() < until
        time.sleep(0.01)
    with pytest.raises(ValueError, match="needs the request to be processed first"):
        sandbox.inject("truncated", "create", processed_after_seconds=1)
    with pytest.raises(ValueError, match="processed_after_seconds"):
        sandbox.inject("status", "create", processed_after_seconds=-1)
