"""A refresh shows Truto's values, and the next update restores the declared values."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.project import create_unmanaged
from tests.support.webhook_manager import INPUTS, ManagerHarness, request_bodies, secrets_by_id


def test_read_without_drift_returns_the_same_state(sandbox: Sandbox) -> None:
    """A refresh of an unchanged webhook leaves the state unchanged and sends one request."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.reset_calls()
    assert harness.manager.read(id_, state) == state
    assert harness.warnings == []
    assert sandbox.count() == 1


@pytest.mark.parametrize("drift", [{"is_active": False}, {"target_url": "https://x.example"}, {"event_types": []}])
def test_read_shows_drift_and_update_restores_the_inputs(sandbox: Sandbox, drift: dict[str, Any]) -> None:
    """A refresh shows changes outside Pulumi, and the next update restores exactly those properties."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.edit(id_, drift)
    drifted_state = harness.manager.read(id_, state)
    assert drifted_state is not None
    assert {name: drifted_state[name] for name in INPUTS} == {**INPUTS, **drift}
    assert drifted_state["secret"] == state["secret"]
    sandbox.reset_calls()
    restored_state = harness.manager.update(id_, drifted_state, INPUTS)
    assert request_bodies(sandbox, "update") == [
        {"event_types": INPUTS["event_types"], **{name: INPUTS[name] for name in drift}}
    ]
    assert {name: restored_state[name] for name in INPUTS} == INPUTS


def test_import_warns_about_the_unknown_secret(sandbox: Sandbox) -> None:
    """An imported webhook has no known secret: the output is null, and a warning says so without showing the secret."""
    id_ = create_unmanaged(sandbox, **INPUTS)["id"]
    harness = ManagerHarness(sandbox)
    state = harness.manager.read(id_, {})
    assert state is not None
    assert state["secret"] is None
    assert {name: state[name] for name in INPUTS} == INPUTS
    (warning,) = harness.warnings
    assert id_ in warning
    assert "secret" in warning
    assert secrets_by_id(sandbox)[id_] not in warning


def test_url_that_truto_spells_differently_is_no_change(sandbox: Sandbox) -> None:
    """If Truto spells the URL differently, the state keeps the declared spelling, so there is no permanent diff."""
    harness = ManagerHarness(sandbox)
    inputs: Any = {**INPUTS, "target_url": "https://Hooks.Example.com"}
    id_, state = harness.manager.create(inputs)
    sandbox.backend.edit(id_, {"target_url": "https://hooks.example.com/"})
    present_state = harness.manager.read(id_, state)
    assert present_state is not None
    assert present_state["target_url"] == "https://Hooks.Example.com"
    assert WEBHOOK.changes(present_state, inputs) == {}
