"""The notification destinations, and the notifications that they receive."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import (
    Receiver,
    assert_error,
    call_admin_api,
    call_api,
    create_webhook,
    expect_success,
    publish_event,
    unreachable_url,
)

PATH: Final = "/notification-destination"
SLACK: Final[dict[str, Any]] = {
    "type": "slack",
    "config": {"webhook_url": "https://hooks.example.com/services/T0/B0/x"},
}
EMAIL: Final[dict[str, Any]] = {"type": "email", "config": {"to": ["ops@example.com"]}}


def create(sandbox: Sandbox, *, token: str | None = None, **fields: Any) -> dict[str, Any]:
    """Creates a destination, by default a Slack one, and returns it."""
    return expect_success(call_api(sandbox, "POST", PATH, token=token, json={**SLACK, **fields}))


def create_slack(sandbox: Sandbox, url: str, **fields: Any) -> dict[str, Any]:
    """Creates a destination that posts to a URL."""
    return create(sandbox, config={"webhook_url": url}, **fields)


# Requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        SLACK,
        EMAIL,
        {
            "type": "slack",
            "config": {"webhook_url": "http://127.0.0.1:1/slack", "ignored_status_codes": [429, 503]},
            "label": "ops",
            "is_active": False,
            "event_types": ["sync_job_run:failed"],
        },
        {"type": "email", "config": {"to": ["a@example.com"], "cc": [], "bcc": ["b"], "subject_prefix": "[Truto]"}},
    ],
)
def test_create(frozen_sandbox: Sandbox, fields: dict[str, Any]) -> None:
    """Every response contains what was sent, with nothing added to the config, and the defaults."""
    created = expect_success(call_api(frozen_sandbox, "POST", PATH, json=fields))
    assert created == {
        "label": None,
        "is_active": True,
        "event_types": [],
        **fields,
        "id": created["id"],
        "environment_id": frozen_sandbox.environment_id,
        "created_at": "2021-08-10T10:00:00.123Z",
        "updated_at": "2021-08-10T10:00:00.123Z",
    }
    assert call_api(frozen_sandbox, "GET", f"{PATH}/{created['id']}").json() == created
    assert call_api(frozen_sandbox, "GET", PATH).json()["result"] == [created]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"config": {}}, "type is required"),
        ({"type": "slack"}, "config is required"),
        ({**SLACK, "type": "pager"}, "type must be one of slack, email"),
        ({**SLACK, "config": None}, "config must be an object"),
        ({**SLACK, "config": {}}, "config.webhook_url is required"),
        ({**SLACK, "config": {"webhook_url": "http://example.com"}}, "config.webhook_url must be an https:// URL"),
        ({**SLACK, "config": {"webhook_url": "https://"}}, "config.webhook_url must be a valid URL"),
        (
            {**SLACK, "config": {**SLACK["config"], "ignored_status_codes": ["5"]}},
            "config.ignored_status_codes.0 must be an integer",
        ),
        ({**EMAIL, "config": SLACK["config"]}, "config.to is required"),
        ({**EMAIL, "config": {"to": []}}, "config.to must be an array of at least one string"),
        ({**EMAIL, "config": {"to": ["a"], "cc": "b"}}, "config.cc must be an array"),
        ({**SLACK, "label": 5}, "label must be a string"),
        ({**SLACK, "event_types": "all"}, "event_types must be an array"),
    ],
)
def test_invalid_fields(sandbox: Sandbox, fields: dict[str, Any], message: str) -> None:
    """A create with an invalid field is a 400 that names the field, and creates nothing."""
    assert_error(call_api(sandbox, "POST", PATH, json=fields), 400, "Bad Request", message)
    assert sandbox.backend.notification_destinations.items() == []


def test_update(sandbox: Sandbox) -> None:
    """A PATCH changes the fields in its body: a config as a whole, and never the type."""
    created = create(sandbox, **EMAIL, label="ops", event_types=["record:created"])
    path = f"{PATH}/{created['id']}"
    config = {"to": ["a@example.com"], "cc": ["b@example.com"]}
    expect_success(call_api(sandbox, "PATCH", path, json={"config": config, "type": "slack"}))
    changes = {"config": {"to": ["c@example.com"]}, "label": None, "is_active": False}
    updated = expect_success(call_api(sandbox, "PATCH", path, json=changes))
    assert updated == {**created, **changes, "updated_at": updated["updated_at"]}
    assert updated["updated_at"] > created["updated_at"]
    assert_error(
        call_api(sandbox, "PATCH", path, json={"config": SLACK["config"]}), 400, message="config.to is required"
    )
    assert call_api(sandbox, "GET", path).json() == updated


@pytest.mark.parametrize(("setting", "event_types"), [("keep", ["record:created"]), ("all", [])])
def test_update_without_event_types(setting: str, event_types: list[str]) -> None:
    """A PATCH without event types keeps the subscription, or subscribes to every event, as set for webhooks."""
    with Sandbox(omitted_event_types=setting) as sandbox:
        path = f"{PATH}/{create(sandbox, event_types=['record:created'])['id']}"
        assert call_api(sandbox, "PATCH", path, json={"label": "ops"}).json()["event_types"] == event_types


def test_list(sandbox: Sandbox) -> None:
    """The list has pages under either key, and contains neither webhooks nor destinations of other environments."""
    create_webhook(sandbox)
    create(sandbox, token=sandbox.add_environment("other").token)
    ids = [create(sandbox)["id"] for _ in range(3)]
    sandbox.backend.change_settings({"destination_list_key": "results"})
    page = call_api(sandbox, "GET", f"{PATH}?limit=2").json()
    last_page = call_api(sandbox, "GET", PATH, params={"next_cursor": page["next_cursor"]}).json()
    assert [item["id"] for item in (*page["results"], *last_page["results"])] == ids
    assert (last_page["next_cursor"], "result" in page) == (None, False)
    sandbox.inject("missing_fields", "list_destinations", fields=["config"])
    assert [item.get("config") for item in call_api(sandbox, "GET", PATH).json()["results"]] == [None] * 3


def test_delete(sandbox: Sandbox) -> None:
    """A deleted destination is a 404, and so is one of another environment, and a webhook."""
    created = create(sandbox)
    assert call_api(sandbox, "DELETE", f"{PATH}/{created['id']}").json() == {"id": created["id"]}
    foreign = create(sandbox, token=sandbox.add_environment("other").token)
    for id_ in (created["id"], foreign["id"], create_webhook(sandbox)["id"]):
        for method in ("GET", "PATCH", "DELETE"):
            response = call_api(sandbox, method, f"{PATH}/{id_}", json={})
            assert_error(response, 404, "Not Found", "Notification destination not found")
        assert_error(call_api(sandbox, "POST", f"{PATH}/test", json={"id": id_}), 404)
    assert [item.id for item in sandbox.backend.notification_destinations.items()] == [foreign["id"]]


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "", "create_destination"),
        ("GET", "/{id}", "read_destination"),
        ("PATCH", "/{id}", "update_destination"),
        ("DELETE", "/{id}", "delete_destination"),
        ("GET", "", "list_destinations"),
        ("POST", "/test", "test_destination"),
    ],
)
def test_faults_holds_and_calls(sandbox: Sandbox, method: str, path: str, operation: str) -> None:
    """Every operation has a name of its own for faults, holds and the record of calls."""
    id_ = create(sandbox)["id"]
    sandbox.reset_calls()

    def send() -> int:
        return call_api(sandbox, method, PATH + path.format(id=id_), json={**SLACK, "id": id_}).status_code

    sandbox.inject("status", operation, status=503)
    assert send() == 503
    with ThreadPoolExecutor(1) as pool, sandbox.hold(operation) as hold:
        response = pool.submit(send)
        hold.wait_for(1)
        create_webhook(sandbox)
        hold.release()
        assert response.result() == 200
    assert (sandbox.count(operation), sandbox.count("create"), sandbox.count()) == (2, 1, 3)
    sandbox.backend.change_settings({"rate_limit": 0})
    assert send() == 429
    assert call_api(sandbox, method, PATH + path, token="wrong").status_code == 401


def test_changes_without_the_api(sandbox: Sandbox) -> None:
    """A test changes and deletes a destination as a person can in the dashboard, in Python and with the admin API."""
    destinations = sandbox.backend.notification_destinations
    ids = [destinations.create(sandbox.environment_id, SLACK)["id"], create(sandbox, **EMAIL)["id"]]
    destinations.edit(ids[0], {"is_active": False, "config": {"webhook_url": "not a URL"}})
    expect_success(call_admin_api(sandbox, "PATCH", f"notification_destinations/{ids[1]}", {"label": "ops"}))
    state = expect_success(call_admin_api(sandbox, "GET", "state"))["notification_destinations"]
    assert [(item["type"], item["is_active"], item["label"]) for item in state] == [
        ("slack", False, None),
        ("email", True, "ops"),
    ]
    assert call_api(sandbox, "GET", f"{PATH}/{ids[0]}").json()["config"] == {"webhook_url": "not a URL"}
    assert call_api(sandbox, "POST", f"{PATH}/test", json={"id": ids[0]}).json() == {"success": True}
    destinations.remove(ids[0])
    expect_success(call_admin_api(sandbox, "DELETE", f"notification_destinations/{ids[1]}"))
    assert destinations.items() == []


# Notifications ---------------------------------------------------------------------------------------------


def send_test(sandbox: Sandbox, destination: dict[str, Any]) -> Any:
    """The response of the test endpoint for a destination."""
    return call_api(sandbox, "POST", f"{PATH}/test", json={"id": destination["id"]})


def test_test(sandbox: Sandbox, receiver: Receiver) -> None:
    """A test posts to Slack on loopback, even for an inactive destination, and its response has the outcome."""
    receiver.statuses = [200, 500]
    destination = create_slack(sandbox, receiver.url, is_active=False)
    assert [send_test(sandbox, destination).json() for _ in range(2)] == [{"success": True}, {"success": False}]
    assert_error(send_test(sandbox, create_slack(sandbox, unreachable_url())), 400, message="could not be delivered")
    assert [message["text"] for message in receiver.messages] == ["This is a test notification."] * 2
    assert [(item.status, item.ok, item.webhook_id) for item in sandbox.notifications] == [
        (200, True, None),
        (500, False, None),
        (None, False, None),
    ]


@pytest.mark.parametrize("fields", [SLACK, EMAIL], ids=["slack", "email"])
def test_nothing_leaves_the_machine(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    """A test of any other destination succeeds, and only records the notification."""
    destination = create(sandbox, **fields)
    assert send_test(sandbox, destination).json() == {"success": True}
    [notification] = sandbox.notifications
    assert (notification.destination_id, notification.status, notification.reason) == (
        destination["id"],
        None,
        "the sandbox delivers to loopback only",
    )


def test_webhook_that_is_switched_off(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """The active destinations of the environment are notified once, when failed deliveries switch a webhook off."""
    sandbox = delivery_sandbox
    sandbox.backend.clock.frozen = True
    create_slack(sandbox, receiver.url, token=sandbox.add_environment("other").token)
    create_slack(sandbox, receiver.url, is_active=False)
    active = [create_slack(sandbox, receiver.url, event_types=["record:deleted"]), create(sandbox, **EMAIL)]
    webhook, other_webhook = (create_webhook(sandbox, target_url=receiver.url) for _ in range(2))
    sandbox.backend.edit(other_webhook["id"], {"is_active": False})
    sandbox.inject("close", "delivery", times=0)
    for notified in (0, 0, 0, 2):
        assert len(sandbox.notifications) == notified
        publish_event(sandbox)
    [message] = receiver.messages
    assert message == {"text": f"Webhook {webhook['id']} was switched off because its deliveries kept failing."}
    notifications = expect_success(call_admin_api(sandbox, "GET", "notifications"))["notifications"]
    assert {item["destination_id"] for item in notifications} == {item["id"] for item in active}
    for notification in notifications:
        assert (notification["webhook_id"], notification["text"]) == (webhook["id"], message["text"])
        assert (notification["ok"], notification["created_at"]) == (True, sandbox.backend.clock.now().isoformat())
