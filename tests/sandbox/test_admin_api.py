"""The admin API: its routes and their invalid input."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import START, TARGET_URL, call_admin_api, call_api, create_webhook, expect_success

# Calls and faults ------------------------------------------------------------------------------------------


def test_calls(frozen_sandbox: Sandbox) -> None:
    """The admin API lists and resets the calls, and counts the connections."""
    create_webhook(frozen_sandbox)
    body = expect_success(call_admin_api(frozen_sandbox, "GET", "calls"))
    (call,) = body["calls"]
    assert (call["operation"], call["status"], call["body"]) == ("create", 200, {"target_url": TARGET_URL})
    assert call["at"] == START.isoformat()
    assert body["connections"] == 2
    assert frozen_sandbox.token not in str(body)
    assert expect_success(call_admin_api(frozen_sandbox, "DELETE", "calls")) == {}
    assert expect_success(call_admin_api(frozen_sandbox, "GET", "calls"))["calls"] == []


def test_faults(sandbox: Sandbox) -> None:
    """The admin API injects faults, shows how many requests they still affect, and clears them."""
    fault = {"kind": "missing_fields", "operation": "read", "fields": ["secret"], "times": 2}
    (planned,) = expect_success(call_admin_api(sandbox, "POST", "faults", fault))["faults"]
    assert {**planned, **fault} == planned
    expect_success(call_admin_api(sandbox, "POST", "faults", {"kind": "status", "operation": "list", "status": 503}))
    expect_success(call_admin_api(sandbox, "POST", "faults", {"kind": "reset", "times": 0}))
    assert call_api(sandbox, "GET", "/webhook").status_code == 503
    pending = expect_success(call_admin_api(sandbox, "GET", "faults"))["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in pending] == [("missing_fields", 2), ("reset", None)]
    assert expect_success(call_admin_api(sandbox, "DELETE", "faults")) == {"faults": []}
    assert call_api(sandbox, "GET", "/webhook").status_code == 200


def test_faults_and_limits_do_not_affect_the_admin_api(sandbox: Sandbox) -> None:
    """Faults, the rate limit and the latency affect the Truto API only."""
    sandbox.inject("reset", times=0)
    sandbox.backend.change_settings({"rate_limit": 0, "latency_seconds": 60})
    assert expect_success(call_admin_api(sandbox, "GET", "state"))["webhooks"] == []


# Settings and time -----------------------------------------------------------------------------------------


def test_settings(frozen_sandbox: Sandbox) -> None:
    """The admin API shows and changes settings."""
    assert expect_success(call_admin_api(frozen_sandbox, "GET", "settings"))["rate_limit"] == 500
    changes = {"timestamp_format": "space", "webhook_limit": 1}
    settings = expect_success(call_admin_api(frozen_sandbox, "PATCH", "settings", changes))
    assert (settings["timestamp_format"], settings["webhook_limit"], settings["rate_limit"]) == ("space", 1, 500)
    assert create_webhook(frozen_sandbox)["created_at"] == "2021-08-10 10:00:00"
    assert call_api(frozen_sandbox, "POST", "/webhook", json={"target_url": TARGET_URL}).status_code == 403
    assert (
        expect_success(call_admin_api(frozen_sandbox, "PATCH", "settings", {"webhook_limit": None}))["webhook_limit"]
        is None
    )


def test_time(frozen_sandbox: Sandbox) -> None:
    """The admin API shows, advances and unfreezes the clock."""
    assert expect_success(call_admin_api(frozen_sandbox, "GET", "time")) == {"now": START.isoformat(), "frozen": True}
    advanced = expect_success(call_admin_api(frozen_sandbox, "POST", "time", {"advance_seconds": 90}))
    assert advanced["now"].startswith("2021-08-10T10:01:30")
    assert create_webhook(frozen_sandbox)["created_at"] == "2021-08-10T10:01:30.123Z"
    running = expect_success(call_admin_api(frozen_sandbox, "POST", "time", {"frozen": False}))
    assert running["frozen"] is False
    assert frozen_sandbox.backend.clock.now() > START + timedelta(seconds=90)


# State -----------------------------------------------------------------------------------------------------


def test_state(sandbox: Sandbox) -> None:
    """The admin API shows all environments and webhooks, including tokens and secrets."""
    created = create_webhook(sandbox)
    state = expect_success(call_admin_api(sandbox, "GET", "state"))
    (environment,) = state["environments"]
    assert environment == {"id": sandbox.environment_id, "name": "default", "tokens": [sandbox.token]}
    (webhook,) = state["webhooks"]
    assert (webhook["id"], webhook["secret"], webhook["event_types"]) == (created["id"], created["secret"], [])


def test_environments_and_tokens(sandbox: Sandbox) -> None:
    """The admin API adds environments and tokens, and revokes tokens; a revoked token is a 401."""
    environment = expect_success(call_admin_api(sandbox, "POST", "environments", {"name": "staging"}))
    assert environment["name"] == "staging"
    token = environment["token"]
    body = {"environment_id": environment["id"]}
    second_token = expect_success(call_admin_api(sandbox, "POST", "tokens", body))["token"]
    webhook = create_webhook(sandbox, token=token)
    assert webhook["environment_id"] == environment["id"]
    assert call_api(sandbox, "GET", f"/webhook/{webhook['id']}", token=second_token).status_code == 200
    assert expect_success(call_admin_api(sandbox, "DELETE", f"tokens/{token}")) == {}
    assert call_api(sandbox, "GET", "/webhook", token=token).status_code == 401
    assert call_api(sandbox, "GET", "/webhook", token=second_token).status_code == 200
    assert call_admin_api(sandbox, "DELETE", f"tokens/{token}").status_code == 404


def test_edit_webhook(sandbox: Sandbox) -> None:
    """The admin API changes a webhook, even to values that the Truto API would reject."""
    webhook = create_webhook(sandbox)
    admin_path, path = f"webhooks/{webhook['id']}", f"/webhook/{webhook['id']}"
    drift = {"is_active": False, "event_types": ["record:*"], "target_url": "ftp://nowhere"}
    assert {**expect_success(call_admin_api(sandbox, "PATCH", admin_path, drift)), **drift}["is_active"] is False
    webhook_json = expect_success(call_api(sandbox, "GET", path))
    assert {**webhook_json, **drift} == webhook_json
    assert webhook_json["updated_at"] > webhook["updated_at"]
    edits = {
        "created_at": "2020-01-01T00:00:00.000Z",
        "updated_at": "2020-01-02 02:00:00+02:00",
        "event_types": None,
        "secret": "new",
    }
    expect_success(call_admin_api(sandbox, "PATCH", admin_path, edits))
    edited = expect_success(call_api(sandbox, "GET", path))
    assert (edited["created_at"], edited["updated_at"]) == ("2020-01-01T00:00:00.000Z", "2020-01-02T00:00:00.000Z")
    assert edited["event_types"] == []
    other = sandbox.add_environment("other")
    expect_success(call_admin_api(sandbox, "PATCH", admin_path, {"environment_id": other.id}))
    assert call_api(sandbox, "GET", path).status_code == 404


def test_delete_webhook(sandbox: Sandbox) -> None:
    """The admin API deletes a webhook; a missing one is a 404."""
    webhook = create_webhook(sandbox)
    admin_path = f"webhooks/{webhook['id']}"
    assert expect_success(call_admin_api(sandbox, "DELETE", admin_path)) == {"id": webhook["id"]}
    assert call_api(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 404
    assert call_admin_api(sandbox, "DELETE", admin_path).status_code == 404
    assert call_admin_api(sandbox, "PATCH", admin_path, {}).status_code == 404


# Invalid input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "faults", {}, "kind is required"),
        ("POST", "faults", {"kind": "gremlins"}, "unknown kind of fault"),
        ("POST", "faults", {"kind": "reset", "times": "many"}, "times must be"),
        ("POST", "faults", {"kind": "reset", "colour": 1}, "a fault has no field"),
        ("PATCH", "settings", {"colour": "green"}, "unknown setting"),
        ("PATCH", "settings", {"digest": "rot13"}, "digest must be one of"),
        ("PATCH", "settings", {"has_delivery_log": "yes"}, "has_delivery_log must be a boolean"),
        ("PATCH", "settings", {"webhook_limit": -1, "rate_limit": 0.5}, "rate_limit must be a non-negative integer"),
        ("PATCH", "settings", [], "must be a JSON object"),
        ("POST", "time", {}, "give advance_seconds"),
        ("POST", "time", {"advance_seconds": -1}, "non-negative"),
        ("POST", "time", {"advance_seconds": "1"}, "non-negative"),
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
        ("POST", "events", {"event": "a:b", "colour": "green"}, "unknown field 'colour': one of event, payload"),
    ],
)
def test_invalid_input(sandbox: Sandbox, method: str, path: str, body: object, message: str) -> None:
    """Invalid input is a 400 that names the mistake, and changes nothing."""
    path = path.format(id=create_webhook(sandbox)["id"])
    old_state = expect_success(call_admin_api(sandbox, "GET", "state"))
    response = call_admin_api(sandbox, method, path, body)
    assert response.status_code == response.json()["statusCode"] == 400
    assert message in response.json()["message"]
    assert "\n" not in response.json()["message"]
    assert expect_success(call_admin_api(sandbox, "GET", "state")) == old_state


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("PUT", "calls"), ("POST", "")])
def test_unknown_routes(sandbox: Sandbox, method: str, path: str) -> None:
    """An unknown route is a 404, and is not recorded as a call to the Truto API."""
    response = call_admin_api(sandbox, method, path)
    assert response.status_code == 404
    assert "no admin route" in response.json()["message"]
    assert sandbox.count() == 0
