"""A create that fails on the way makes exactly one webhook all the same, and never harms anybody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import (
    AmbiguousCreateError,
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    PermissionDeniedError,
    RateLimitedError,
    TrutoError,
)
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.webhook.manager import WebhookManager

INPUTS: Any = {"target_url": "https://hooks.example.com/truto", "event_types": ["record:created"], "is_active": True}
#: Silence, after which the connection is closed: a client waits for a create as long as it can.
SILENCE_SECONDS = 0.4
#: Faults after which a create may have happened, and did not.
UNPROCESSED: dict[str, dict[str, Any]] = {
    "timeout": {"kind": "timeout", "seconds": SILENCE_SECONDS},
    "reset": {"kind": "reset"},
    "close": {"kind": "close"},
    "empty 500": {"kind": "empty"},
    "HTML 502": {"kind": "html"},
    "status 503": {"kind": "status"},
    **{f"status {number}": {"kind": "status", "status": number} for number in (408, 409, 425, 499, 504)},
    "not JSON": {"kind": "not_json"},
    "empty 200": {"kind": "empty", "status": 200},
}
#: Faults after which a create may have happened, and did.
PROCESSED: dict[str, dict[str, Any]] = {
    **{name: {**fault, "processed": True} for name, fault in UNPROCESSED.items()},
    "truncated": {"kind": "truncated"},
    "wrong types": {"kind": "wrong_types"},
    "no secret": {"kind": "missing_fields", "fields": ["secret"]},
    "no id": {"kind": "missing_fields", "fields": ["id"]},
    "no id and no secret": {"kind": "missing_fields", "fields": ["id", "secret"]},
}
ALL = [
    *(pytest.param(fault, False, id=f"{name}, not processed") for name, fault in UNPROCESSED.items()),
    *(pytest.param(fault, True, id=f"{name}, processed") for name, fault in PROCESSED.items()),
]
ONE_OF_EACH = [
    pytest.param(UNPROCESSED["reset"], False, id="reset, not processed"),
    pytest.param(PROCESSED["reset"], True, id="reset, processed"),
    pytest.param(UNPROCESSED["HTML 502"], False, id="HTML 502, not processed"),
    pytest.param(PROCESSED["no secret"], True, id="no secret, processed"),
]


class Stack:
    """What one run of Pulumi creates webhooks with, and the warnings that it shows."""

    def __init__(self, sandbox: Sandbox, *, total_seconds: float = 30, backoff_seconds: float = 0.01) -> None:
        policy = RequestPolicy(total_seconds=total_seconds, max_attempts=3, backoff_seconds=backoff_seconds)
        self.warnings: list[str] = []
        self.known_ids: set[str] = set()
        self.client = TrutoClient(Settings(api_token=sandbox.token, base_url=sandbox.base_url), policy)
        self.webhooks: Any = WebhookManager(self.client, self.warnings.append, self.known_ids)

    @property
    def doubts(self) -> list[str]:
        """The warnings about what may be left over; what was deleted for sure is told as well."""
        return [each for each in self.warnings if "was deleted" not in each]

    @property
    def told(self) -> str:
        """All warnings."""
        return "".join(self.warnings)

    def create(self, **more: Any) -> tuple[str, str]:
        """Creates a webhook; its id and secret."""
        id_, state = self.webhooks.create({**INPUTS, **more})
        return id_, state["secret"]


def elsewhere(sandbox: Sandbox, **more: Any) -> str:
    """Somebody else creates a webhook that is equal but for what is given; its id."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    response = requests.post(f"{sandbox.base_url}/webhook", json={**INPUTS, **more}, headers=headers, timeout=10)
    id_: str = response.json()["id"]
    return id_


def contents(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that Truto has, by id."""
    return {webhook.id: webhook for webhook in sandbox.backend.webhooks()}


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and not for a time."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


# One fault -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), ALL)
def test_exactly_one(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """After a fault there is one webhook, whose secret is known, whether the failed try made one or not."""
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    id_, secret = stack.create()
    (made,) = sandbox.backend.webhooks()
    assert (id_, secret) == (made.id, made.secret)
    (warning,) = stack.warnings
    assert ("was deleted" if processed else "Truto may still complete what failed") in warning
    assert sandbox.count("create") == 2
    assert sandbox.count("list") == 1
    assert sandbox.count("delete") == (1 if processed else 0)


@pytest.mark.parametrize(
    ("first", "second"), [("reset", "no secret"), ("truncated", "close"), ("no id", "wrong types")]
)
def test_two_faults_in_a_row(sandbox: Sandbox, first: str, second: str) -> None:
    """After two faults in a row there is one webhook, and neither of the failed tries is left over."""
    stack = Stack(sandbox)
    for fault in (PROCESSED[first], PROCESSED[second]):
        sandbox.inject(operation="create", **fault)
    id_, secret = stack.create()
    (made,) = sandbox.backend.webhooks()
    assert (id_, secret) == (made.id, made.secret)
    assert sandbox.count("create") == 3


def test_all_attempts_have_one_idempotency_key(sandbox: Sandbox) -> None:
    """Truto, should it know the header, can tell the attempts of one create from those of another."""
    stack = Stack(sandbox)
    sandbox.inject("empty", "create", times=2)
    stack.create()
    stack.create()
    keys = [call.idempotency_key for call in sandbox.calls if call.operation == "create"]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert None not in keys


def test_a_slow_response_is_waited_for(sandbox: Sandbox) -> None:
    """A create is not given up because it is slow: that would only make its outcome unknown."""
    sandbox.inject("slow_drip", "create", seconds=0.003)
    stack = Stack(sandbox)
    stack.client.policy = replace(stack.client.policy, read_seconds=0.2)
    id_, secret = stack.create()
    assert [(each.id, each.secret) for each in sandbox.backend.webhooks()] == [(id_, secret)]
    assert sandbox.count() == 1


@pytest.mark.parametrize("skew_seconds", [-86_400.0, -3.0, 3.0, 86_400.0])
def test_whatever_the_date_header_says(sandbox: Sandbox, skew_seconds: float) -> None:
    """The header is a proxy's, perhaps: only the times of the webhooks themselves count."""
    sandbox.backend.change_settings({"date_skew_seconds": skew_seconds})
    sandbox.inject("reset", "create", processed=True)
    id_, _ = Stack(sandbox).create()
    assert [*contents(sandbox)] == [id_]


@pytest.mark.parametrize("hours", [-24 * 365 * 30, -1, 1])
def test_whatever_this_machines_clock_says(hours: int) -> None:
    """A clock of this machine that is wrong makes no difference."""
    clock = Clock(datetime.now(timezone.utc) + timedelta(hours=hours))
    with Sandbox(clock=clock) as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("reset", "create", processed=True)
        id_, _ = stack.create()
        assert [*contents(sandbox)] == [id_]


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_for_every_event(empty_event_types_as: str) -> None:
    """A webhook for every event is recognized in each of the ways in which Truto shows it."""
    with Sandbox(empty_event_types_as=empty_event_types_as) as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("truncated", "create")
        id_, _ = stack.create(event_types=[])
        assert [*contents(sandbox)] == [id_]


def test_on_a_later_page(sandbox: Sandbox) -> None:
    """What a failed try made is found on the last page of the list too."""
    sandbox.backend.change_settings({"page_maximum": 2})
    others = [elsewhere(sandbox, target_url=f"https://hooks.example.com/{number}") for number in range(7)]
    stack = Stack(sandbox)
    sandbox.inject("truncated", "create")
    id_, _ = stack.create()
    assert [*contents(sandbox)] == [*others, id_]


def test_over_a_slow_line() -> None:
    """A long way to Truto changes nothing: one webhook remains, without a warning."""
    with Sandbox(latency_seconds=0.15) as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("reset", "create", processed=True)
        id_, _ = stack.create()
        assert [*contents(sandbox)] == [id_]
        assert stack.doubts == []


def test_a_repeat_that_has_to_wait(sandbox: Sandbox) -> None:
    """Where the repeat has to wait for the rate limit, what the first try made is deleted or told, never forgotten."""
    stack = Stack(sandbox)
    sandbox.inject("truncated", "create")
    sandbox.inject("rate_limited", "create", retry_after="1")
    id_, secret = stack.create()
    after = contents(sandbox)
    assert after[id_].secret == secret
    assert all(each in "".join(stack.warnings) for each in after if each != id_)


def test_a_list_that_makes_no_sense_at_first(sandbox: Sandbox) -> None:
    """A list that fails once for the reason of the create is asked for again."""
    stack = Stack(sandbox)
    for operation in ("create", "list"):
        sandbox.inject("not_json", operation, processed=True)
    id_, _ = stack.create()
    assert [*contents(sandbox)] == [id_]


def test_again_and_again(sandbox: Sandbox) -> None:
    """Equal webhooks of one program, each with a fault, all remain, each with its own secret."""
    stack = Stack(sandbox)
    made = {}
    for fault in (PROCESSED["reset"], UNPROCESSED["reset"], PROCESSED["no secret"], PROCESSED["truncated"]):
        sandbox.inject(operation="create", **fault)
        id_, secret = stack.create()
        made[id_] = secret
    assert {id_: webhook.secret for id_, webhook in contents(sandbox).items()} == made
    assert len(made) == 4


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 404}, {"kind": "empty"}, {"kind": "not_json"}])
def test_a_leftover_that_cannot_be_deleted(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    """Where the leftover of a failed try cannot be deleted the create succeeds, and a warning names the leftover."""
    stack = Stack(sandbox)
    sandbox.inject("truncated", "create")
    sandbox.inject(operation="delete", times=0, **fault)
    id_, secret = stack.create()
    leftover = next(each for each in contents(sandbox) if each != id_)
    assert secret == contents(sandbox)[id_].secret
    if fault.get("status") != 404:  # a 404 says that somebody else deleted it
        (warning,) = stack.warnings
        assert leftover in warning


# Errors that settle it -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"), [(400, BadRequestError), (401, AuthenticationError), (403, PermissionDeniedError)]
)
def test_a_refused_create(sandbox: Sandbox, status: int, kind: type[TrutoError]) -> None:
    """A create that Truto refuses surely made nothing: no list is needed to know that."""
    sandbox.inject("status", "create", status=status)
    with pytest.raises(kind):
        Stack(sandbox).create()
    assert [call.operation for call in sandbox.calls] == ["create"]


def test_a_create_over_the_rate_limit(sandbox: Sandbox) -> None:
    """A create that the rate limit stops surely made nothing either."""
    sandbox.inject("rate_limited", "create", times=0, retry_after="3600")
    with pytest.raises(RateLimitedError):
        Stack(sandbox).create()
    assert [call.operation for call in sandbox.calls] == ["create"]


def test_the_repeat_is_refused(sandbox: Sandbox) -> None:
    """Where the repeat is refused, the error names the webhook that the first try made."""
    sandbox.backend.change_settings({"webhook_limit": 1})
    sandbox.inject("truncated", "create")
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox).create()
    (made,) = contents(sandbox)
    assert made in str(caught.value)
    assert "the plan allows 1 webhooks" in str(caught.value)


def test_the_repeat_is_refused_and_nothing_was_made(sandbox: Sandbox) -> None:
    """Where the retry is refused, the error names the attempt before it, which Truto may still complete."""
    sandbox.backend.change_settings({"webhook_limit": 0})
    sandbox.inject("reset", "create")
    with pytest.raises(AmbiguousCreateError, match="Truto may still complete what failed") as caught:
        Stack(sandbox).create()
    message = str(caught.value)
    assert "the plan allows 0 webhooks" in message
    assert "the connection broke off" in message
    assert len(message.splitlines()) == 1
    assert contents(sandbox) == {}


@pytest.mark.parametrize("fault", ["reset", "empty", "wrong_types"])
def test_a_fault_that_stays(sandbox: Sandbox, fault: str) -> None:
    """Where every attempt fails until the time is over, the error names every webhook that they have made."""
    sandbox.inject(fault, "create", times=0, processed=True)
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox, total_seconds=2, backoff_seconds=0.2).create()
    made = contents(sandbox)
    assert len(made) == sandbox.count("create") > 1
    assert all(id_ in str(caught.value) for id_ in made)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fault_that_stays_and_makes_nothing(sandbox: Sandbox) -> None:
    """Where every attempt fails and none made a webhook, the error says so, and how to look for a late one."""
    sandbox.inject("reset", "create", times=0)
    with pytest.raises(AmbiguousCreateError, match=r"cannot create the webhook.*No webhook equals it now"):
        Stack(sandbox, total_seconds=2, backoff_seconds=0.2).create()
    assert contents(sandbox) == {}


@pytest.mark.parametrize("processed", [False, True])
def test_silence_until_the_time_is_over(sandbox: Sandbox, processed: bool) -> None:
    """A response that never comes ends with the time of the call, and with what there is to look at."""
    sandbox.inject("timeout", "create", seconds=60, processed=processed)
    with pytest.raises(AmbiguousCreateError, match="did not come in time") as caught:
        Stack(sandbox, total_seconds=1).create()
    assert all(id_ in str(caught.value) for id_ in contents(sandbox))
    assert sandbox.count("create") == 1


# Responses that are not to be believed ---------------------------------------------------------------------


def test_a_response_that_names_another_webhook(sandbox: Sandbox) -> None:
    """A response with the id of a webhook that this process has already is an error, and no state for two resources."""
    stack = Stack(sandbox)
    id_, _ = stack.create()
    body = {**INPUTS, "id": id_, "secret": "a secret"}
    sandbox.inject("response", "create", body=body)
    with pytest.raises(InvalidResponseError, match=f"names webhook {id_}, which this stack already has"):
        stack.create(target_url="https://hooks.example.com/2")
    sandbox.inject("response", "create", body={**body, "id": "met-before"})
    stack.known_ids.add("met-before")
    with pytest.raises(InvalidResponseError, match="names webhook met-before"):
        stack.create()
    assert [*contents(sandbox)] == [id_]


def test_a_response_with_other_values(sandbox: Sandbox) -> None:
    """A new webhook that is not what was asked for is kept as it is, with its secret, and warned of."""
    stack = Stack(sandbox)
    body = {**INPUTS, "id": "odd", "secret": "a secret", "is_active": False, "event_types": []}
    sandbox.inject("response", "create", body=body)
    id_, state = stack.webhooks.create(INPUTS)
    assert (id_, state["secret"], state["is_active"], state["event_types"]) == ("odd", "a secret", False, [])
    (warning,) = stack.warnings
    assert "event_types and is_active" in warning


# A list that cannot be read --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"kind": "empty"}, {"kind": "reset"}, {"kind": "not_json"}, {"kind": "wrong_types"}])
@pytest.mark.parametrize("processed", [False, True])
def test_a_list_that_cannot_be_read(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """A new webhook that is there, with its secret, is not given up because nobody can look for orphans behind it."""
    stack = Stack(sandbox)
    sandbox.inject("reset", "create", processed=processed)
    sandbox.inject(operation="list", times=0, **fault)
    id_, secret = stack.create()
    assert contents(sandbox)[id_].secret == secret
    (warning,) = stack.warnings
    assert "cannot list the webhooks" in warning
    assert "truto.get_webhooks" in warning
    assert len(warning.splitlines()) == 1
    assert sandbox.count("create") == 2
    assert sandbox.count("delete") == 0


def test_a_list_that_cannot_be_read_after_a_refusal(sandbox: Sandbox) -> None:
    """The error of a create that was refused after an unknown outcome says both failures and what to do."""
    sandbox.inject("reset", "create")
    sandbox.inject("status", "create", status=403)
    sandbox.inject("empty", "list", times=0)
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox).create()
    for part in ("returned 403", "the connection broke off", "cannot list the webhooks", "truto.get_webhooks"):
        assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("backoff_seconds", [0.01, 1.5], ids=["after the list", "before the list"])
def test_an_attempt_that_truto_completes_late(sandbox: Sandbox, backoff_seconds: float) -> None:
    """An attempt answered with 504 at once and carried out later is told of, since it cannot be told from others'."""
    stack = Stack(sandbox, backoff_seconds=backoff_seconds)
    sandbox.inject("status", "create", status=504, processed_after_seconds=0.7)
    id_, secret = stack.create()
    until(lambda: len(contents(sandbox)) == 2)
    (late,) = [each for each in contents(sandbox) if each != id_]
    assert contents(sandbox)[id_].secret == secret
    (warning,) = stack.warnings
    assert (late if backoff_seconds > 1 else "Truto may still complete what failed") in warning
    assert "Delete in Truto" in warning or "delete in Truto" in warning
    assert sandbox.count("delete") == 0


def test_a_list_that_lags(sandbox: Sandbox) -> None:
    """Where the list does not show the orphan yet, a warning says that there may be one, and how to look."""
    sandbox.backend.change_settings({"list_lag_seconds": 60})
    stack = Stack(sandbox)
    sandbox.inject("reset", "create", processed=True)
    stack.create()
    assert len(contents(sandbox)) == 2
    (warning,) = stack.warnings
    assert "truto.get_webhooks" in warning


# What belongs to others ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), ONE_OF_EACH)
@pytest.mark.parametrize("seconds_ago", [3600, 60, 4])
def test_equal_webhooks_from_before(sandbox: Sandbox, fault: dict[str, Any], processed: bool, seconds_ago: int) -> None:
    """An equal webhook that somebody else made a while ago is neither touched nor in the way."""
    theirs = elsewhere(sandbox)
    sandbox.backend.clock.advance(seconds_ago)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    id_, secret = stack.create()
    after = contents(sandbox)
    assert [*after] == [theirs, id_]
    assert after[theirs] == before[theirs]
    assert after[id_].secret == secret
    assert theirs not in stack.told
    assert sandbox.count("delete") == int(processed)


@pytest.mark.parametrize(("fault", "processed"), ALL)
def test_an_equal_webhook_from_just_before(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """An equal webhook that somebody else made two seconds ago is never touched, and no webhook goes untold."""
    theirs = elsewhere(sandbox)
    sandbox.backend.clock.advance(2)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    mine, secret = stack.create()
    after = contents(sandbox)
    assert after.get(theirs) == before[theirs]
    assert after[mine].secret == secret
    assert set(after) == {theirs, mine}
    assert sandbox.count("delete") == int(processed)


def test_an_equal_webhook_before_a_slow_response(sandbox: Sandbox) -> None:
    """A slow response to the retry is no reason to take somebody else's earlier webhook for our own."""
    theirs = elsewhere(sandbox)
    sandbox.backend.clock.advance(1.5)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject("reset", "create")
    sandbox.inject("slow_drip", "create", seconds=0.006)
    mine, secret = stack.create()
    after = contents(sandbox)
    assert after.get(theirs) == before[theirs]
    assert after[mine].secret == secret


@pytest.mark.parametrize(("fault", "processed"), ONE_OF_EACH)
@pytest.mark.parametrize("more", [{"event_types": []}, {"event_types": ["record:*"]}, {"is_active": False}])
def test_webhooks_that_are_not_equal(
    sandbox: Sandbox, fault: dict[str, Any], processed: bool, more: dict[str, Any]
) -> None:
    """A webhook with the same URL and another wish is never touched, though it was made at the same time."""
    theirs = elsewhere(sandbox, **more)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    mine, secret = stack.create()
    after = contents(sandbox)
    assert [*after] == [theirs, mine]
    assert after[theirs] == before[theirs]
    assert after[mine].secret == secret
    assert theirs not in stack.told
    assert sandbox.count("delete") == int(processed)


@pytest.mark.parametrize(("fault", "processed"), ONE_OF_EACH)
def test_another_environment(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """An equal webhook of another environment is out of reach."""
    other = sandbox.add_environment("other")
    theirs = sandbox.backend.create(other.id, dict(INPUTS))["id"]
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    mine, _ = stack.create()
    assert [*contents(sandbox)] == [theirs, mine]
    assert sandbox.count("delete") == int(processed)


def test_equal_webhooks_made_during_the_request(sandbox: Sandbox) -> None:
    """Where there are more equal webhooks of those moments than attempts, none is deleted and all are named."""
    stack = Stack(sandbox)
    sandbox.inject("reset", "create", processed=True)
    with ThreadPoolExecutor(1) as pool, sandbox.hold("create") as hold:
        creating = pool.submit(stack.create)
        hold.wait_for(1)
        theirs = [sandbox.backend.create(sandbox.environment_id, dict(INPUTS))["id"] for _ in range(2)]
        hold.release()
        mine, secret = creating.result()
    after = contents(sandbox)
    assert len(after) == 4
    assert {*theirs, mine} < set(after)
    assert after[mine].secret == secret
    (warning,) = stack.warnings
    assert all(id_ in warning for id_ in after)
    assert sandbox.count("delete") == 0
    assert len(warning.splitlines()) == 1


def test_an_equal_webhook_made_during_the_request(sandbox: Sandbox) -> None:
    """One that another run makes in the very moments of a failed create cannot be told from ours: it is told by name.

    The API has no idempotency key, and times are all that there is to go by.
    """
    stack = Stack(sandbox)
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool, sandbox.hold("create") as hold:
        creating = pool.submit(stack.create)
        hold.wait_for(1)
        theirs = sandbox.backend.create(sandbox.environment_id, dict(INPUTS))["id"]
        hold.release()
        mine, _ = creating.result()
    assert [*contents(sandbox)] == [mine]
    [warning] = stack.warnings
    assert f"webhook {theirs}, " in warning
    assert "was deleted" in warning


def test_an_equal_webhook_made_after_the_attempt_has_ended(sandbox: Sandbox) -> None:
    """What others make while we wait for the retry is not ours: it is named, as it may be a late one, and left."""
    stack = Stack(sandbox, backoff_seconds=2)
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        time.sleep(1)
        theirs = elsewhere(sandbox)
        mine, _ = creating.result()
    assert {*contents(sandbox)} == {theirs, mine}
    assert theirs in stack.told
    assert sandbox.count("delete") == 0


def test_an_equal_webhook_in_the_wait_before_a_slow_retry(sandbox: Sandbox) -> None:
    """A slow retry says too little about Truto's clock to take what others made in the wait for our own."""
    stack = Stack(sandbox, backoff_seconds=0.5)
    sandbox.inject("status", "create", status=504)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        time.sleep(0.2)
        theirs = sandbox.backend.create(sandbox.environment_id, dict(INPUTS))["id"]
        sandbox.backend.change_settings({"latency_seconds": 0.75})
        mine, _ = creating.result()
    assert {*contents(sandbox)} == {theirs, mine}
    assert theirs in stack.told
    assert sandbox.count("delete") == 0


@pytest.mark.parametrize("created_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_a_time_at_the_end_of_all_times(sandbox: Sandbox, created_at: str) -> None:
    """Whatever time Truto gives a new webhook, the webhook and its secret are kept."""
    stack = Stack(sandbox)
    sandbox.inject("reset", "create", processed=True)
    body = {**INPUTS, "id": "odd", "secret": "a secret", "created_at": created_at}
    sandbox.inject("response", "create", body=body)
    assert stack.create() == ("odd", "a secret")
    (orphan,) = contents(sandbox)
    assert orphan in stack.told
    assert sandbox.count("delete") == 0


def test_an_equal_webhook_made_while_the_rate_limit_is_waited_for(sandbox: Sandbox) -> None:
    """The time of an attempt begins when it is sent: what others make while it waits for that is not ours."""
    stack = Stack(sandbox)
    sandbox.inject("rate_limited", "create", retry_after="3")
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        theirs = sandbox.backend.create(sandbox.environment_id, dict(INPUTS))["id"]
        mine, _ = creating.result()
    assert {*contents(sandbox)} == {theirs, mine}
    assert theirs not in stack.told
    assert sandbox.count("delete") == 0


def test_an_equal_webhook_made_during_the_repeat(sandbox: Sandbox) -> None:
    """An equal webhook that another run makes after the failed try, while it is repeated, is not touched."""
    stack = Stack(sandbox)
    sandbox.inject("reset", "create")
    sandbox.inject("slow_drip", "create", seconds=0.002)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: len(contents(sandbox)) == 1)  # the repeat's own, whose answer is on its way
        theirs = elsewhere(sandbox)
        before = contents(sandbox)
        mine, _ = creating.result()
    after = contents(sandbox)
    assert after.get(theirs) == before[theirs]
    assert set(after) == {theirs, mine}


# Times to the second ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0.0, 0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("processed", [False, True])
def test_times_to_the_second(start: float, processed: bool) -> None:
    """Where Truto's times have no fractions, a leftover that cannot be told is left, with a warning that names it."""
    clock = Clock(datetime(2024, 9, 1, 10, tzinfo=timezone.utc) + timedelta(seconds=start))
    with Sandbox(clock=clock, timestamp_format="space") as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("reset", "create", processed=processed)
        mine, secret = stack.create()
        after = contents(sandbox)
        assert after[mine].secret == secret
        assert len(after) == 1 + int(processed)
        (warning,) = stack.warnings
        assert all(id_ in warning for id_ in after)
        assert sandbox.count("delete") == 0


@pytest.mark.parametrize("start", [0.0, 0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("processed", [False, True])
def test_an_equal_webhook_of_the_same_second(start: float, processed: bool) -> None:
    """Where Truto's times have no fractions, an equal webhook of the same second is never touched."""
    clock = Clock(datetime(2024, 9, 1, 10, tzinfo=timezone.utc) + timedelta(seconds=start))
    with Sandbox(clock=clock, timestamp_format="space") as sandbox:
        theirs = elsewhere(sandbox)
        before = contents(sandbox)
        stack = Stack(sandbox)
        sandbox.inject("reset", "create", processed=processed)
        mine, _ = stack.create()
        after = contents(sandbox)
        assert after.get(theirs) == before[theirs]
        assert all(id_ in stack.told for id_ in after if id_ not in (theirs, mine))


# In parallel -----------------------------------------------------------------------------------------------


def in_parallel(stack: Stack, wishes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Creates webhooks at the same time, a thread each; their ids and secrets."""
    together = threading.Barrier(len(wishes))

    def create(wish: dict[str, Any]) -> tuple[str, str]:
        together.wait()
        return stack.create(**wish)

    with ThreadPoolExecutor(len(wishes)) as pool:
        return list(pool.map(create, wishes))


def test_eight_at_once_with_faults(sandbox: Sandbox) -> None:
    """Eight equal creates at once, each with a fault of another kind, end with one webhook each and no more."""
    stack = Stack(sandbox)
    faults = [
        PROCESSED["reset"],
        UNPROCESSED["reset"],
        PROCESSED["truncated"],
        PROCESSED["no secret"],
        PROCESSED["timeout"],
        PROCESSED["HTML 502"],
        UNPROCESSED["empty 500"],
        PROCESSED["no id"],
    ]
    for number, fault in enumerate(faults):
        sandbox.inject(operation="create", skip=number, **fault)  # the repeat in between is healthy
    made = in_parallel(stack, [{}] * 8)
    assert {id_: webhook.secret for id_, webhook in contents(sandbox).items()} == dict(made)
    assert len(dict(made)) == 8
    assert sandbox.count("create") == 16
    assert len(stack.doubts) == 2  # of the two that were not carried out, Truto may still do so


def test_six_at_once_while_responses_are_lost(sandbox: Sandbox) -> None:
    """Six equal creates at once, the first three responses lost, end as six webhooks with six known secrets."""
    stack = Stack(sandbox)
    sandbox.inject("reset", "create", times=3, processed=True)
    made = in_parallel(stack, [{}] * 6)
    assert {id_: webhook.secret for id_, webhook in contents(sandbox).items()} == dict(made)
    assert len(dict(made)) == 6
    assert stack.doubts == []


def test_eight_different_ones_at_once_with_faults(sandbox: Sandbox) -> None:
    """Eight creates of different webhooks at once with faults end with one webhook each and no more."""
    stack = Stack(sandbox, backoff_seconds=0.3)  # every first try comes before the first repeat
    for number in range(8):
        sandbox.inject("reset", "create", processed=number % 2 == 0)
    wishes = [{"target_url": f"https://hooks.example.com/{number}"} for number in range(8)]
    made = in_parallel(stack, wishes)
    after = contents(sandbox)
    assert {id_: webhook.secret for id_, webhook in after.items()} == dict(made)
    assert [after[id_].target_url for id_, _ in made] == [wish["target_url"] for wish in wishes]


def test_eight_at_once_without_faults(sandbox: Sandbox) -> None:
    """Eight equal creates at once take one request each."""
    made = in_parallel(Stack(sandbox), [{}] * 8)
    assert {id_: webhook.secret for id_, webhook in contents(sandbox).items()} == dict(made)
    assert [call.operation for call in sandbox.calls] == ["create"] * 8


def test_equal_but_for_the_spelling(sandbox: Sandbox) -> None:
    """Two creates at once whose URLs only look different never take each other's webhook for a leftover."""
    stack = Stack(sandbox)
    with ThreadPoolExecutor(2) as pool:
        sandbox.inject("timeout", "create", seconds=0.5)
        one = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        # Made during the first one's failed try, and answered only after the first one is done.
        sandbox.inject("slow_drip", "create", seconds=0.004)
        other = pool.submit(stack.create, target_url="HTTPS://Hooks.Example.com/truto")
        made = dict([one.result(), other.result()])
    assert {id_: webhook.secret for id_, webhook in contents(sandbox).items()} == made
    assert len(made) == 2
