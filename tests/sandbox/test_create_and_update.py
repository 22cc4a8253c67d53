"""POST /webhook and PATCH /webhook/{id}."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import (
    CREATE_BODY,
    TARGET_URL,
    assert_created,
    assert_error,
    call_api,
    create_webhook,
)

# Create ----------------------------------------------------------------------------------------------------


def test_create_returns_the_webhook_with_its_secret(frozen_sandbox: Sandbox) -> None:
    """The response of a create contains every field of the webhook, including the secret."""
    response = call_api(frozen_sandbox, "POST", "/webhook", json=CREATE_BODY)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    webhook = response.json()
    assert_created(webhook, frozen_sandbox)
    assert webhook["created_at"] == webhook["updated_at"] == "2021-08-10T10:00:00.123Z"


def test_create_defaults(sandbox: Sandbox) -> None:
    """A webhook that is created with a target only is active and subscribed to every event."""
    webhook = create_webhook(sandbox)
    assert webhook["is_active"] is True
    assert webhook["event_types"] == []


def test_each_webhook_has_its_own_secret(sandbox: Sandbox) -> None:
    """Two webhooks for the same target have different ids and secrets."""
    first, second = create_webhook(sandbox), create_webhook(sandbox)
    assert first["id"] != second["id"]
    assert first["secret"] != second["secret"]


def test_only_create_returns_the_secret(sandbox: Sandbox) -> None:
    """Read, list and update do not return the secret."""
    webhook = create_webhook(sandbox)
    path = f"/webhook/{webhook['id']}"
    without_secret = {name: value for name, value in webhook.items() if name != "secret"}
    assert call_api(sandbox, "GET", path).json() == without_secret
    assert call_api(sandbox, "GET", "/webhook").json()["result"] == [without_secret]
    assert "secret" not in call_api(sandbox, "PATCH", path, json={"is_active": False}).json()


def test_unknown_fields_are_ignored(sandbox: Sandbox) -> None:
    """A create ignores fields that the API does not know."""
    webhook = create_webhook(sandbox, **{"colour": "green", "id": "mine", "secret": "mine"})
    assert "colour" not in webhook
    assert "mine" not in (webhook["id"], webhook["secret"])


def test_unknown_event_types_are_kept(sandbox: Sandbox) -> None:
    """A webhook can be subscribed to an unknown event type, and the order of the event types stays."""
    event_types = ["record:*", "moon:landed", "record:created"]
    assert create_webhook(sandbox, event_types=event_types)["event_types"] == event_types


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
        ({"target_url": TARGET_URL, "is_active": "true"}, "is_active must be a boolean"),
        ({"target_url": TARGET_URL, "is_active": None}, "is_active must be a boolean"),
        ({"target_url": TARGET_URL, "event_types": "record:created"}, "event_types must be an array"),
        ({"target_url": TARGET_URL, "event_types": [1]}, "event_types must be an array"),
    ],
)
def test_create_rejects_invalid_fields(sandbox: Sandbox, body: dict[str, Any], message: str) -> None:
    """A create with an invalid field is a 400 that names the field, and creates nothing."""
    assert_error(call_api(sandbox, "POST", "/webhook", json=body), 400, "Bad Request", message)
    assert sandbox.backend.webhooks() == []


@pytest.mark.parametrize("target_url", ["http://localhost:1/a", "http://127.0.0.1/", "http://[::1]:80/", TARGET_URL])
def test_create_accepts_https_and_local_http(sandbox: Sandbox, target_url: str) -> None:
    """A target needs https, except on this machine."""
    assert create_webhook(sandbox, target_url=target_url)["target_url"] == target_url


def test_environment_id_must_match_the_token(sandbox: Sandbox) -> None:
    """A create may contain the token's own environment_id; another one is a 403."""
    other = sandbox.add_environment("other")
    environment_id = sandbox.environment_id
    assert create_webhook(sandbox, environment_id=environment_id)["environment_id"] == environment_id
    assert create_webhook(sandbox, environment_id=None)["environment_id"] == environment_id
    response = call_api(sandbox, "POST", "/webhook", json={**CREATE_BODY, "environment_id": other.id})
    assert_error(response, 403, "Forbidden")


def test_webhook_limit_of_the_plan() -> None:
    """A create beyond the plan's number of webhooks per environment is a 403."""
    with Sandbox(webhook_limit=1) as sandbox:
        first = create_webhook(sandbox)
        assert_error(call_api(sandbox, "POST", "/webhook", json=CREATE_BODY), 403, "Forbidden", "1 webhooks")
        create_webhook(sandbox, token=sandbox.add_environment("other").token)
        call_api(sandbox, "DELETE", f"/webhook/{first['id']}")
        create_webhook(sandbox)


# Update ----------------------------------------------------------------------------------------------------


def test_update_changes_only_the_given_fields(frozen_sandbox: Sandbox) -> None:
    """A PATCH changes the fields in its body and updated_at; the others stay."""
    webhook = create_webhook(frozen_sandbox, event_types=["record:created"])
    path = f"/webhook/{webhook['id']}"
    frozen_sandbox.backend.clock.advance(60)
    updated = call_api(frozen_sandbox, "PATCH", path, json={"is_active": False}).json()
    without_secret = {name: value for name, value in webhook.items() if name != "secret"}
    assert updated == {**without_secret, "is_active": False, "updated_at": "2021-08-10T10:01:00.123Z"}
    target_url = "https://example.org/other"
    response = call_api(frozen_sandbox, "PATCH", path, json={"target_url": target_url})
    assert response.json()["target_url"] == target_url
    webhook = call_api(frozen_sandbox, "GET", path).json()
    assert (webhook["target_url"], webhook["is_active"], webhook["event_types"]) == (
        target_url,
        False,
        ["record:created"],
    )


@pytest.mark.parametrize("every_event", [[], None])
def test_update_to_every_event(sandbox: Sandbox, every_event: list[str] | None) -> None:
    """A PATCH with an empty list of event types, or null, subscribes to every event."""
    webhook = create_webhook(sandbox, event_types=["record:created"])
    response = call_api(sandbox, "PATCH", f"/webhook/{webhook['id']}", json={"event_types": every_event})
    assert response.json()["event_types"] == []


@pytest.mark.parametrize(("setting", "event_types"), [("keep", ["record:created"]), ("all", [])])
def test_update_without_event_types(setting: str, event_types: list[str]) -> None:
    """A PATCH without event types keeps the subscription, or subscribes to every event, as set."""
    with Sandbox(omitted_event_types=setting) as sandbox:
        webhook = create_webhook(sandbox, event_types=["record:created"])
        path = f"/webhook/{webhook['id']}"
        assert call_api(sandbox, "PATCH", path, json={"is_active": False}).json()["event_types"] == event_types
        updated = call_api(sandbox, "PATCH", path, json={"event_types": ["record:updated"]}).json()
        assert updated["event_types"] == ["record:updated"]


def test_empty_update_is_allowed(frozen_sandbox: Sandbox) -> None:
    """A PATCH without any field changes updated_at only, even if no time passed."""
    webhook = create_webhook(frozen_sandbox)
    response = call_api(frozen_sandbox, "PATCH", f"/webhook/{webhook['id']}", json={})
    assert response.status_code == 200
    assert response.json()["updated_at"] > webhook["updated_at"]
    assert response.json()["target_url"] == TARGET_URL


@pytest.mark.parametrize("body", [{"target_url": None}, {"is_active": None}, {"target_url": "http://a.com"}])
def test_update_rejects_invalid_fields(sandbox: Sandbox, body: dict[str, Any]) -> None:
    """A PATCH with null or another invalid value is a 400 and changes nothing."""
    webhook = create_webhook(sandbox)
    path = f"/webhook/{webhook['id']}"
    assert_error(call_api(sandbox, "PATCH", path, json=body), 400)
    assert call_api(sandbox, "GET", path).json()["updated_at"] == webhook["updated_at"]
