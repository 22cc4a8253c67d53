"""Incomplete or wrong responses never lose a secret, show a secret or damage the state."""

from __future__ import annotations

import pytest

from pulumi_truto.errors import InvalidResponseError, TrutoError, UpdateFailedError
from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import INPUTS, OTHER_INPUTS, ManagerHarness


@pytest.mark.parametrize(
    "fields",
    [
        ["secret"],
        ["event_types"],
        ["environment_id"],
        ["created_at", "updated_at"],
        ["secret", "environment_id", "created_at", "updated_at", "event_types"],
    ],
)
def test_missing_fields_do_not_clear_the_state(sandbox: Sandbox, fields: list[str]) -> None:
    """If later responses omit the secret or other fields, the state keeps their values."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create({**INPUTS, "event_types": []})
    sandbox.inject("missing_fields", "read", times=0, fields=fields)
    sandbox.inject("missing_fields", "update", times=0, fields=fields)
    present_state = harness.manager.read(id_, state)
    assert present_state == state
    updated = harness.manager.update(id_, present_state, {**INPUTS, "event_types": [], "is_active": False})
    assert updated["secret"] == sandbox.backend.webhooks()[0].secret
    for name in ("environment_id", "created_at"):
        assert updated[name] == state[name]
    assert harness.warnings == []


@pytest.mark.parametrize("operation", ["read", "update"])
@pytest.mark.parametrize("secret", ["another-secret", None])
def test_response_does_not_replace_the_secret(sandbox: Sandbox, operation: str, secret: str | None) -> None:
    """A later response with another secret or a null secret does not replace the secret that signs deliveries."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    inputs = {**INPUTS, "is_active": False}
    sandbox.inject("response", operation, body={"id": id_, **inputs, "secret": secret})
    new_state = harness.manager.read(id_, state) if operation == "read" else harness.manager.update(id_, state, inputs)
    assert new_state is not None
    assert new_state["secret"] == state["secret"] == sandbox.backend.webhooks()[0].secret


@pytest.mark.parametrize("fault", ["wrong_types", "other_id", "not_json"])
def test_invalid_response_is_an_error(sandbox: Sandbox, fault: str) -> None:
    """An invalid response fails a refresh or an update, and no state is returned."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.inject(fault, times=0)
    with pytest.raises(InvalidResponseError):
        harness.manager.read(id_, state)
    with pytest.raises(UpdateFailedError, match="not known whether the update took effect"):
        harness.manager.update(id_, state, OTHER_INPUTS)


def test_error_message_does_not_show_the_secret(sandbox: Sandbox) -> None:
    """If Truto's error message contains the webhook's secret, the shown error does not."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    for name, operation in harness.operations().items():
        sandbox.inject("status", name, status=400, message=f"bad signature of {state['secret']}")
        with pytest.raises(TrutoError, match=r"bad signature of \[secret\]") as error_info:
            operation(id_, state)
        assert state["secret"] not in str(error_info.value)
