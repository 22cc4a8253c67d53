"""``GET /log``: the outcomes of deliveries."""

from __future__ import annotations

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import Receiver, assert_error, call_api, create_webhook, expect_success, publish_event

LOG = "/log?log_type=webhook"


def test_log_has_the_status_of_the_receiver(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """An entry names event, webhook, environment and time, and the status of the receiver's last response."""
    receiver.statuses = [500] * 4
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    publish_event(delivery_sandbox)
    (entry,) = expect_success(call_api(delivery_sandbox, "GET", LOG))["result"]
    assert set(entry) == {"id", "event", "webhook_id", "environment_id", "webhook_endpoint_status", "created_at"}
    assert (entry["event"], entry["webhook_id"]) == ("record:created", webhook["id"])
    assert entry["webhook_endpoint_status"] == 500


def test_log_has_the_test_event(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """The test event is logged like any other."""
    webhook = create_webhook(delivery_sandbox, target_url=receiver.url)
    call_api(delivery_sandbox, "POST", "/webhook/test", json={"id": webhook["id"]})
    (entry,) = expect_success(call_api(delivery_sandbox, "GET", LOG))["result"]
    assert (entry["event"], entry["webhook_endpoint_status"]) == ("test", 200)


def test_pages_are_newest_first(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """The pages of the log have every delivery once, newest first."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    published = [publish_event(delivery_sandbox, f"record:number_{number}")[0]["event"] for number in range(5)]
    events, cursor = [], ""
    while cursor is not None:
        page = expect_success(call_api(delivery_sandbox, "GET", f"{LOG}&limit=2&next_cursor={cursor}"))
        assert len(page["result"]) <= page["limit"] == 2
        events += [entry["event"] for entry in page["result"]]
        cursor = page["next_cursor"]
    assert events == published[::-1]


@pytest.mark.parametrize("name", ["webhook_id", "event", "environment_id"])
def test_filters(delivery_sandbox: Sandbox, receiver: Receiver, name: str) -> None:
    """A filter leaves the entries that have its value, and another value leaves none."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    publish_event(delivery_sandbox)
    (entry,) = expect_success(call_api(delivery_sandbox, "GET", LOG))["result"]
    for value, expected in ((entry[name], [entry]), ("other", [])):
        page = expect_success(call_api(delivery_sandbox, "GET", f"{LOG}&log_type_filter[{name}]={value}"))
        assert page["result"] == expected


def test_filters_of_time(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """``created_at[gt]`` and ``created_at[lt]`` limit the period."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    publish_event(delivery_sandbox)
    (entry,) = expect_success(call_api(delivery_sandbox, "GET", LOG))["result"]
    for operator, value, count in (("gt", "2020-01-01", 1), ("lt", "2020-01-01", 0), ("gt", "2999-01-01", 0)):
        page = expect_success(call_api(delivery_sandbox, "GET", f"{LOG}&created_at[{operator}]={value}"))
        assert len(page["result"]) == count, (operator, value, entry)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "log_type must be webhook"),
        ("?log_type=other", "log_type must be webhook"),
        ("?log_type=webhook&limit=0", "limit must be a positive integer"),
        ("?log_type=webhook&next_cursor=x", "next_cursor is not a cursor"),
        ("?log_type=webhook&created_at[gt]=soon", "created_at[gt] is not a time"),
        ("?log_type=webhook&created_at[gt]=2024-01-01&created_at[lt]=2024-03-01", "at most one month apart"),
    ],
)
def test_invalid_queries(sandbox: Sandbox, query: str, message: str) -> None:
    """An invalid parameter is a 400 that names it."""
    assert_error(call_api(sandbox, "GET", f"/log{query}"), 400, message=message)


def test_log_of_another_environment_is_not_visible(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A token sees the deliveries of its own environment."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    publish_event(delivery_sandbox)
    other = delivery_sandbox.add_environment("other")
    assert expect_success(call_api(delivery_sandbox, "GET", LOG, token=other.token))["result"] == []


def test_log_can_be_missing(sandbox: Sandbox) -> None:
    """With the setting ``has_delivery_log`` off there is no log, as one page of Truto's documentation says."""
    sandbox.backend.change_settings({"has_delivery_log": False})
    assert_error(call_api(sandbox, "GET", LOG), 404)


# Faults of the receiver ------------------------------------------------------------------------------------


def test_receiver_fails(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver's fault "status" replaces its response, and the delivery is retried."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    delivery_sandbox.inject("status", "delivery", status=500, times=2)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["attempts"], delivery["status"]) == (3, 200)
    assert len(receiver.received) == 1


def test_receiver_refuses_connections(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver's fault "close" leaves the delivery without a response."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    delivery_sandbox.inject("close", "delivery", times=0)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["status"], delivery["reason"]) == (None, "the target refused the connection")
    assert receiver.received == []


def test_receiver_is_too_slow(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A receiver that is slower than the delivery's limit of time gives no response; a faster one does."""
    delivery_sandbox.backend.change_settings({"delivery_timeout_seconds": 0.5})
    create_webhook(delivery_sandbox, target_url=receiver.url)
    delivery_sandbox.inject("timeout", "delivery", seconds=0.5)
    delivery_sandbox.inject("timeout", "delivery", seconds=0.01)
    (delivery,) = publish_event(delivery_sandbox)
    assert (delivery["attempts"], delivery["status"]) == (2, 200)


def test_faults_of_any_operation_leave_deliveries_alone(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """A fault of "any" operation is one of the API, and deliveries go on."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    delivery_sandbox.inject("status", "any", times=0)
    (delivery,) = publish_event(delivery_sandbox)
    assert delivery["status"] == 200


def test_faults_that_no_receiver_has(sandbox: Sandbox) -> None:
    """A kind that only an API response can have is rejected for a delivery."""
    with pytest.raises(ValueError, match="'truncated' is not a fault of a receiver: one of status, timeout, close"):
        sandbox.inject("truncated", "delivery")


# Multipart -------------------------------------------------------------------------------------------------


def test_deliveries_with_files_are_multipart(delivery_sandbox: Sandbox, receiver: Receiver) -> None:
    """An event with files is delivered as multipart, with the event as JSON in a separate field."""
    create_webhook(delivery_sandbox, target_url=receiver.url)
    publish_event(delivery_sandbox, files={"invoice.txt": "to pay"})
    ((headers, body),) = receiver.received
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="invoice.txt"' in body
    assert b"to pay" in body
    assert b'"event": "record:created"' in body


def test_files_must_be_strings(sandbox: Sandbox) -> None:
    """Files that are not strings are rejected."""
    with pytest.raises(AssertionError, match="files must be an object"):
        publish_event(sandbox, files={"a": 1})
