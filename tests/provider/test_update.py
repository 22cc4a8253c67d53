"""An update sends only changes, and a failed update can be retried."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.errors import UpdateFailedError
from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import INPUTS, OTHER_INPUTS, ManagerHarness, request_bodies


@pytest.mark.parametrize(
    "changes",
    [
        {"target_url": "https://hooks.example.com/other"},
        {"event_types": ["record:*", "record:created"]},
        {"event_types": []},
        {"is_active": False},
        OTHER_INPUTS,
    ],
)
def test_update_sends_what_changed_and_the_event_types(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """An update sends one request, always with the event types, and returns Truto's new state."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.reset_calls()
    updated = harness.manager.update(id_, state, {**INPUTS, **changes})
    assert request_bodies(sandbox, "update") == [{"event_types": INPUTS["event_types"], **changes}]
    assert sandbox.count() == 1
    assert {name: updated[name] for name in INPUTS} == {**INPUTS, **changes}
    assert harness.manager.read(id_, updated) == updated


@pytest.mark.parametrize("drift", [{"is_active": False}, {"target_url": "https://hooks.example.com/drift"}])
def test_update_does_not_touch_drift_in_other_properties(sandbox: Sandbox, drift: dict[str, Any]) -> None:
    """An update leaves a change outside Pulumi in another property: neither Truto nor the state changes."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.edit(id_, drift)
    updated = harness.manager.update(id_, state, {**INPUTS, "event_types": []})
    assert {name: updated[name] for name in drift} == {name: INPUTS[name] for name in drift}
    [webhook] = sandbox.backend.webhooks()
    assert {name: getattr(webhook, name) for name in drift} == drift
    assert harness.warnings == []
    refreshed = harness.manager.read(id_, updated)
    assert {name: refreshed[name] for name in drift} == drift


@pytest.mark.parametrize("omitted_event_types", ["keep", "all"])
def test_event_types_survive_an_update_of_another_property(omitted_event_types: str) -> None:
    """Whatever Truto makes of a PATCH without event types, an update of another property keeps them."""
    with Sandbox(omitted_event_types=omitted_event_types) as sandbox:
        harness = ManagerHarness(sandbox)
        id_, state = harness.manager.create(INPUTS)
        harness.manager.update(id_, state, {**INPUTS, "target_url": "https://hooks.example.com/other"})
        assert sandbox.backend.webhooks()[0].event_types == INPUTS["event_types"]


def test_update_keeps_ignored_event_types_of_truto(sandbox: Sandbox) -> None:
    """If the program ignores changes of the event types, an update sends those that Truto has."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.edit(id_, {"event_types": ["record:updated"]})
    updated = harness.manager.update(id_, state, {**INPUTS, "is_active": False}, ignored=["event_types"])
    assert sandbox.backend.webhooks()[0].event_types == ["record:updated"]
    assert updated["event_types"] == INPUTS["event_types"]  # or the next update would send those


def test_response_with_other_values_than_sent_is_called_that(sandbox: Sandbox) -> None:
    """A response that differs from the request is not called a change outside Pulumi."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.inject("response", "update", body={"id": id_, **INPUTS})
    harness.manager.update(id_, state, {**INPUTS, "target_url": "https://hooks.example.com/other"})
    [warning] = harness.warnings
    assert "has other values than were sent, in target_url" in warning
    assert "outside Pulumi" not in warning


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target_url": "HTTPS://Hooks.Example.com:443/truto"},
        {"event_types": ["record:created", "record:created"]},
    ],
)
def test_update_without_changes_sends_nothing(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """An update to equal values sends no request and keeps the state."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.reset_calls()
    old_state = dict(state)
    assert harness.manager.update(id_, state, {**INPUTS, **changes}) == old_state
    assert sandbox.count() == 0


def test_methods_do_not_modify_the_given_state(sandbox: Sandbox) -> None:
    """No method modifies the state that it is given, so the engine keeps the old state after a failure."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    old_state = dict(state)
    harness.manager.update(id_, state, OTHER_INPUTS)
    harness.manager.read(id_, state)
    harness.manager.delete(id_, state)
    assert state == old_state


def test_failed_update_can_be_retried(sandbox: Sandbox) -> None:
    """If the response to an update is lost, the next run sends the update again, and the state is right."""
    harness = ManagerHarness(sandbox, total_seconds=1)
    id_, state = harness.manager.create(INPUTS)
    sandbox.inject("empty", "update", times=0, processed=True)
    with pytest.raises(UpdateFailedError, match="not known whether the update took effect"):
        harness.manager.update(id_, state, OTHER_INPUTS)
    sandbox.faults.clear()
    updated = harness.manager.update(id_, state, OTHER_INPUTS)
    assert {name: updated[name] for name in INPUTS} == OTHER_INPUTS
    assert updated["secret"] == state["secret"] == sandbox.backend.webhooks()[0].secret
