"""Creates: whatever goes wrong, orphans are switched off, and nothing of anybody else is touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_truto.errors import (
    AmbiguousCreateError,
    AuthenticationError,
    NotSwitchedOnError,
    PermissionDeniedError,
    TrutoError,
    WrongEnvironmentError,
)
from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import ALL_FAULTS, INPUTS, ManagerHarness, request_bodies, webhooks_by_id


@pytest.fixture
def harness(sandbox: Sandbox) -> ManagerHarness:
    """A manager on the sandbox, which has a webhook of somebody else that equals the one to create."""
    sandbox.backend.create(sandbox.environment_id, dict(INPUTS))
    return ManagerHarness(sandbox, backoff_seconds=0.001)


def strangers(sandbox: Sandbox) -> list[str]:
    """The webhooks that were there before the test, whole."""
    return [repr(webhook) for webhook in [*sandbox.backend.webhooks()][:1]]


def active_ids(sandbox: Sandbox) -> list[str]:
    """The ids of the webhooks that deliver, without the stranger's."""
    return [webhook.id for webhook in [*sandbox.backend.webhooks()][1:] if webhook.is_active]


@pytest.mark.parametrize("is_active", [True, False])
def test_create_is_switched_off_and_then_on(harness: ManagerHarness, sandbox: Sandbox, is_active: bool) -> None:
    """The POST always switches the webhook off; one PATCH switches it on, and an inactive webhook needs none."""
    id_, secret = harness.create(is_active=is_active)
    created = webhooks_by_id(sandbox)[id_]
    assert (created.is_active, created.secret, created.event_types) == (is_active, secret, INPUTS["event_types"])
    assert request_bodies(sandbox, "create") == [{**INPUTS, "is_active": False}]
    switch_on = {"is_active": True, "event_types": INPUTS["event_types"]}
    assert request_bodies(sandbox, "update") == ([switch_on] if is_active else [])
    assert harness.warnings == []


@pytest.mark.parametrize("omitted_event_types", ["keep", "all"])
@pytest.mark.parametrize("event_types", [[], ["record:created"]])
def test_event_types_survive_the_switch(omitted_event_types: str, event_types: list[str]) -> None:
    """Whatever Truto makes of a PATCH without event types, the webhook has the declared ones."""
    with Sandbox(omitted_event_types=omitted_event_types) as sandbox:
        id_, _ = ManagerHarness(sandbox).create(event_types=event_types)
        assert webhooks_by_id(sandbox)[id_].event_types == event_types


@pytest.mark.parametrize(("fault", "processed"), ALL_FAULTS)
def test_lost_attempt_leaves_nothing_that_delivers(
    harness: ManagerHarness, sandbox: Sandbox, fault: dict[str, Any], processed: bool
) -> None:
    """After one attempt with an unknown outcome one webhook is active, and a warning names the command to run."""
    unrelated = strangers(sandbox)
    sandbox.inject(operation="create", **fault)
    id_, secret = harness.create()
    assert active_ids(sandbox) == [id_]
    assert webhooks_by_id(sandbox)[id_].secret == secret
    assert len(sandbox.backend.webhooks()) == (3 if processed else 2)
    assert strangers(sandbox) == unrelated
    assert sandbox.count("delete") == sandbox.count("list") == 0
    [warning] = harness.warnings
    assert "1 attempt had an unknown outcome" in warning
    assert "switched off" in warning
    assert "`pulumi-truto orphans` finds it" in warning


@pytest.mark.parametrize(("fault", "processed"), ALL_FAULTS)
def test_create_without_any_usable_response_fails(
    harness: ManagerHarness, sandbox: Sandbox, fault: dict[str, Any], processed: bool
) -> None:
    """If no attempt succeeds, at most five webhooks are left behind, all switched off, and the error says so."""
    unrelated = strangers(sandbox)
    sandbox.inject(operation="create", times=0, **{**fault, "seconds": 0.1})
    with pytest.raises(AmbiguousCreateError) as error_info:
        harness.create()
    message = str(error_info.value)
    assert "5 attempts had an unknown outcome" in message
    assert "up to 5 webhooks behind, switched off: `pulumi-truto orphans` finds them" in message
    orphans = [*sandbox.backend.webhooks()][1:]
    assert len(orphans) == (5 if processed else 0)
    assert not any(webhook.is_active for webhook in orphans)
    assert strangers(sandbox) == unrelated
    if fault.get("fields") == ["secret"]:
        assert all(webhook.id in message for webhook in orphans)
    assert not any(webhook.secret in message for webhook in orphans)


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (403, PermissionDeniedError)])
def test_refused_create_is_not_retried(
    harness: ManagerHarness, sandbox: Sandbox, status: int, kind: type[TrutoError]
) -> None:
    """A create that Truto refuses is sent once, and leaves nothing behind."""
    sandbox.inject("status", "create", status=status)
    with pytest.raises(kind):
        harness.create()
    assert sandbox.count() == 1
    assert len(sandbox.backend.webhooks()) == 1


def test_response_about_a_webhook_that_the_process_has_is_not_the_new_one(
    harness: ManagerHarness, sandbox: Sandbox
) -> None:
    """A proxy that repeats an old response does not give two resources the same webhook."""
    first_id, secret = harness.create()
    repeated = {"id": first_id, **INPUTS, "is_active": False, "secret": secret}
    sandbox.inject("response", "create", body=repeated)
    second_id, _ = harness.create()
    assert second_id != first_id
    assert "1 attempt had an unknown outcome" in harness.warnings_text


def test_equal_webhooks_in_parallel_are_all_created(harness: ManagerHarness, sandbox: Sandbox) -> None:
    """Equal creates at the same time, some with lost responses, each get a separate webhook."""
    sandbox.inject("reset", "create", times=3, processed=True)
    with ThreadPoolExecutor(8) as pool:
        created = dict(pool.map(lambda _: harness.create(), range(8)))
    assert sorted(active_ids(sandbox)) == sorted(created)
    assert {id_: webhooks_by_id(sandbox)[id_].secret for id_ in created} == created


def test_two_provider_instances_do_not_touch_each_other(harness: ManagerHarness, sandbox: Sandbox) -> None:
    """A lost attempt in one provider instance never deletes the equal webhook of another one."""
    other_id, _ = ManagerHarness(sandbox).create()
    sandbox.inject("reset", "create")
    id_, _ = harness.create()
    assert sorted(active_ids(sandbox)) == sorted([other_id, id_])


# Switching on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "claim"),
    [
        ({"kind": "status", "status": 403}, "is switched off"),
        ({"kind": "reset", "processed": True}, "may be switched on"),
    ],
)
def test_failed_switch_names_the_webhook(sandbox: Sandbox, fault: dict[str, Any], claim: str) -> None:
    """If the webhook cannot be switched on, the error has its state, names it, and says whether it may be on."""
    harness = ManagerHarness(sandbox, total_seconds=1)
    sandbox.inject(operation="update", times=0, **fault)
    with pytest.raises(NotSwitchedOnError) as error_info:
        harness.create()
    [webhook] = sandbox.backend.webhooks()
    error = error_info.value
    assert error.id == webhook.id
    assert (error.state["secret"], error.state["is_active"]) == (webhook.secret, False)
    assert webhook.id in str(error)
    assert claim in str(error)
    assert "`pulumi-truto orphans` finds it" in str(error)
    assert webhook.secret not in str(error) + error.kept_message


def test_lost_switch_and_a_refused_retry_may_have_switched_it_on(sandbox: Sandbox) -> None:
    """If a lost attempt may have switched the webhook on, the error says so, whatever the last attempt said."""
    sandbox.inject("reset", "update", processed=True)
    sandbox.inject("status", "update", status=403)
    with pytest.raises(NotSwitchedOnError, match="may be switched on"):
        ManagerHarness(sandbox).create()


# The environment -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("can_be_deleted", [True, False])
def test_create_in_another_environment_is_undone(sandbox: Sandbox, can_be_deleted: bool) -> None:
    """A webhook that was created in another environment than the settings name is deleted, and both ids are shown."""
    other = sandbox.add_environment("other")
    harness = ManagerHarness(sandbox, environment_id=other.id)
    if not can_be_deleted:
        sandbox.inject("status", "delete", status=403, times=0)
    with pytest.raises(WrongEnvironmentError) as error_info:
        harness.create()
    assert sandbox.environment_id in str(error_info.value)
    assert other.id in str(error_info.value)
    webhooks = [*sandbox.backend.webhooks()]
    assert [webhook.is_active for webhook in webhooks] == ([] if can_be_deleted else [False])
    assert all(webhook.id in str(error_info.value) for webhook in webhooks)
    assert sandbox.count("update") == 0


@pytest.mark.parametrize("operation", ["read", "update", "delete"])
@pytest.mark.parametrize("is_known", [True, False])
def test_webhook_of_another_environment_is_not_touched(sandbox: Sandbox, operation: str, is_known: bool) -> None:
    """No operation changes a webhook of another environment than the settings name, even if the state has none."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    old_webhooks = webhooks_by_id(sandbox)
    if not is_known:
        state = {**state, "environment_id": None}
    other = sandbox.add_environment("other")
    harness = ManagerHarness(sandbox, environment_id=other.id)
    with pytest.raises(WrongEnvironmentError, match=other.id):
        harness.operations()[operation](id_, state)
    assert webhooks_by_id(sandbox) == old_webhooks
