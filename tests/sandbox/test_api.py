"""The sandbox's Truto API over real sockets; it must not import the project's own client."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.api import MAX_CALLS, Call, CallLog
from pulumi_truto.sandbox.clock import Clock
from tests.support.commands import run

TARGET = "https://example.com/webhook"
START = datetime(2021, 8, 10, 10, 0, 0, 123456, tzinfo=timezone.utc)
EXAMPLE = {"target_url": TARGET, "is_active": True, "event_types": []}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(START, frozen=True), page_maximum=5) as running:
        yield running


def call(sandbox: Sandbox, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or sandbox.token}", **options.pop("headers", {})}
    return requests.request(method, sandbox.base_url + path, headers=headers, timeout=10, **options)


def create(sandbox: Sandbox, *, token: str | None = None, **fields: Any) -> dict[str, Any]:
    response = call(sandbox, "POST", "/webhook", token=token, json={"target_url": TARGET, **fields})
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def assert_error(response: requests.Response, status: int, error: str | None = None, message: str = "") -> None:
    assert response.status_code == status
    envelope = response.json()
    assert set(envelope) == {"statusCode", "error", "message"}
    assert envelope["statusCode"] == status
    assert error is None or envelope["error"] == error
    assert message in envelope["message"]


def assert_created(webhook: dict[str, Any], sandbox: Sandbox) -> None:
    for name in ("id", "secret", "environment_id"):
        assert str(uuid.UUID(webhook[name])) == webhook[name]
    assert webhook["target_url"] == TARGET
    assert webhook["is_active"] is True
    assert webhook["event_types"] == []
    assert webhook["environment_id"] == sandbox.environment_id


# Endpoints -------------------------------------------------------------------------------------------------


def test_create_answers_with_the_webhook_and_its_secret(sandbox: Sandbox) -> None:
    """A create is answered with every field of the webhook, the secret among them."""
    response = call(sandbox, "POST", "/webhook", json=EXAMPLE)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    webhook = response.json()
    assert_created(webhook, sandbox)
    assert webhook["created_at"] == webhook["updated_at"] == "2021-08-10T10:00:00.123Z"


def test_create_defaults(sandbox: Sandbox) -> None:
    """A webhook made with its target only is active and subscribed to everything."""
    webhook = create(sandbox)
    assert webhook["is_active"] is True
    assert webhook["event_types"] == []


def test_each_webhook_has_its_own_secret(sandbox: Sandbox) -> None:
    """Two webhooks for the same target are two webhooks, with different secrets."""
    first, second = create(sandbox), create(sandbox)
    assert first["id"] != second["id"]
    assert first["secret"] != second["secret"]


def test_only_create_tells_the_secret(sandbox: Sandbox) -> None:
    """Neither read, nor list, nor update shows the secret again."""
    webhook = create(sandbox)
    path = f"/webhook/{webhook['id']}"
    without = {name: value for name, value in webhook.items() if name != "secret"}
    assert call(sandbox, "GET", path).json() == without
    assert call(sandbox, "GET", "/webhook").json()["result"] == [without]
    assert "secret" not in call(sandbox, "PATCH", path, json={"is_active": False}).json()


def test_unknown_fields_are_ignored(sandbox: Sandbox) -> None:
    """A field that the API does not know changes nothing and is not an error."""
    webhook = create(sandbox, **{"colour": "green", "id": "mine", "secret": "mine"})
    assert "colour" not in webhook
    assert "mine" not in (webhook["id"], webhook["secret"])


def test_unknown_event_types_are_kept(sandbox: Sandbox) -> None:
    """Event types are an open list: one that nobody knows is stored in its place."""
    types = ["record:*", "moon:landed", "record:created"]
    assert create(sandbox, event_types=types)["event_types"] == types


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "target_url is required"),
        ({"target_url": None}, "target_url must be a string"),
        ({"target_url": 5}, "target_url must be a string"),
        ({"target_url": ""}, "valid URL"),
        ({"target_url": "https://"}, "valid URL"),
        ({"target_url": "https://[::1"}, "valid URL"),
        ({"target_url": "https://host:port/"}, "valid URL"),
        ({"target_url": "https://exa mple.com/"}, "valid URL"),
        ({"target_url": "https://example.com/\n"}, "valid URL"),
        ({"target_url": "http://example.com/"}, "https://"),
        ({"target_url": "ftp://127.0.0.1/"}, "https://"),
        ({"target_url": TARGET, "is_active": "true"}, "is_active must be a boolean"),
        ({"target_url": TARGET, "is_active": None}, "is_active must be a boolean"),
        ({"target_url": TARGET, "event_types": "record:created"}, "event_types must be an array"),
        ({"target_url": TARGET, "event_types": [1]}, "event_types must be an array"),
    ],
)
def test_create_refuses_wrong_fields(sandbox: Sandbox, body: dict[str, Any], message: str) -> None:
    """A create with a wrong field is a 400 that names the field, and makes nothing."""
    assert_error(call(sandbox, "POST", "/webhook", json=body), 400, "Bad Request", message)
    assert sandbox.backend.webhooks() == []


@pytest.mark.parametrize("target", ["http://localhost:1/a", "http://127.0.0.1/", "http://[::1]:80/", TARGET])
def test_create_takes_https_and_local_http(sandbox: Sandbox, target: str) -> None:
    """Besides https, plain http is taken for a receiver on this machine."""
    assert create(sandbox, target_url=target)["target_url"] == target


def test_environment_id_must_be_the_token_s_own(sandbox: Sandbox) -> None:
    """The token's own environment_id may be sent, another one is a 403."""
    other = sandbox.add_environment("other")
    assert create(sandbox, environment_id=sandbox.environment_id)["environment_id"] == sandbox.environment_id
    assert create(sandbox, environment_id=None)["environment_id"] == sandbox.environment_id
    refused = call(sandbox, "POST", "/webhook", json={**EXAMPLE, "environment_id": other.id})
    assert_error(refused, 403, "Forbidden")


def test_update_changes_what_is_sent_and_keeps_the_rest(sandbox: Sandbox) -> None:
    """A PATCH changes the fields that it names; the others stay, and updated_at moves."""
    webhook = create(sandbox, event_types=["record:created"])
    path = f"/webhook/{webhook['id']}"
    sandbox.backend.clock.advance(60)
    updated = call(sandbox, "PATCH", path, json={"is_active": False}).json()
    moved = {"is_active": False, "updated_at": "2021-08-10T10:01:00.123Z"}
    assert updated == {**{k: v for k, v in webhook.items() if k != "secret"}, **moved}
    target = "https://example.org/other"
    assert call(sandbox, "PATCH", path, json={"target_url": target}).json()["target_url"] == target
    read = call(sandbox, "GET", path).json()
    assert (read["target_url"], read["is_active"], read["event_types"]) == (target, False, ["record:created"])


@pytest.mark.parametrize("everything", [[], None])
def test_update_goes_back_to_everything(sandbox: Sandbox, everything: list[str] | None) -> None:
    """Sending an empty list of event types subscribes to everything again."""
    webhook = create(sandbox, event_types=["record:created"])
    response = call(sandbox, "PATCH", f"/webhook/{webhook['id']}", json={"event_types": everything})
    assert response.json()["event_types"] == []


def test_empty_update_is_allowed(sandbox: Sandbox) -> None:
    """A PATCH without any field is fine and leaves everything but updated_at."""
    webhook = create(sandbox)
    response = call(sandbox, "PATCH", f"/webhook/{webhook['id']}", json={})
    assert response.status_code == 200
    assert response.json()["updated_at"] > webhook["updated_at"]
    assert response.json()["target_url"] == TARGET


@pytest.mark.parametrize("body", [{"target_url": None}, {"is_active": None}, {"target_url": "http://a.com"}])
def test_update_refuses_wrong_fields(sandbox: Sandbox, body: dict[str, Any]) -> None:
    """A PATCH with null or another wrong value is a 400 and changes nothing."""
    webhook = create(sandbox)
    path = f"/webhook/{webhook['id']}"
    assert_error(call(sandbox, "PATCH", path, json=body), 400)
    assert call(sandbox, "GET", path).json()["updated_at"] == webhook["updated_at"]


def test_delete_removes_the_webhook(sandbox: Sandbox) -> None:
    """A deleted webhook is gone for read, update, delete, list and test."""
    webhook = create(sandbox)
    path = f"/webhook/{webhook['id']}"
    response = call(sandbox, "DELETE", path)
    assert (response.status_code, response.json()) == (200, {"id": webhook["id"]})
    for method in ("GET", "PATCH", "DELETE"):
        assert_error(call(sandbox, method, path), 404, "Not Found", "Webhook not found")
    assert call(sandbox, "GET", "/webhook").json()["result"] == []
    assert_error(call(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]}), 404)


def test_delete_may_have_no_content() -> None:
    """In the other form that SDKs know, a delete is answered with 204 and no body."""
    with Sandbox(delete_response="no_content") as sandbox:
        response = call(sandbox, "DELETE", f"/webhook/{create(sandbox)['id']}")
        assert (response.status_code, response.content) == (204, b"")


def test_other_environments_are_invisible(sandbox: Sandbox) -> None:
    """A token sees and changes the webhooks of its own environment only; others are a 404."""
    other = sandbox.add_environment("other")
    webhook = create(sandbox)
    for method in ("GET", "PATCH", "DELETE"):
        assert_error(call(sandbox, method, f"/webhook/{webhook['id']}", token=other.token, json={}), 404)
    test = call(sandbox, "POST", "/webhook/test", token=other.token, json={"id": webhook["id"]})
    assert_error(test, 404)
    assert call(sandbox, "GET", "/webhook", token=other.token).json()["result"] == []
    assert call(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 200


@pytest.mark.parametrize(("body", "message"), [({}, "id is required"), ({"id": 5}, "id must be a string")])
def test_test_needs_an_id(sandbox: Sandbox, body: dict[str, Any], message: str) -> None:
    """The test endpoint refuses a request that names no webhook."""
    assert_error(call(sandbox, "POST", "/webhook/test", json=body), 400, "Bad Request", message)


def test_plan_limit_on_webhooks() -> None:
    """Where the plan limits the number of webhooks, one too many in an environment is a 403."""
    with Sandbox(webhook_limit=1) as sandbox:
        first = create(sandbox)
        assert_error(call(sandbox, "POST", "/webhook", json=EXAMPLE), 403, "Forbidden", "1 webhooks")
        create(sandbox, token=sandbox.add_environment("other").token)
        call(sandbox, "DELETE", f"/webhook/{first['id']}")
        create(sandbox)


# Variants --------------------------------------------------------------------------------------------------


def test_timestamps_with_a_space() -> None:
    """In the other form of timestamps there is a space, and neither milliseconds nor a zone."""
    with Sandbox(clock=Clock(START, frozen=True), timestamp_format="space") as sandbox:
        assert create(sandbox)["created_at"] == "2021-08-10 10:00:00"


def test_everything_may_be_null_or_absent(sandbox: Sandbox) -> None:
    """A subscription to everything shows as [], as null, or not at all; a list of types always shows."""
    create(sandbox)
    create(sandbox, event_types=["record:created"])
    for form, shown in (("empty", []), ("null", None), ("absent", "absent")):
        sandbox.backend.change_settings({"empty_event_types_as": form})
        everything, some = call(sandbox, "GET", "/webhook").json()["result"]
        assert everything.get("event_types", "absent") == shown
        assert some["event_types"] == ["record:created"]


# List ------------------------------------------------------------------------------------------------------


def test_list_pages_through_everything_once(sandbox: Sandbox) -> None:
    """Following next_cursor shows each webhook once, oldest first, also when one is deleted on the way."""
    ids = [create(sandbox)["id"] for _ in range(5)]
    page = call(sandbox, "GET", "/webhook", params={"limit": "2"}).json()
    seen = [webhook["id"] for webhook in page["result"]]
    call(sandbox, "DELETE", f"/webhook/{ids[1]}")
    while page["next_cursor"] is not None:
        assert isinstance(page["next_cursor"], str)
        params = {"limit": "2", "next_cursor": page["next_cursor"]}
        page = call(sandbox, "GET", "/webhook", params=params).json()
        seen += [webhook["id"] for webhook in page["result"]]
    assert seen == ids


def test_list_of_nothing(sandbox: Sandbox) -> None:
    """An environment without webhooks has one empty page."""
    page = call(sandbox, "GET", "/webhook").json()
    assert (page["result"], page["next_cursor"]) == ([], None)


def test_list_limit_is_capped(sandbox: Sandbox) -> None:
    """A limit above the maximum is taken as the maximum, and a page without a limit has the default size."""
    for _ in range(6):
        create(sandbox)
    assert len(call(sandbox, "GET", "/webhook?limit=6").json()["result"]) == 5
    sandbox.backend.change_settings({"page_default": 3})
    assert len(call(sandbox, "GET", "/webhook").json()["result"]) == 3


def test_list_filters(sandbox: Sandbox) -> None:
    """The list can be narrowed to active or inactive webhooks and to an environment."""
    on, off = create(sandbox)["id"], create(sandbox, is_active=False)["id"]
    for query, expected in (
        ("is_active=true", [on]),
        ("is_active=false", [off]),
        (f"environment_id={sandbox.environment_id}", [on, off]),
        (f"environment_id={sandbox.add_environment('other').id}", []),
    ):
        page = call(sandbox, "GET", f"/webhook?{query}").json()
        assert [webhook["id"] for webhook in page["result"]] == expected


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=ten", "limit=", "limit=1.5", "limit=99999999999",
        "next_cursor=nonsense", "next_cursor=%C3%A9", "next_cursor=YWZ0ZXI6LTE=", "is_active=yes",
    ],
)  # fmt: skip
def test_list_refuses_a_bad_query(sandbox: Sandbox, query: str) -> None:
    """A limit, cursor or filter that makes no sense is a 400."""
    assert_error(call(sandbox, "GET", f"/webhook?{query}"), 400, "Bad Request")


def test_an_empty_cursor_is_the_first_page(sandbox: Sandbox) -> None:
    """The first page is also had with an empty cursor, as Truto's TypeScript SDK asks for it."""
    made = create(sandbox)
    page = call(sandbox, "GET", "/webhook?limit=1&next_cursor=").json()
    assert [webhook["id"] for webhook in page["result"]] == [made["id"]]


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token} x"]
)
@pytest.mark.parametrize("path", ["/webhook", "/webhook/test", "/elsewhere"])
def test_a_token_is_needed(sandbox: Sandbox, header: str | None, path: str) -> None:
    """Without a token, with a wrong one or a malformed header everything is a 401."""
    headers = {} if header is None else {"Authorization": header.format(token=sandbox.token)}
    response = requests.post(sandbox.base_url + path, json=EXAMPLE, headers=headers, timeout=10)
    assert_error(response, 401, "Unauthorized")
    assert sandbox.backend.webhooks() == []
    assert sandbox.calls[0].environment_id is None


@pytest.mark.parametrize("path", ["/", "/elsewhere", "/webhook/", "/webhooks", "/webhook/a/b", "/__sandbox__"])
def test_unknown_routes(sandbox: Sandbox, path: str) -> None:
    """A path that the API does not have is a 404 with the error envelope."""
    assert_error(call(sandbox, "GET", path), 404, "Not Found")
    assert sandbox.calls[0].operation == ""


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/webhook", "POST, GET"),
        ("POST", "/webhook/a", "GET, PATCH, DELETE"),
        ("PUT", "/webhook/a", ""),
    ],
)
def test_wrong_methods(sandbox: Sandbox, method: str, path: str, allow: str) -> None:
    """A method that a path does not have is a 405 that names those it has."""
    response = call(sandbox, method, path, json={})
    assert_error(response, 405, "Method Not Allowed")
    assert allow in response.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"text"', b"null", b'{"target_url": NaN}', b'{"x": 1e999}', b"\xff\xfe", b"[" * 9**6, b"a=b"],
)
def test_malformed_json(sandbox: Sandbox, body: bytes) -> None:
    """A body that is no JSON object is a 400 with the error envelope."""
    assert_error(call(sandbox, "POST", "/webhook", data=body), 400, "Bad Request", "JSON")


def test_too_large_a_body(sandbox: Sandbox) -> None:
    """A body of more than a mebibyte is a 413 with the error envelope."""
    response = call(sandbox, "POST", "/webhook", json={**EXAMPLE, "padding": "x" * 1024 * 1024})
    assert_error(response, 413)
    assert sandbox.calls[0].body is None


# RequestPolicy, time, connections ---------------------------------------------------------------------------------


def test_rate_limit(sandbox: Sandbox) -> None:
    """Over the limit of a token there is a 429 with Retry-After: 10, and after ten seconds it goes on."""
    sandbox.backend.change_settings({"rate_limit": 3})
    left = [call(sandbox, "GET", "/webhook").headers["ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    sandbox.backend.clock.advance(4)
    limited = call(sandbox, "POST", "/webhook", json=EXAMPLE)
    assert_error(limited, 429, "Too Many Requests")
    assert limited.headers["Retry-After"] == "10"
    assert limited.headers["ratelimit-limit"] == "3"
    assert limited.headers["ratelimit-remaining"] == "0"
    assert limited.headers["ratelimit-reset"] == "6"
    assert sandbox.backend.webhooks() == []
    assert call(sandbox, "GET", "/webhook", token=sandbox.add_environment("b").token).status_code == 200
    sandbox.backend.clock.advance(6)
    assert call(sandbox, "GET", "/webhook").status_code == 200


def test_rate_limit_is_500_by_default(sandbox: Sandbox) -> None:
    """Every API answer, an error too, tells of the limit of 500."""
    for path in ("/webhook", "/webhook/none", "/none"):
        assert call(sandbox, "GET", path).headers["ratelimit-limit"] == "500"
    unauthorized = requests.get(sandbox.base_url + "/webhook", timeout=10)
    for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert unauthorized.headers[name].isdigit()


def test_date_header_is_the_sandbox_s_time(sandbox: Sandbox) -> None:
    """The Date header goes by the sandbox's clock, which clients measure against."""
    assert call(sandbox, "GET", "/webhook").headers["Date"] == "Tue, 10 Aug 2021 10:00:00 GMT"
    sandbox.backend.clock.advance(3600)
    assert call(sandbox, "GET", "/none").headers["Date"] == "Tue, 10 Aug 2021 11:00:00 GMT"


def test_clock_runs_unless_frozen() -> None:
    """A clock goes on from where it was frozen, and never back."""
    clock = Clock(START)
    assert clock.now() > START
    clock.frozen = True
    assert clock.now() == clock.now()
    with pytest.raises(ValueError, match="not negative"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="that far"):
        clock.advance(1e300)
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2021, 1, 1))  # noqa: DTZ001  # naive on purpose


def test_latency(sandbox: Sandbox) -> None:
    """With a latency set, an answer takes at least that long."""
    sandbox.backend.change_settings({"latency_seconds": 0.2})
    before = time.monotonic()
    call(sandbox, "GET", "/webhook")
    assert time.monotonic() - before >= 0.2


def test_keep_alive(sandbox: Sandbox) -> None:
    """Requests of one session share a connection, errors among them."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
        for path in ("/webhook", "/none", "/webhook/none", "/webhook"):
            session.get(sandbox.base_url + path, timeout=10)
    assert sandbox.connections == 1
    assert sandbox.count() == 4


def test_calls_are_recorded_without_the_token(sandbox: Sandbox) -> None:
    """The sandbox remembers what was asked and answered, and never the token it was asked with."""
    webhook = create(sandbox)
    call(sandbox, "GET", "/webhook?limit=1")
    call(sandbox, "GET", "/webhook/none")
    made, listed, missed = sandbox.calls
    assert (made.operation, made.method, made.path, made.status) == ("create", "POST", "/webhook", 200)
    assert (made.environment_id, made.body, made.at) == (
        sandbox.environment_id,
        {"target_url": TARGET},
        START,
    )
    assert (listed.operation, listed.query, listed.body) == ("list", {"limit": "1"}, None)
    assert (missed.operation, missed.path, missed.status) == ("read", "/webhook/none", 404)
    assert sandbox.token not in repr(sandbox.calls)
    assert webhook["secret"] not in repr(sandbox.calls)
    assert sandbox.count("create") == 1
    sandbox.reset_calls()
    assert sandbox.count() == 0


# Running ---------------------------------------------------------------------------------------------------


def test_sandboxes_side_by_side() -> None:
    """Two sandboxes at a time know nothing of each other."""
    with Sandbox() as first, Sandbox() as second:
        create(first)
        assert first.base_url != second.base_url
        assert second.backend.webhooks() == []
        assert_error(call(second, "GET", "/webhook", token=first.token), 401)
        assert first.count() == 1


def test_stop_and_start_again() -> None:
    """After a stop nothing answers; after another start all is as it was, at the same address."""
    sandbox = Sandbox(token="a-token-of-my-own")
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = sandbox.base_url
    with sandbox:
        webhook = create(sandbox)
        with pytest.raises(RuntimeError, match="already running"):
            sandbox.start()
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        call(sandbox, "GET", "/webhook")
    with sandbox:
        assert call(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 200


def test_stop_is_prompt_with_a_connection_open(sandbox: Sandbox) -> None:
    """Stopping does not wait for clients that keep their connection."""
    with requests.Session() as session:
        session.get(sandbox.base_url, timeout=10)
        before = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - before < 30


def test_taken_port() -> None:
    """Starting on a port that another program has is an error that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1 port {port}"):
            Sandbox(port=port).start()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"colour": "green"}, "unknown setting 'colour'"),
        ({"timestamp_format": "unix"}, "timestamp_format must be one of iso, space"),
        ({"page_default": 0}, "page_default must be a whole number of at least 1"),
        ({"latency_seconds": float("nan")}, "latency_seconds must be a number"),
        ({"latency_seconds": 10**400}, "latency_seconds must be a number"),
        ({"token": "with space"}, "token"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    """A setting that does not exist or makes no sense is an error at once."""
    with pytest.raises(ValueError, match=message):
        Sandbox(**settings)


def test_tokens_look_like_tokens_and_stay_out_of_repr(sandbox: Sandbox) -> None:
    """A token is long and random, and does not show in the repr of its environment."""
    environment = sandbox.add_environment("other")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", environment.token)
    assert environment.token not in repr(environment)


# Other clients ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(sandbox: Sandbox) -> None:
    """The curl command of Truto's guide makes a webhook."""
    command = [
        str(shutil.which("curl")), "--silent", "--show-error", "--fail", "--noproxy", "*",
        "--location", f"{sandbox.base_url}/webhook",
        "--header", "Content-Type: application/json",
        "--header", f"Authorization: Bearer {sandbox.token}",
        "--data", json.dumps(EXAMPLE),
    ]  # fmt: skip
    done = run(*command, seconds=60)
    assert_created(json.loads(done.stdout), sandbox)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_node_fetch(sandbox: Sandbox) -> None:
    """Node's fetch makes a webhook in the shape that Truto's TypeScript SDK sends it."""
    script = """
        const [base, token, body] = process.argv.slice(1);
        const headers = {"Content-Type": "application/json", Accept: "application/json",
                         "User-Agent": "truto-ts-sdk/1.0.0", Authorization: `Bearer ${token}`};
        fetch(`${base}/webhook?`, {method: "POST", headers, body})
            .then((answer) => answer.text()).then((text) => console.log(text));
    """
    body = json.dumps({**EXAMPLE, "environment_id": sandbox.environment_id})
    command = [str(shutil.which("node")), "-e", script, sandbox.base_url, sandbox.token, body]
    done = run(*command, seconds=60)
    assert_created(json.loads(done.stdout), sandbox)
    assert sandbox.calls[0].path == "/webhook"


def test_typescript_sdk_request_on_the_wire(sandbox: Sandbox) -> None:
    """The TypeScript SDK's `POST /webhook?`, byte for byte with its empty query, makes a webhook."""
    body = json.dumps({**EXAMPLE, "environment_id": sandbox.environment_id}).encode()
    head = (
        f"POST /webhook? HTTP/1.1\r\nHost: x\r\nUser-Agent: truto-ts-sdk/1.2.3\r\nConnection: close\r\n"
        f"Authorization: Bearer {sandbox.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as stream:
        connection.sendall(head.encode() + body)
        response = stream.read()
    assert response.startswith(b"HTTP/1.1 200 ")
    assert_created(json.loads(response.partition(b"\r\n\r\n")[2]), sandbox)


def test_python_sdk_request(sandbox: Sandbox) -> None:
    """The Python SDK's request, aiohttp with an empty query, makes a webhook."""

    async def post() -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{sandbox.base_url}/webhook?", json=EXAMPLE) as response,
        ):
            assert response.status == 200
            made: dict[str, Any] = await response.json()
            return made

    assert_created(asyncio.run(post()), sandbox)


def test_a_list_that_lags() -> None:
    """A sandbox can list new webhooks some time later than they are there."""
    with Sandbox(list_lag_seconds=5) as sandbox:
        made = sandbox.backend.create(sandbox.environment_id, {"target_url": TARGET})
        assert sandbox.backend.list(sandbox.environment_id, {})["result"] == []
        assert sandbox.backend.read(sandbox.environment_id, made["id"])["id"] == made["id"]
        sandbox.backend.clock.advance(6)
        assert len(sandbox.backend.list(sandbox.environment_id, {})["result"]) == 1


def test_a_date_header_that_is_wrong() -> None:
    """A sandbox can have another time in its Date header than in its webhooks."""
    with Sandbox(date_skew_seconds=-3600) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        response = requests.get(f"{sandbox.base_url}/webhook", headers=headers, timeout=30)
        date = parsedate_to_datetime(response.headers["Date"])
        assert 3590 < (sandbox.backend.clock.now() - date).total_seconds() < 3660
    for wrong in (True, "1", float("inf")):
        with pytest.raises(ValueError, match="date_skew_seconds"):
            Sandbox(date_skew_seconds=wrong)


def test_the_log_of_calls_keeps_the_newest() -> None:
    """A sandbox that serves for weeks does not grow without end."""
    log = CallLog()
    moment = datetime.now(timezone.utc)
    for number in range(MAX_CALLS + 5):
        log.add(Call("read", "GET", f"/webhook/{number}", 200, None, None, moment))
    assert len(log.calls) == MAX_CALLS
    assert log.calls[-1].path == f"/webhook/{MAX_CALLS + 4}"
