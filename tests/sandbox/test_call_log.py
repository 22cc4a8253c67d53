"""The record of calls and connections."""

from __future__ import annotations

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.call_log import MAX_ENTRIES, Record
from tests.support.sandbox_client import START, TARGET_URL, call_api, create_webhook


def test_calls_are_recorded_without_token_and_secret(frozen_sandbox: Sandbox) -> None:
    """The sandbox records requests and their statuses, but neither the token nor the webhook's secret."""
    sandbox = frozen_sandbox
    webhook = create_webhook(sandbox)
    call_api(sandbox, "GET", "/webhook?limit=1")
    call_api(sandbox, "GET", "/webhook/none")
    create, list_, read = sandbox.calls
    assert (create.operation, create.method, create.path, create.status) == ("create", "POST", "/webhook", 200)
    assert create.environment_id == sandbox.environment_id
    assert (create.body, create.at) == ({"target_url": TARGET_URL}, START)
    assert (list_.operation, list_.query, list_.body) == ("list", {"limit": "1"}, None)
    assert (read.operation, read.path, read.status) == ("read", "/webhook/none", 404)
    assert sandbox.token not in repr(sandbox.calls)
    assert webhook["secret"] not in repr(sandbox.calls)
    assert sandbox.count("create") == 1
    with pytest.raises(ValueError, match="unknown operation 'creat': one of create, read"):
        sandbox.count("creat")
    sandbox.reset_calls()
    assert sandbox.count() == 0


def test_a_record_keeps_the_newest_entries() -> None:
    """The calls and deliveries of a sandbox that runs for weeks are limited in number."""
    record: Record[int] = Record()
    for number in range(MAX_ENTRIES + 5):
        record.add(number)
    assert record.entries() == [*range(5, MAX_ENTRIES + 5)]


def test_keep_alive(sandbox: Sandbox) -> None:
    """The requests of one session use one connection, even after error responses."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
        for path in ("/webhook", "/none", "/webhook/none", "/webhook"):
            session.get(sandbox.base_url + path, timeout=10)
    assert sandbox.connections == 1
    assert sandbox.count() == 4
