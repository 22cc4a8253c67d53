"""The sandbox's control routes over real sockets; it must not import the project's own client."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock

TARGET = "https://example.com/webhook"
START = datetime(2024, 9, 1, 10, tzinfo=timezone.utc)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(START, frozen=True)) as running:
        yield running


def control(sandbox: Sandbox, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
    url = f"{sandbox.base_url}/__sandbox__/{path}"
    return requests.request(method, url, json=body, headers=headers, timeout=10)


def done(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def api(sandbox: Sandbox, method: str, path: str, body: object = None, token: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {token or sandbox.token}"}
    return requests.request(method, sandbox.base_url + path, json=body, headers=headers, timeout=10)


def create(sandbox: Sandbox) -> dict[str, Any]:
    return done(api(sandbox, "POST", "/webhook", {"target_url": TARGET}))


def test_calls(sandbox: Sandbox) -> None:
    """Another process can see the calls and connections so far, and start afresh."""
    create(sandbox)
    seen = done(control(sandbox, "GET", "calls"))
    (call,) = seen["calls"]
    assert (call["operation"], call["status"], call["body"]) == ("create", 200, {"target_url": TARGET})
    assert call["at"] == "2024-09-01T10:00:00+00:00"
    assert seen["connections"] == 2
    assert sandbox.token not in str(seen)
    assert done(control(sandbox, "DELETE", "calls")) == {}
    assert done(control(sandbox, "GET", "calls"))["calls"] == []


def test_faults(sandbox: Sandbox) -> None:
    """Another process can plan faults, see what is left of them and clear them."""
    fault = {"kind": "missing_fields", "operation": "read", "fields": ["secret"], "times": 2}
    (planned,) = done(control(sandbox, "POST", "faults", fault))["faults"]
    assert {**planned, **fault} == planned
    done(control(sandbox, "POST", "faults", {"kind": "status", "operation": "list", "status": 503}))
    done(control(sandbox, "POST", "faults", {"kind": "reset", "times": 0}))
    assert api(sandbox, "GET", "/webhook").status_code == 503
    left = done(control(sandbox, "GET", "faults"))["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in left] == [("missing_fields", 2), ("reset", None)]
    assert done(control(sandbox, "DELETE", "faults")) == {"faults": []}
    assert api(sandbox, "GET", "/webhook").status_code == 200


def test_faults_and_latency_leave_control_alone(sandbox: Sandbox) -> None:
    """However broken the API is, it can still be controlled."""
    sandbox.inject("reset", times=0)
    sandbox.backend.change_settings({"rate_limit": 0, "latency_seconds": 60})
    assert done(control(sandbox, "GET", "state"))["webhooks"] == []


def test_settings(sandbox: Sandbox) -> None:
    """Another process can see and change how the sandbox behaves."""
    assert done(control(sandbox, "GET", "settings"))["rate_limit"] == 500
    changed = done(control(sandbox, "PATCH", "settings", {"timestamp_format": "space", "webhook_limit": 1}))
    assert (changed["timestamp_format"], changed["webhook_limit"], changed["rate_limit"]) == ("space", 1, 500)
    assert create(sandbox)["created_at"] == "2024-09-01 10:00:00"
    assert api(sandbox, "POST", "/webhook", {"target_url": TARGET}).status_code == 403
    assert done(control(sandbox, "PATCH", "settings", {"webhook_limit": None}))["webhook_limit"] is None


def test_time(sandbox: Sandbox) -> None:
    """Another process can see the time, move it forward, and let it run."""
    assert done(control(sandbox, "GET", "time")) == {"now": "2024-09-01T10:00:00+00:00", "frozen": True}
    assert done(control(sandbox, "POST", "time", {"advance_seconds": 90}))["now"].startswith("2024-09-01T10:01:30")
    assert create(sandbox)["created_at"] == "2024-09-01T10:01:30.000Z"
    running = done(control(sandbox, "POST", "time", {"frozen": False}))
    assert running["frozen"] is False
    assert sandbox.backend.clock.now() > START + timedelta(seconds=90)


def test_state(sandbox: Sandbox) -> None:
    """Another process can see everything, tokens and secrets too."""
    webhook = create(sandbox)
    state = done(control(sandbox, "GET", "state"))
    (environment,) = state["environments"]
    assert environment == {"id": sandbox.environment_id, "name": "default", "tokens": [sandbox.token]}
    (held,) = state["webhooks"]
    assert (held["id"], held["secret"], held["event_types"]) == (webhook["id"], webhook["secret"], [])


def test_environments_and_tokens(sandbox: Sandbox) -> None:
    """Environments and tokens can be added and tokens revoked; a revoked one is a 401."""
    made = done(control(sandbox, "POST", "environments", {"name": "staging"}))
    assert made["name"] == "staging"
    second = done(control(sandbox, "POST", "tokens", {"environment_id": made["id"]}))["token"]
    webhook = done(api(sandbox, "POST", "/webhook", {"target_url": TARGET}, made["token"]))
    assert webhook["environment_id"] == made["id"]
    assert api(sandbox, "GET", f"/webhook/{webhook['id']}", token=second).status_code == 200
    assert done(control(sandbox, "DELETE", f"tokens/{made['token']}")) == {}
    assert api(sandbox, "GET", "/webhook", token=made["token"]).status_code == 401
    assert api(sandbox, "GET", "/webhook", token=second).status_code == 200
    assert control(sandbox, "DELETE", f"tokens/{made['token']}").status_code == 404


def test_outside_edits(sandbox: Sandbox) -> None:
    """A webhook can be changed behind the API's back, also to what the API itself refuses."""
    webhook = create(sandbox)
    other = sandbox.add_environment("other")
    path = f"webhooks/{webhook['id']}"
    drift = {"is_active": False, "event_types": ["record:*"], "target_url": "ftp://nowhere"}
    assert {**done(control(sandbox, "PATCH", path, drift)), **drift}["is_active"] is False
    read = done(api(sandbox, "GET", f"/webhook/{webhook['id']}"))
    assert {**read, **drift} == read
    assert read["updated_at"] > webhook["updated_at"]
    times = {"created_at": "2020-01-01T00:00:00.000Z", "updated_at": "2020-01-02 02:00:00+02:00"}
    done(control(sandbox, "PATCH", path, {**times, "event_types": None, "secret": "new"}))
    read = done(api(sandbox, "GET", f"/webhook/{webhook['id']}"))
    assert (read["created_at"], read["updated_at"]) == (
        "2020-01-01T00:00:00.000Z",
        "2020-01-02T00:00:00.000Z",
    )
    assert read["event_types"] == []
    done(control(sandbox, "PATCH", path, {"environment_id": other.id}))
    assert api(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 404


def test_outside_deletes(sandbox: Sandbox) -> None:
    """A webhook can be deleted behind the API's back."""
    webhook = create(sandbox)
    assert done(control(sandbox, "DELETE", f"webhooks/{webhook['id']}")) == {"id": webhook["id"]}
    assert api(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 404
    assert control(sandbox, "DELETE", f"webhooks/{webhook['id']}").status_code == 404
    assert control(sandbox, "PATCH", f"webhooks/{webhook['id']}", {}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "faults", {}, "kind is required"),
        ("POST", "faults", {"kind": "gremlins"}, "unknown kind of fault"),
        ("POST", "faults", {"kind": "reset", "times": "many"}, "times must be"),
        ("POST", "faults", {"kind": "reset", "colour": 1}, "a fault has no field"),
        ("PATCH", "settings", {"colour": "green"}, "unknown setting"),
        ("PATCH", "settings", {"digest": "rot13"}, "digest must be one of"),
        ("PATCH", "settings", [], "must be a JSON object"),
        ("POST", "time", {}, "give advance_seconds"),
        ("POST", "time", {"advance_seconds": -1}, "not negative"),
        ("POST", "time", {"advance_seconds": "1"}, "not negative"),
        ("POST", "time", {"frozen": 1}, "frozen must be"),
        ("POST", "environments", {}, "name is required"),
        ("POST", "tokens", {"environment_id": "none"}, "no environment"),
        ("POST", "tokens", {"environment_id": 5}, "environment_id is required"),
        ("PATCH", "webhooks/{id}", {"id": "other"}, "not a field"),
        ("PATCH", "webhooks/{id}", {"is_active": "no"}, "is_active must be"),
        ("PATCH", "webhooks/{id}", {"event_types": "all"}, "event_types must be"),
        ("PATCH", "webhooks/{id}", {"secret": ""}, "secret must be"),
        ("PATCH", "webhooks/{id}", {"created_at": "yesterday"}, "yesterday"),
        ("PATCH", "webhooks/{id}", {"environment_id": "none"}, "no environment"),
        ("POST", "events", {}, "event is required"),
        ("POST", "events", {"event": "a:b", "environment_id": ["x"]}, "no environment"),
    ],
)
def test_bad_input(sandbox: Sandbox, method: str, path: str, body: object, message: str) -> None:
    """Wrong input to a control route is a 400 that says what is wrong, and changes nothing."""
    path = path.format(id=create(sandbox)["id"])
    before = done(control(sandbox, "GET", "state"))
    response = control(sandbox, method, path, body)
    assert response.status_code == response.json()["statusCode"] == 400
    assert message in response.json()["message"]
    assert done(control(sandbox, "GET", "state")) == before


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("PUT", "calls"), ("GET", "")])
def test_unknown_control_routes(sandbox: Sandbox, method: str, path: str) -> None:
    """What control does not have is a 404, and does not count as a call to the API."""
    response = control(sandbox, method, path)
    assert response.status_code == 404
    assert "no control route" in response.json()["message"]
    assert sandbox.count() == 0


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "[", ""])
def test_a_foreign_host_name_is_refused(sandbox: Sandbox, host: str) -> None:
    """A web page whose name was rebound to this machine cannot control the sandbox."""
    response = control(sandbox, "GET", "state", Host=host)
    assert response.status_code == 403
    assert sandbox.token not in response.text


@pytest.mark.parametrize("host", ["localhost:1234", "LOCALHOST", "127.0.0.1", "[::1]:80"])
def test_loopback_names_are_fine(sandbox: Sandbox, host: str) -> None:
    """Any name of this machine itself will do."""
    assert control(sandbox, "GET", "state", Host=host).status_code == 200


def test_a_foreign_web_page_is_refused(sandbox: Sandbox) -> None:
    """A web page from elsewhere cannot plan faults on this machine, one of this machine can."""
    fault = {"kind": "reset"}
    assert control(sandbox, "POST", "faults", fault, Origin="https://evil.example").status_code == 403
    assert control(sandbox, "POST", "faults", fault, Origin="null").status_code == 403
    assert sandbox.faults.pending() == []
    assert control(sandbox, "POST", "faults", fault, Origin="http://localhost:3000").status_code == 200


def test_another_machine_is_refused() -> None:
    """A sandbox that listens to the network serves the API there, and control to its own machine only."""
    with Sandbox(host="0.0.0.0") as sandbox:  # what the test is about
        assert control(sandbox, "GET", "state").status_code == 200
        address = _own_address()
        if address is None:
            pytest.skip("this machine has no address but loopback")
        base = f"http://{address}:{sandbox.base_url.rpartition(':')[2]}"
        refused = requests.get(base + "/__sandbox__/state", headers={"Host": "localhost"}, timeout=10)
        assert refused.status_code == 403
        token = {"Authorization": f"Bearer {sandbox.token}"}
        assert requests.get(base + "/webhook", headers=token, timeout=10).status_code == 200


def _own_address() -> str | None:
    """An address of this machine that is not loopback, found without sending a packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
        return None if address.startswith(("127.", "0.")) else address
