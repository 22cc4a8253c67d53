"""The life of a webhook after its creation: what gone means, whose webhook it is, and what is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import (
    AuthenticationError,
    InvalidResponseError,
    NotFoundError,
    TrutoError,
    UnconfirmedDeletionError,
    UpdateFailedError,
    WrongEnvironmentError,
)
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.diff import build_patch
from pulumi_truto.webhook.manager import WebhookManager

LIMITS = RequestPolicy(connect_seconds=5, read_seconds=10, total_seconds=20, max_attempts=3, backoff_seconds=0.01)
#: Canonical inputs, as `check` makes them.
INPUTS: Any = {"target_url": "https://hooks.example.com/truto", "event_types": ["record:created"], "is_active": True}
#: An update of everything, canonical too.
OTHER: Any = {"target_url": "https://hooks.example.com/other", "event_types": ["record:deleted"], "is_active": False}


class Life:
    """Webhooks of one token of a sandbox, with the warnings that the user saw."""

    def __init__(self, sandbox: Sandbox, token: str | None = None) -> None:
        self.warnings: list[str] = []
        settings = Settings(api_token=token or sandbox.token, base_url=sandbox.base_url)
        self.webhooks: Any = WebhookManager(TrutoClient(settings, LIMITS), self.warnings.append)

    def calls(self) -> list[tuple[str, Callable[[str, dict[str, Any]], object]]]:
        """The three calls about a webhook that exists, each with the word for it."""
        return [
            ("read", self.webhooks.read),
            ("update", lambda id_, state: self.webhooks.update(id_, state, OTHER)),
            ("delete", self.webhooks.delete),
        ]


def bodies(sandbox: Sandbox, operation: str) -> list[Any]:
    """What was sent for an operation."""
    return [call.body for call in sandbox.calls if call.operation == operation]


# Create and read -------------------------------------------------------------------------------------------


def test_create(sandbox: Sandbox) -> None:
    """A new webhook's state is what Truto has, its secret included; one request made it."""
    id_, state = Life(sandbox).webhooks.create(INPUTS)
    (made,) = sandbox.backend.webhooks()
    assert id_ == made.id
    assert state == {
        **INPUTS,
        "secret": made.secret,
        "environment_id": sandbox.environment_id,
        "created_at": sandbox.backend.timestamp(made.created_at),
        "updated_at": sandbox.backend.timestamp(made.updated_at),
        "__fingerprint": state["__fingerprint"],
    }
    assert re.fullmatch("[0-9a-f]{8}", state["__fingerprint"])
    assert bodies(sandbox, "create") == [INPUTS]
    assert sandbox.count() == 1


def test_create_for_every_event(sandbox: Sandbox) -> None:
    """A webhook for every event is asked for without event types."""
    _, state = Life(sandbox).webhooks.create({**INPUTS, "event_types": []})
    assert bodies(sandbox, "create") == [{"target_url": INPUTS["target_url"], "is_active": True}]
    assert state["event_types"] == []


def test_read_without_drift(sandbox: Sandbox) -> None:
    """A refresh of a webhook that nobody touched changes nothing in the state."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    assert life.webhooks.read(id_, state) == state
    assert life.warnings == []
    assert sandbox.count() == 2


@pytest.mark.parametrize("drift", [{"is_active": False}, {"target_url": "https://x.example"}, {"event_types": []}])
def test_read_with_drift(sandbox: Sandbox, drift: dict[str, Any]) -> None:
    """A refresh shows what was changed in Truto, and the next update puts it back."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.edit(id_, drift)
    fresh = life.webhooks.read(id_, state)
    assert fresh is not None
    assert {name: fresh[name] for name in INPUTS} == {**INPUTS, **drift}
    assert fresh["secret"] == state["secret"]
    healed = life.webhooks.update(id_, fresh, INPUTS)
    assert bodies(sandbox, "update") == [{name: INPUTS[name] for name in drift}]
    assert {name: healed[name] for name in INPUTS} == INPUTS


def test_read_of_a_webhook_that_was_made_elsewhere(sandbox: Sandbox) -> None:
    """A webhook that was not made here has no known secret: that is said, with what can be done."""
    made = sandbox.backend.create(sandbox.environment_id, dict(INPUTS))
    life = Life(sandbox)
    state = life.webhooks.read(made["id"], {})
    assert state is not None
    assert state["secret"] is None
    assert {name: state[name] for name in INPUTS} == INPUTS
    (warning,) = life.warnings
    assert made["id"] in warning
    assert "secret" in warning
    assert made["secret"] not in warning


# Gone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [0, 1, 5])
def test_read_of_a_webhook_that_is_gone(sandbox: Sandbox, others: int) -> None:
    """With the right token a 404 means gone: a refresh drops the webhook, whether there are others or not."""
    sandbox.backend.change_settings({"page_maximum": 2})
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    for _ in range(others):
        life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    assert life.webhooks.read(id_, state) is None
    assert len(sandbox.backend.webhooks()) == others
    (warning,) = life.warnings
    assert id_ in warning
    assert "a new id and a new secret" in warning


@pytest.mark.parametrize("others", [0, 1, 5])
def test_delete_of_a_webhook_that_is_gone(sandbox: Sandbox, others: int) -> None:
    """A webhook that is gone is deleted well enough, and nothing else is."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    for _ in range(others):
        life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    life.webhooks.delete(id_, state)
    assert len(sandbox.backend.webhooks()) == others


def test_delete(sandbox: Sandbox) -> None:
    """A delete takes one request and deletes the one webhook."""
    life = Life(sandbox)
    kept, _ = life.webhooks.create(INPUTS)
    id_, state = life.webhooks.create(INPUTS)
    life.webhooks.delete(id_, state)
    assert [webhook.id for webhook in sandbox.backend.webhooks()] == [kept]
    assert sandbox.count("delete") == 1
    assert sandbox.count() == 3


def test_update_of_a_webhook_that_is_gone(sandbox: Sandbox) -> None:
    """An update of a webhook that is gone fails with the command that makes it anew."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    with pytest.raises(NotFoundError, match=r"`pulumi up --refresh`") as caught:
        life.webhooks.update(id_, state, OTHER)
    assert id_ in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert sandbox.backend.webhooks() == []


def test_a_token_of_an_empty_environment(sandbox: Sandbox) -> None:
    """A token of an environment without webhooks deletes and forgets nothing: the error names both ways out."""
    id_, state = Life(sandbox).webhooks.create(INPUTS)
    other = Life(sandbox, sandbox.backend.add_token(sandbox.add_environment("empty").id))
    for _, call in other.calls():
        with pytest.raises(UnconfirmedDeletionError) as caught:
            call(id_, state)
        message = str(caught.value)
        assert id_ in message
        assert sandbox.environment_id in message
        assert "set the right token" in message
        assert "pulumi state delete <urn>" in message
        assert len(message.splitlines()) == 1
    assert [webhook.id for webhook in sandbox.backend.webhooks()] == [id_]


def test_the_last_webhook_of_an_environment(sandbox: Sandbox) -> None:
    """The credential that wrote the webhook proves by itself that a 404 means "deleted", with no other webhook left."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    again = Life(sandbox)  # the next run
    assert again.webhooks.read(id_, state) is None
    again.webhooks.delete(id_, state)
    with pytest.raises(NotFoundError, match="was deleted outside Pulumi"):
        again.webhooks.update(id_, state, OTHER)


def test_a_state_without_a_fingerprint(sandbox: Sandbox) -> None:
    """An old state learns the fingerprint with the first read; until then another webhook confirms a deletion."""
    life = Life(sandbox)
    (id_, state), _ = [life.webhooks.create(INPUTS) for _ in range(2)]
    old = {name: value for name, value in state.items() if name != "__fingerprint"}
    assert life.webhooks.read(id_, old) == state
    sandbox.backend.remove(id_)
    assert Life(sandbox).webhooks.read(id_, old) is None
    for webhook in sandbox.backend.webhooks():
        sandbox.backend.remove(webhook.id)
    with pytest.raises(UnconfirmedDeletionError):
        Life(sandbox).webhooks.read(id_, old)


def test_a_rotated_token_is_no_drift(sandbox: Sandbox) -> None:
    """A read with another token of the environment leaves the fingerprint, and an update writes the new one."""
    id_, state = Life(sandbox).webhooks.create(INPUTS)
    rotated = Life(sandbox, sandbox.backend.add_token(sandbox.environment_id))
    assert rotated.webhooks.read(id_, state) == state
    after = rotated.webhooks.update(id_, state, OTHER)
    assert after["__fingerprint"] != state["__fingerprint"]
    older: Any = {**state, "__fingerprint": "00000000"}
    assert build_patch(older, INPUTS) == {}


def test_fingerprints_tell_nothing(sandbox: Sandbox) -> None:
    """Equal tokens have another fingerprint with each webhook, so that a state does not show which are equal."""
    life = Life(sandbox)
    prints = {life.webhooks.create(INPUTS)[1]["__fingerprint"] for _ in range(3)}
    assert len(prints) == 3
    assert sandbox.token not in prints


def test_a_404_for_a_webhook_that_is_there(sandbox: Sandbox) -> None:
    """A 404 that Truto's own list contradicts is no reason to drop or forget a webhook."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    for word, call in life.calls():
        sandbox.inject("status", word, status=404)
        with pytest.raises(NotFoundError, match="but still lists it"):
            call(id_, state)
    assert life.webhooks.read(id_, state) == state


@pytest.mark.parametrize("fault", ["empty", "not_json", "reset", "wrong_types"])
def test_a_list_that_cannot_be_read_proves_nothing(sandbox: Sandbox, fault: str) -> None:
    """Where it cannot be told whether a webhook is gone, it is not taken for gone."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    sandbox.inject(fault, "list", times=0)
    for _, call in life.calls():
        with pytest.raises(TrutoError):
            call(id_, state)


def test_a_webhook_that_goes_while_the_run_lasts(sandbox: Sandbox) -> None:
    """A webhook that is deleted outside Pulumi during the run is gone, whatever the run has read before."""
    life = Life(sandbox)
    made = [life.webhooks.create(INPUTS) for _ in range(3)]
    for id_, state in made:
        assert life.webhooks.read(id_, state) == state
    for id_, _ in made:
        sandbox.backend.remove(id_)
    first, second, third = made
    assert life.webhooks.read(*first) in (None, first[1])  # what was read a moment ago may count for now
    with pytest.raises(NotFoundError, match=r"`pulumi up --refresh`"):
        life.webhooks.update(*second, OTHER)
    life.webhooks.delete(*third)


# Tokens ----------------------------------------------------------------------------------------------------


def test_a_token_of_another_environment(sandbox: Sandbox) -> None:
    """A token of another environment is told by both environments' ids, and nothing is changed or dropped."""
    other = sandbox.add_environment("other")
    sandbox.backend.create(other.id, dict(INPUTS))
    id_, state = Life(sandbox).webhooks.create(INPUTS)
    before = sandbox.backend.webhooks()
    for _, call in Life(sandbox, other.token).calls():
        with pytest.raises(WrongEnvironmentError) as caught:
            call(id_, state)
        message = str(caught.value)
        assert sandbox.environment_id in message
        assert other.id in message
        assert id_ in message
        assert "Nothing was changed" in message
        assert len(message.splitlines()) == 1
    assert sandbox.backend.webhooks() == before


def test_a_revoked_token(sandbox: Sandbox) -> None:
    """A token that is no longer valid is told as such: no webhook is taken for gone because of it."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.revoke_token(sandbox.token)
    before = sandbox.backend.webhooks()
    with pytest.raises(AuthenticationError, match=r"^cannot create the webhook"):
        life.webhooks.create(INPUTS)
    for word, call in life.calls():
        with pytest.raises(AuthenticationError, match=f"^cannot {word} webhook") as caught:
            call(id_, state)
        assert "comes from the environment variable TRUTO_API_TOKEN" in str(caught.value)
        assert sandbox.token not in str(caught.value)
    assert sandbox.backend.webhooks() == before
    assert [call.operation for call in sandbox.calls] == ["create", "create", "read", "update", "delete"]


def test_a_token_that_is_revoked_between_two_requests(sandbox: Sandbox) -> None:
    """A 404 before and a 401 after prove nothing, so the webhook is not taken for gone."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.remove(id_)
    sandbox.inject("status", "list", times=0, status=401)
    for _, call in life.calls():
        with pytest.raises(AuthenticationError):
            call(id_, state)


def test_another_token_of_the_same_environment(sandbox: Sandbox) -> None:
    """A new token of the same environment goes on where the old one stopped."""
    id_, state = Life(sandbox).webhooks.create(INPUTS)
    token = sandbox.backend.add_token(sandbox.environment_id)
    sandbox.backend.revoke_token(sandbox.token)
    life = Life(sandbox, token)
    state = life.webhooks.update(id_, state, OTHER)
    assert life.webhooks.read(id_, state) == state
    life.webhooks.delete(id_, state)
    assert sandbox.backend.webhooks() == []


# Update ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"target_url": "https://hooks.example.com/other"},
        {"event_types": ["record:*", "record:created"]},
        {"event_types": []},
        {"is_active": False},
        OTHER,
    ],
)
def test_an_update_sends_only_what_changed(sandbox: Sandbox, changed: dict[str, Any]) -> None:
    """An update is one request with what changed, and its state is what Truto then has."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    after = life.webhooks.update(id_, state, {**INPUTS, **changed})
    assert bodies(sandbox, "update") == [changed]
    assert sandbox.count() == 2
    assert {name: after[name] for name in INPUTS} == {**INPUTS, **changed}
    assert life.webhooks.read(id_, after) == after


def test_an_update_leaves_what_others_changed(sandbox: Sandbox) -> None:
    """An update of one property does not undo what was changed in Truto at another."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.backend.edit(id_, {"event_types": ["record:updated"]})
    after = life.webhooks.update(id_, state, {**INPUTS, "is_active": False})
    assert after["event_types"] == ["record:updated"]
    assert sandbox.backend.webhooks()[0].event_types == ["record:updated"]


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"target_url": "HTTPS://Hooks.Example.com:443/truto"},
        {"event_types": ["record:created", "record:created"]},
    ],
)
def test_nothing_is_sent_when_nothing_changed(sandbox: Sandbox, same: dict[str, Any]) -> None:
    """An update without a change sends nothing at all and keeps the state."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    before = dict(state)
    assert life.webhooks.update(id_, state, {**INPUTS, **same}) == before
    assert bodies(sandbox, "update") == []
    assert sandbox.count() == 1


def test_no_method_changes_the_state_it_is_given(sandbox: Sandbox) -> None:
    """A failed step leaves the state of the step before as it was."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    before = dict(state)
    life.webhooks.update(id_, state, OTHER)
    life.webhooks.read(id_, state)
    life.webhooks.delete(id_, state)
    assert state == before


def test_an_update_that_failed_can_be_repeated(sandbox: Sandbox) -> None:
    """An update whose answer got lost is sent again by the next run, and then the state is right."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.inject("empty", "update", times=0, processed=True)
    with pytest.raises(UpdateFailedError, match="Truto applied the update all the same") as caught:
        life.webhooks.update(id_, state, OTHER)
    assert caught.value.state is not None
    assert {name: caught.value.state[name] for name in INPUTS} == OTHER
    sandbox.faults.clear()
    after = life.webhooks.update(id_, state, OTHER)
    assert {name: after[name] for name in INPUTS} == OTHER
    assert after["secret"] == state["secret"] == sandbox.backend.webhooks()[0].secret


def test_an_error_that_repeats_the_secret(sandbox: Sandbox) -> None:
    """A secret that Truto's error repeats, known from the state or from the program, is not shown."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    for word, call in life.calls():
        sandbox.inject("status", word, status=400, message=f"bad signature of {state['secret']}")
        with pytest.raises(TrutoError, match=r"bad signature of \[secret\]") as caught:
            call(id_, state)
        assert state["secret"] not in str(caught.value)


# Secret ----------------------------------------------------------------------------------------------------


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
def test_the_secret_stays_known(sandbox: Sandbox, fields: list[str]) -> None:
    """Whatever Truto leaves out of its later answers, the secret and what else was known stay known."""
    life = Life(sandbox)
    id_, state = life.webhooks.create({**INPUTS, "event_types": []})
    sandbox.inject("missing_fields", "read", times=0, fields=fields)
    sandbox.inject("missing_fields", "update", times=0, fields=fields)
    fresh = life.webhooks.read(id_, state)
    assert fresh == state
    after = life.webhooks.update(id_, fresh, {**INPUTS, "event_types": [], "is_active": False})
    assert after["secret"] == sandbox.backend.webhooks()[0].secret
    for name in ("environment_id", "created_at"):
        assert after[name] == state[name]
    assert life.warnings == []


@pytest.mark.parametrize("operation", ["read", "update"])
@pytest.mark.parametrize("secret", ["another-secret", None])
def test_no_answer_replaces_the_secret(sandbox: Sandbox, operation: str, secret: str | None) -> None:
    """An answer that holds another secret, or none, never replaces the one that is known to sign deliveries."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    body = {"id": id_, **INPUTS, "is_active": False, "secret": secret}
    sandbox.inject("response", operation, body=body)
    inputs = {**INPUTS, "is_active": False}
    after = life.webhooks.read(id_, state) if operation == "read" else life.webhooks.update(id_, state, inputs)
    assert after is not None
    assert after["secret"] == state["secret"] == sandbox.backend.webhooks()[0].secret


@pytest.mark.parametrize("fault", ["wrong_types", "other_id", "not_json"])
def test_nothing_is_concluded_from_a_wrong_answer(sandbox: Sandbox, fault: str) -> None:
    """An answer that cannot be believed ends a refresh or an update with an error, and not with a wrong state."""
    life = Life(sandbox)
    id_, state = life.webhooks.create(INPUTS)
    sandbox.inject(fault, times=0)
    with pytest.raises(InvalidResponseError):
        life.webhooks.read(id_, state)
    with pytest.raises(UpdateFailedError, match="not known whether the update took effect") as caught:
        life.webhooks.update(id_, state, OTHER)
    assert caught.value.state is None


def test_a_url_that_truto_spells_differently(sandbox: Sandbox) -> None:
    """A URL that Truto spells differently stays as it was declared, so that there is no change for ever."""
    life = Life(sandbox)
    inputs = {**INPUTS, "target_url": "https://Hooks.Example.com"}
    id_, state = life.webhooks.create(inputs)
    sandbox.backend.edit(id_, {"target_url": "https://hooks.example.com/"})
    fresh = life.webhooks.read(id_, state)
    assert fresh is not None
    assert fresh["target_url"] == "https://Hooks.Example.com"
    declared: Any = inputs
    assert build_patch(fresh, declared) == {}
