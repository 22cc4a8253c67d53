"""A wrong token changes and removes nothing; a rotated token changes nothing either."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.errors import AuthenticationError, UnconfirmedDeletionError, WrongEnvironmentError
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.webhook_manager import INPUTS, OTHER_INPUTS, ManagerHarness, webhook_ids

# Wrong tokens ----------------------------------------------------------------------------------------------


def test_token_of_an_empty_environment_confirms_no_deletion(sandbox: Sandbox) -> None:
    """With a token of an empty environment, every operation fails, and the error names both possible fixes."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    harness = ManagerHarness(sandbox, sandbox.add_environment("empty").token)
    for operation in harness.operations().values():
        with pytest.raises(UnconfirmedDeletionError) as error_info:
            operation(id_, state)
        message = str(error_info.value)
        assert id_ in message
        assert sandbox.environment_id in message
        assert "Use a token of that environment" in message
        assert "pulumi state delete <urn>" in message
        assert len(message.splitlines()) == 1
    assert webhook_ids(sandbox) == [id_]


def test_token_of_another_environment_is_an_error(sandbox: Sandbox) -> None:
    """With a token of another environment, every operation fails, and the error names both environments."""
    other = sandbox.add_environment("other")
    sandbox.backend.create(other.id, INPUTS)
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    old_webhooks = sandbox.backend.webhooks()
    for operation in ManagerHarness(sandbox, other.token).operations().values():
        with pytest.raises(WrongEnvironmentError) as error_info:
            operation(id_, state)
        message = str(error_info.value)
        assert sandbox.environment_id in message
        assert other.id in message
        assert id_ in message
        assert "nothing was changed" in message
        assert len(message.splitlines()) == 1
    assert sandbox.backend.webhooks() == old_webhooks


def test_revoked_token_is_an_error(sandbox: Sandbox) -> None:
    """With a revoked token, every operation fails, and the error says where the token comes from."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.revoke_token(sandbox.token)
    old_webhooks = sandbox.backend.webhooks()
    with pytest.raises(AuthenticationError, match=r"^cannot create the webhook"):
        harness.manager.create(INPUTS)
    for name, operation in harness.operations().items():
        with pytest.raises(AuthenticationError, match=f"^cannot {name} webhook") as error_info:
            operation(id_, state)
        assert "comes from the environment variable TRUTO_API_TOKEN" in str(error_info.value)
        assert sandbox.token not in str(error_info.value)
    assert sandbox.backend.webhooks() == old_webhooks
    assert [call.operation for call in sandbox.calls] == [
        "create",
        "update",
        "create",
        "read",
        "update",
        "list_triggers",
        "delete",
    ]


def test_token_revoked_after_a_404_confirms_no_deletion(sandbox: Sandbox) -> None:
    """If the token is revoked between a 404 and the list that would confirm the deletion, every operation fails."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.remove(id_)
    sandbox.inject("status", "list", times=0, status=401)
    for operation in harness.operations().values():
        with pytest.raises(AuthenticationError):
            operation(id_, state)


# Rotated tokens --------------------------------------------------------------------------------------------


def test_another_token_of_the_environment_works(sandbox: Sandbox) -> None:
    """A new token of the same environment updates, reads and deletes the webhooks of the revoked one."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    new_token = sandbox.backend.add_token(sandbox.environment_id)
    sandbox.backend.revoke_token(sandbox.token)
    harness = ManagerHarness(sandbox, new_token)
    state = harness.manager.update(id_, state, OTHER_INPUTS)
    assert harness.manager.read(id_, state) == state
    harness.manager.delete(id_, state)
    assert webhook_ids(sandbox) == []


def test_rotated_token_is_no_drift(sandbox: Sandbox) -> None:
    """A read with a rotated token keeps the old fingerprint; an update writes the new one."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    rotated = ManagerHarness(sandbox, sandbox.backend.add_token(sandbox.environment_id))
    assert rotated.manager.read(id_, state) == state
    updated = rotated.manager.update(id_, state, OTHER_INPUTS)
    assert updated["__fingerprint"] != state["__fingerprint"]
    other_fingerprint: Any = {**state, "__fingerprint": "00000000"}
    assert WEBHOOK.changes(other_fingerprint, INPUTS) == {}


def test_fingerprints_differ_between_webhooks(sandbox: Sandbox) -> None:
    """Webhooks with the same token have different fingerprints, so a state does not show which tokens are equal."""
    harness = ManagerHarness(sandbox)
    fingerprints = {harness.manager.create(INPUTS)[1]["__fingerprint"] for _ in range(3)}
    assert len(fingerprints) == 3
    assert sandbox.token not in fingerprints
