"""An update sends only what changed, and a failed update can be retried."""

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
def test_update_sends_only_what_changed(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """An update sends one request with the changed properties and returns what Truto then has."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    updated = harness.manager.update(id_, state, {**INPUTS, **changes})
    assert request_bodies(sandbox, "update") == [changes]
    assert sandbox.count() == 2
    assert {name: updated[name] for name in INPUTS} == {**INPUTS, **changes}
    assert harness.manager.read(id_, updated) == updated


def test_update_keeps_drift_in_other_properties(sandbox: Sandbox) -> None:
    """An update of one property does not revert what was changed outside Pulumi in another one."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.edit(id_, {"event_types": ["record:updated"]})
    updated = harness.manager.update(id_, state, {**INPUTS, "is_active": False})
    assert updated["event_types"] == ["record:updated"]
    assert sandbox.backend.webhooks()[0].event_types == ["record:updated"]


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"target_url": "HTTPS://Hooks.Example.com:443/truto"},
        {"event_types": ["record:created", "record:created"]},
    ],
)
def test_update_without_changes_sends_nothing(sandbox: Sandbox, same: dict[str, Any]) -> None:
    """An update to equal values sends no request and keeps the state."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    before = dict(state)
    assert harness.manager.update(id_, state, {**INPUTS, **same}) == before
    assert request_bodies(sandbox, "update") == []
    assert sandbox.count() == 1


def test_methods_do_not_modify_the_given_state(sandbox: Sandbox) -> None:
    """No method modifies the state that it is given, so the engine keeps the old state after a failure."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    before = dict(state)
    harness.manager.update(id_, state, OTHER_INPUTS)
    harness.manager.read(id_, state)
    harness.manager.delete(id_, state)
    assert state == before


def test_failed_update_can_be_retried(sandbox: Sandbox) -> None:
    """If the response to an update is lost, the next run sends the update again, and the state is right."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.inject("empty", "update", times=0, processed=True)
    with pytest.raises(UpdateFailedError, match="Truto did apply the update") as caught:
        harness.manager.update(id_, state, OTHER_INPUTS)
    assert caught.value.state is not None
    assert {name: caught.value.state[name] for name in INPUTS} == OTHER_INPUTS
    sandbox.faults.clear()
    updated = harness.manager.update(id_, state, OTHER_INPUTS)
    assert {name: updated[name] for name in INPUTS} == OTHER_INPUTS
    assert updated["secret"] == state["secret"] == sandbox.backend.webhooks()[0].secret
