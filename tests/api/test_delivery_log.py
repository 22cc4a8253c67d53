"""`TrutoClient.list_deliveries`: the delivery log of one webhook."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.errors import ConfigurationError, InvalidResponseError, NotFoundError, ServerError
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.delivery_log import describe_failures
from tests.support.clients import BODY, client_of
from tests.support.sandbox_client import create_webhook, publish_event, running_receiver


@pytest.mark.parametrize("timestamp_format", ["iso", "space"])
def test_newest_deliveries_come_first(timestamp_format: str) -> None:
    """The newest deliveries of the webhook come first, with the receiver's status and the time."""
    with (
        Sandbox(retry_backoff_seconds=0.001, timestamp_format=timestamp_format) as sandbox,
        running_receiver() as receiver,
    ):
        webhook = create_webhook(sandbox, target_url=receiver.url)
        create_webhook(sandbox, target_url=receiver.url, event_types=["other:*"])
        for number in range(7):
            publish_event(sandbox, f"record:number_{number}")
        receiver.statuses = [500] * 4
        publish_event(sandbox, "record:last")
        entries = client_of(sandbox).list_deliveries(webhook["id"])
        assert entries[0].event == "record:last"
        assert [entry.webhook_endpoint_status for entry in entries] == [500, 200, 200, 200, 200]
        assert {entry.webhook_id for entry in entries} == {webhook["id"]}
        assert all(entry.created_at is not None and entry.created_at.tzinfo is not None for entry in entries)
        assert client_of(sandbox).list_deliveries(webhook["id"], event="test") == []


def test_log_is_requested_once(sandbox: Sandbox) -> None:
    """A log that cannot be read is not requested again: it only explains something else."""
    client = client_of(sandbox)
    webhook = client.webhooks.create(BODY)
    sandbox.inject("status", "log", times=0)
    with pytest.raises(ServerError, match="cannot read the delivery log of webhook"):
        client.list_deliveries(webhook.id)
    assert sandbox.count("log") == 1


def test_log_that_does_not_exist(sandbox: Sandbox) -> None:
    """Where Truto has no log, the error is a not-found error."""
    sandbox.backend.change_settings({"has_delivery_log": False})
    with pytest.raises(NotFoundError):
        client_of(sandbox).list_deliveries("x")


def test_invalid_id_is_rejected_before_a_request(sandbox: Sandbox) -> None:
    """A string that is not an id is not sent."""
    with pytest.raises(ConfigurationError):
        client_of(sandbox).list_deliveries("../x")
    assert sandbox.count() == 0


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"webhook_endpoint_status": 503}, 503),
        ({"webhook_endpoint_status": "503"}, 503),
        ({"webhook_endpoint_status": None}, None),
        ({"webhook_endpoint_status": {"code": 503}}, None),
        ({"webhook_endpoint_status": 503, "created_at": "yesterday", "event": 5, "new": []}, 503),
        ({}, None),
    ],
)
def test_unreadable_fields_count_as_absent(sandbox: Sandbox, entry: dict[str, Any], status: int | None) -> None:
    """Truto documents the entries loosely: a field that cannot be read hides no other one."""
    sandbox.inject("response", "log", body={"result": [entry]})
    (parsed,) = client_of(sandbox).list_deliveries("x")
    assert parsed.webhook_endpoint_status == status
    assert parsed.created_at is None


def test_log_that_is_no_log(sandbox: Sandbox) -> None:
    """Another JSON is an error."""
    sandbox.inject("response", "log", body={"entries": []})
    with pytest.raises(InvalidResponseError):
        client_of(sandbox).list_deliveries("x")


@pytest.mark.parametrize(
    ("statuses", "described"),
    [
        ([], None),
        ([200, 503], None),
        ([503], "the receiver returned 503 to its last delivery"),
        ([503, 503, 200, 503], "the receiver returned 503 to its last 2 deliveries"),
        ([503, None], "the receiver returned 503 or gave no response to its last 2 deliveries"),
        ([302, 200], "the receiver returned 302 to its last delivery"),
    ],
)
def test_failures_in_words(sandbox: Sandbox, statuses: list[int | None], described: str | None) -> None:
    """The failed deliveries since the last success are described in words, without a time where none is known."""
    result = [{"webhook_endpoint_status": status} for status in statuses]
    sandbox.inject("response", "log", body={"result": result})
    assert describe_failures(client_of(sandbox).list_deliveries("x")) == described


def test_failures_have_the_time_of_the_first(sandbox: Sandbox) -> None:
    """The time is that of the first failure, in UTC, whatever the order of the log."""
    times = ["2026-11-24T10:42:00Z", "2026-11-24T11:30:00Z", "2026-11-24T10:50:00Z"]
    result = [{"webhook_endpoint_status": 503, "created_at": time} for time in times]
    sandbox.inject("response", "log", body={"result": result})
    described = describe_failures(client_of(sandbox).list_deliveries("x"))
    assert described == "the receiver returned 503 to its last 3 deliveries, since 2026-11-24 10:42 UTC"
