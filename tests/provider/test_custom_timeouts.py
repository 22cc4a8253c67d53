"""Custom timeouts: an operation of the plugin ends within the time that the program allows for it, and says so."""

from __future__ import annotations

import pytest

from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.errors import ConnectError
from pulumi_truto.sandbox import Sandbox
from tests.support.project import Project, create_unmanaged
from tests.support.webhook_manager import ManagerHarness

#: Far longer than the custom timeouts of these tests, and shorter than the provider's own limit.
LONG = 60


def options(operation: str, timeout: str = "3s") -> str:
    """Resource options with one custom timeout."""
    return f"pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts({operation}={timeout!r}))"


def test_create_waits_no_longer_than_its_timeout(native_project: Project) -> None:
    """A create that would have to wait longer for the rate limit fails at once, and the error names the timeout."""
    native_project.webhook(opts=options("create"))
    native_project.sandbox.inject("rate_limited", operation="create", retry_after=str(LONG))
    failed = native_project.fails(native_project.up)
    assert failed.calls == ["create"]
    assert "Truto returned 429" in failed.text
    assert "with a custom timeout of 3 s" in failed.text
    assert native_project.up().calls == ["create", "update"]


def test_create_without_a_response_ends_with_its_timeout(native_project: Project) -> None:
    """A create whose response does not come ends with its timeout, and leaves nothing that delivers."""
    native_project.webhook(opts=options("create"))
    native_project.sandbox.inject("timeout", operation="create", seconds=LONG, processed=True)
    failed = native_project.fails(native_project.up)
    assert failed.calls == ["create"]
    assert "with a custom timeout of 3 s" in failed.text
    assert "`pulumi-truto orphans` finds it" in failed.text
    assert not native_project.only_webhook.is_active


def test_update_ends_with_its_timeout(native_project: Project) -> None:
    """An update whose response does not come ends with its timeout, and the next run sends it again."""
    native_project.webhook(opts=options("update"))
    native_project.up()
    native_project.webhook("target_url=URL, is_active=False", opts=options("update"))
    native_project.sandbox.inject("timeout", operation="update", seconds=LONG, processed=True)
    failed = native_project.fails(native_project.up)
    assert failed.calls == ["update"]
    assert "with a custom timeout of 3 s" in failed.text
    assert native_project.up().calls == ["update"]


def test_create_that_fails_again_and_again_names_its_timeout(native_project: Project) -> None:
    """An error that a custom timeout caused names it, however often Truto returned 503 before."""
    native_project.webhook(opts=options("create"))
    native_project.sandbox.inject("status", operation="create", times=0)
    failed = native_project.fails(native_project.up)
    assert "Truto returned 503" in failed.text
    assert "with a custom timeout of 3 s" in failed.text


def test_delete_ends_with_its_timeout(native_project: Project) -> None:
    """A delete that would have to wait longer fails at once. Its timeout is in the state of the last up."""
    native_project.webhook(opts=options("delete"))
    native_project.up()
    native_project.sandbox.inject("rate_limited", operation="delete", retry_after=str(LONG))
    failed = native_project.fails(native_project.destroy)
    assert failed.calls == ["list_triggers", "delete"]
    assert "with a custom timeout of 3 s" in failed.text
    assert native_project.destroy().calls == ["list_triggers", "delete"]


def test_timeout_beyond_the_own_limit(native_project: Project) -> None:
    """The provider's own limit also holds with a longer timeout, and the error names both."""
    native_project.webhook(opts=options("create", "1h30m"))
    native_project.sandbox.inject("rate_limited", operation="create", retry_after="300")
    failed = native_project.fails(native_project.up)
    assert failed.calls == ["create"]
    assert "with a custom timeout of 5400 s and the provider's own limit of 120 s" in failed.text


def test_test_of_a_webhook_ends_with_its_timeout(native_project: Project) -> None:
    """A test is repeated for no longer than its custom timeout."""
    webhook = create_unmanaged(native_project.sandbox, target_url="http://127.0.0.1:9/")
    native_project.program(f"""
        truto.WebhookTest("test", webhook_id={webhook["id"]!r}, retry_for_seconds=3600, opts={options("create", "2s")})
    """)
    failed = native_project.fails(native_project.up)
    assert "did not accept the test event" in failed.text
    assert "with a custom timeout of 2 s" in failed.text
    assert "the receiver gave no response" in failed.text


def test_timeout_that_leaves_no_time(sandbox: Sandbox) -> None:
    """With hardly any time nothing is sent, and the error blames the timeout, not the network."""
    harness = ManagerHarness(sandbox)
    with deadline_in(custom_seconds=1e-9), pytest.raises(ConnectError) as error_info:
        harness.create()
    assert "no time was left" in str(error_info.value)
    assert "Raise `customTimeouts`" in str(error_info.value)
    assert "network" not in str(error_info.value)
    assert not sandbox.calls


def test_timeout_is_of_one_operation(sandbox: Sandbox) -> None:
    """A timeout ends with its operation: the next one on the same thread has its own time."""
    harness = ManagerHarness(sandbox)
    sandbox.inject("rate_limited", operation="create", retry_after="2")
    with deadline_in(custom_seconds=0.5), pytest.raises(Exception, match=r"custom timeout of 0\.5 s"):
        harness.create()
    sandbox.inject("rate_limited", operation="create", retry_after="2")
    harness.create()
    assert [call.operation for call in sandbox.calls] == ["create"] * 3 + ["update"]
