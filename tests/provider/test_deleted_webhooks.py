"""Deletes, and webhooks that were deleted outside Pulumi: when a 404 means "deleted"."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.errors import NotFoundError, TrutoError, UnconfirmedDeletionError
from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import INPUTS, OTHER_INPUTS, ManagerHarness, webhook_ids

# A 404 that means "deleted" --------------------------------------------------------------------------------


def test_delete_sends_one_request(sandbox: Sandbox) -> None:
    """A delete sends one request, after one for the cron triggers, and deletes exactly one webhook."""
    harness = ManagerHarness(sandbox)
    kept_id, _ = harness.manager.create(INPUTS)
    id_, state = harness.manager.create(INPUTS)
    harness.manager.delete(id_, state)
    assert webhook_ids(sandbox) == [kept_id]
    assert sandbox.count("delete") == 1
    assert sandbox.count("list_triggers") == 1
    assert sandbox.count() == 6


@pytest.mark.parametrize("others", [0, 1, 5])
def test_deleting_a_missing_webhook_succeeds(sandbox: Sandbox, others: int) -> None:
    """Deleting a webhook that was deleted outside Pulumi succeeds and deletes no other webhook."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    for _ in range(others):
        harness.manager.create(INPUTS)
    sandbox.backend.remove(id_)
    harness.manager.delete(id_, state)
    assert len(webhook_ids(sandbox)) == others


@pytest.mark.parametrize("others", [0, 1, 5])
def test_read_of_a_deleted_webhook_returns_none_with_a_warning(sandbox: Sandbox, others: int) -> None:
    """A refresh removes a deleted webhook from the state, with or without other webhooks, and a warning says so."""
    sandbox.backend.change_settings({"page_maximum": 2})
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    for _ in range(others):
        harness.manager.create(INPUTS)
    sandbox.backend.remove(id_)
    assert harness.manager.read(id_, state) is None
    assert len(webhook_ids(sandbox)) == others
    (warning,) = harness.warnings
    assert id_ in warning
    assert "a new id and a new secret" in warning


def test_update_of_a_deleted_webhook_names_the_next_command(sandbox: Sandbox) -> None:
    """An update of a deleted webhook fails, and the error names the command that creates it again."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.remove(id_)
    with pytest.raises(NotFoundError, match=r"`pulumi up --refresh`") as error_info:
        harness.manager.update(id_, state, OTHER_INPUTS)
    assert id_ in str(error_info.value)
    assert len(str(error_info.value).splitlines()) == 1
    assert webhook_ids(sandbox) == []


def test_same_token_confirms_deletion_of_the_last_webhook(sandbox: Sandbox) -> None:
    """In the next run, the token that created the last webhook confirms that a 404 means "deleted"."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    sandbox.backend.remove(id_)
    next_run = ManagerHarness(sandbox)
    assert next_run.manager.read(id_, state) is None
    next_run.manager.delete(id_, state)
    with pytest.raises(NotFoundError, match="was deleted outside Pulumi"):
        next_run.manager.update(id_, state, OTHER_INPUTS)


def test_state_without_a_fingerprint_needs_another_webhook(sandbox: Sandbox) -> None:
    """A read adds the fingerprint to an old state. Without one, only another webhook confirms a deletion."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    other_id, _ = harness.manager.create(INPUTS)
    old_state = {name: value for name, value in state.items() if name != "__fingerprint"}
    assert harness.manager.read(id_, old_state) == state
    sandbox.backend.remove(id_)
    assert ManagerHarness(sandbox).manager.read(id_, old_state) is None
    sandbox.backend.remove(other_id)
    with pytest.raises(UnconfirmedDeletionError):
        ManagerHarness(sandbox).manager.read(id_, old_state)


def test_deletion_during_the_run_is_noticed(sandbox: Sandbox) -> None:
    """A webhook that is deleted outside Pulumi during the run counts as deleted, even if the run has read it before."""
    harness = ManagerHarness(sandbox)
    created = [harness.manager.create(INPUTS) for _ in range(3)]
    for id_, state in created:
        assert harness.manager.read(id_, state) == state
    for id_, _ in created:
        sandbox.backend.remove(id_)
    first, second, third = created
    assert harness.manager.read(*first) in (None, first[1])  # a read may use the list that was fetched a moment ago
    with pytest.raises(NotFoundError, match=r"`pulumi up --refresh`"):
        harness.manager.update(*second, OTHER_INPUTS)
    harness.manager.delete(*third)


# A 404 that proves nothing ---------------------------------------------------------------------------------


def test_404_for_a_listed_webhook_is_an_error(sandbox: Sandbox) -> None:
    """If Truto returns 404 for a webhook but still lists it, every operation fails and the state keeps it."""
    harness = ManagerHarness(sandbox)
    id_, state = harness.manager.create(INPUTS)
    for name, operation in harness.operations().items():
        sandbox.inject("status", name, status=404)
        with pytest.raises(NotFoundError, match="but still lists it"):
            operation(id_, state)
    assert harness.manager.read(id_, state) == state


@pytest.mark.parametrize("fault", ["empty", "not_json", "reset", "wrong_types"])
def test_404_without_a_readable_list_is_an_error(sandbox: Sandbox, fault: str) -> None:
    """If the list that would confirm a deletion fails, every operation fails and the webhook stays in the state."""
    harness = ManagerHarness(sandbox, total_seconds=1)
    id_, state = harness.manager.create(INPUTS)
    sandbox.backend.remove(id_)
    sandbox.inject(fault, "list", times=0)
    for operation in harness.operations().values():
        with pytest.raises(TrutoError):
            operation(id_, state)


@pytest.mark.parametrize("fault", [{"kind": "empty", "status": 200}, {"kind": "reset"}])
def test_own_delete_confirms_the_deletion(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    """With a rotated token, a 404 after our own delete of the last webhook says that it was deleted."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    token = sandbox.backend.add_token(sandbox.environment_id)
    sandbox.inject(operation="delete", processed=True, **fault)
    ManagerHarness(sandbox, token).manager.delete(id_, state)
    assert sandbox.backend.webhooks() == []


def test_failed_delete_confirms_no_deletion(sandbox: Sandbox) -> None:
    """With the token of an empty environment, a 503 and then a 404 do not say that the webhook was deleted."""
    id_, state = ManagerHarness(sandbox).manager.create(INPUTS)
    sandbox.inject("status", "delete")
    with pytest.raises(UnconfirmedDeletionError):
        ManagerHarness(sandbox, sandbox.add_environment("empty").token).manager.delete(id_, state)
    assert [webhook.id for webhook in sandbox.backend.webhooks()] == [id_]
