"""Holding requests in flight until a test releases them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import CREATE_BODY, call_api, create_request, exchange_bytes


def post_status(sandbox: Sandbox) -> int:
    """The status of a create."""
    return call_api(sandbox, "POST", "/webhook", json=CREATE_BODY).status_code


def test_hold(sandbox: Sandbox) -> None:
    """A hold keeps the requests of its operation waiting until it is released; other operations continue."""
    hold = sandbox.hold("create", skip=1)
    assert post_status(sandbox) == 200
    with ThreadPoolExecutor(2) as pool:
        creates = [pool.submit(post_status, sandbox) for _ in range(2)]
        hold.wait_for(2)
        assert (hold.held, sandbox.count("create"), len(sandbox.backend.webhooks())) == (2, 1, 1)
        assert len(call_api(sandbox, "GET", "/webhook").json()["result"]) == 1
        assert not any(create.done() for create in creates)
        hold.release()
        assert [create.result() for create in creates] == [200, 200]
    assert (hold.held, post_status(sandbox), len(sandbox.backend.webhooks())) == (0, 200, 4)


def test_a_fault_affects_a_held_request(sandbox: Sandbox) -> None:
    """A fault that is injected while a request is held affects that request."""
    with ThreadPoolExecutor(1) as pool, sandbox.hold() as hold:
        create = pool.submit(post_status, sandbox)
        hold.wait_for(1)
        sandbox.inject("status", "create", status=403)
        hold.release()
        assert create.result() == 403


def test_stop_while_requests_are_held(sandbox: Sandbox) -> None:
    """A stop closes the connections of held requests, which are never processed."""
    hold = sandbox.hold("create")
    with ThreadPoolExecutor(1) as pool:
        create = pool.submit(exchange_bytes, sandbox, create_request(sandbox))
        hold.wait_for(1)
        sandbox.stop()
        assert isinstance(create.exception(), ConnectionResetError) or create.result() == b""
    assert hold.held == 0
    hold.release()
    assert sandbox.backend.webhooks() == []


def test_errors_of_holds(sandbox: Sandbox) -> None:
    """An unknown operation is a ValueError, and waiting for requests that do not arrive is a TimeoutError."""
    with pytest.raises(ValueError, match="unknown operation 'dance'"):
        sandbox.hold("dance")
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        sandbox.hold("create").wait_for(1, seconds=0.01)
