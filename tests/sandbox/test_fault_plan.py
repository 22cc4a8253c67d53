"""Which requests an injected fault affects, whether they are processed, and invalid faults."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.faults import Fault, FaultPlan
from tests.support.sandbox_client import CREATE_BODY, call_api, create_request, exchange_bytes


def post_status(sandbox: Sandbox) -> int:
    """The status of a create."""
    return call_api(sandbox, "POST", "/webhook", json=CREATE_BODY, allow_redirects=False).status_code


# Matching --------------------------------------------------------------------------------------------------


def test_operation_skip_and_times(sandbox: Sandbox) -> None:
    """A fault affects its own operation only, after `skip` requests and `times` times."""
    sandbox.inject("status", "create", skip=1, times=2)
    assert call_api(sandbox, "GET", "/webhook").status_code == 200
    assert [post_status(sandbox) for _ in range(4)] == [200, 503, 503, 200]


def test_times_zero_lasts_until_cleared(sandbox: Sandbox) -> None:
    """A fault with `times=0` affects all requests until the plan is cleared."""
    sandbox.inject("empty", times=0)
    assert {post_status(sandbox) for _ in range(5)} == {500}
    sandbox.faults.clear()
    assert post_status(sandbox) == 200


def test_faults_act_in_order() -> None:
    """A request gets the first fault that matches, and the next request the next one."""
    plan = FaultPlan()
    for kind, operation in (("reset", "read"), ("close", "any"), ("html", "read")):
        plan.add(Fault(kind=kind, operation=operation))
    faults = [plan.take("read"), plan.take("read"), plan.take("create"), plan.take("read"), plan.take("read")]
    assert [fault.kind if fault else None for fault in faults] == ["reset", "close", None, "html", None]
    assert plan.pending() == []


# Processing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reset", "close", "html", "empty", "status", "not_json", "response"])
def test_processed(sandbox: Sandbox, kind: str) -> None:
    """With `processed` the webhook is created although the response does not show it."""
    sandbox.inject(kind, processed=True)
    try:
        exchange_bytes(sandbox, create_request(sandbox))
    except ConnectionResetError:
        assert kind == "reset"
    assert len(sandbox.backend.webhooks()) == 1


@pytest.mark.parametrize("kind", ["html", "empty", "status", "rate_limited", "not_json", "redirect", "response"])
def test_not_processed(sandbox: Sandbox, kind: str) -> None:
    """Without `processed` the API does not see the request, but the call is recorded."""
    sandbox.inject(kind)
    post_status(sandbox)
    assert sandbox.backend.webhooks() == []
    assert sandbox.count("create") == 1


def test_processed_after_seconds(sandbox: Sandbox) -> None:
    """With `processed_after_seconds` the webhook is created some time after a gateway's 504."""
    sandbox.inject("status", "create", status=504, processed_after_seconds=0.3)
    assert post_status(sandbox) == 504
    deadline = time.monotonic() + 30
    while not sandbox.backend.webhooks():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Invalid faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "gremlins"}, "unknown kind of fault 'gremlins'"),
        ({"kind": ["reset"]}, "unknown kind of fault"),
        ({"operation": "dance"}, "unknown operation 'dance'"),
        ({"times": -1}, "times must be a non-negative integer"),
        ({"times": True}, "times must be a non-negative integer"),
        ({"skip": 1.5}, "skip must be a non-negative integer"),
        ({"seconds": -1}, "seconds must be a non-negative number"),
        ({"seconds": float("inf")}, "seconds must be a non-negative number"),
        ({"seconds": 10**400}, "seconds must be a non-negative number"),
        ({"seconds": "1"}, "seconds must be a non-negative number"),
        ({"size_bytes": -1}, "size_bytes must be"),
        ({"processed": 1}, "processed must be"),
        ({"kind": "truncated", "processed_after_seconds": 1}, "needs the request to be processed first"),
        ({"kind": "status", "processed_after_seconds": -1}, "processed_after_seconds"),
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
def test_invalid_faults(sandbox: Sandbox, fields: dict[str, Any], message: str) -> None:
    """An invalid fault is an error that names the mistake, and is not planned."""
    with pytest.raises(ValueError, match=message):
        sandbox.inject(**{"kind": "reset", **fields})
    assert sandbox.faults.pending() == []
