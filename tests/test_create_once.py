"""A create that fails on the way makes exactly one webhook all the same, and never harms anybody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from pulumi_truto.client import TrutoClient
from pulumi_truto.errors import (
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    RateLimitedError,
    TransportError,
    TrutoError,
    AmbiguousCreateError,
)
from pulumi_truto.lifecycle import Webhooks
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.settings import Settings
from pulumi_truto.transport import RequestPolicy

INPUTS = {"target_url": "https://hooks.example.com/truto", "event_types": ["record:created"], "is_active": True}
#: Silence that is longer than any client here waits.
SILENCE_SECONDS = 30
#: Faults after which a create may have happened, and did not.
UNPROCESSED: dict[str, dict[str, Any]] = {
    "timeout": {"kind": "timeout", "seconds": SILENCE_SECONDS},
    "reset": {"kind": "reset"},
    "close": {"kind": "close"},
    "empty 500": {"kind": "empty"},
    "HTML 502": {"kind": "html"},
    "status 503": {"kind": "status"},
    "not JSON": {"kind": "not_json"},
    "empty 200": {"kind": "empty", "status": 200},
}
#: Faults after which a create may have happened, and did.
PROCESSED: dict[str, dict[str, Any]] = {
    **{name: {**fault, "processed": True} for name, fault in UNPROCESSED.items()},
    "truncated": {"kind": "truncated"},
    "slow drip": {"kind": "slow_drip", "seconds": 0.05},
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

    def __init__(self, sandbox: Sandbox, *, read_seconds: float = 5, backoff_seconds: float = 0.01) -> None:
        limits = RequestPolicy(
            connect_seconds=5,
            read_seconds=read_seconds,
            total_seconds=20,
            max_attempts=3,
            backoff_seconds=backoff_seconds,
        )
        self.warnings: list[str] = []
        self.client = TrutoClient(Settings(api_token=sandbox.token, base_url=sandbox.base_url), limits)
        self.webhooks = Webhooks(self.client, self.warnings.append)

    @property
    def doubts(self) -> list[str]:
        """The warnings about what may be left over; what was deleted for sure is told as well."""
        return [each for each in self.warnings if "was deleted" not in each]

    def create(self, **more: Any) -> tuple[str, str]:
        """Creates a webhook; its id and secret."""
        id_, state = self.webhooks.create({**INPUTS, **more})
        return id_, state["secret"]


def stack_for(sandbox: Sandbox, fault: dict[str, Any]) -> Stack:
    """A stack that waits long for every answer, but where only its patience ends the fault."""
    return Stack(sandbox, read_seconds=0.4 if fault["kind"] in ("timeout", "slow_drip") else 5)


def elsewhere(sandbox: Sandbox, **more: Any) -> str:
    """Somebody else creates a webhook that is equal but for what is given; its id."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    answer = requests.post(f"{sandbox.base_url}/webhook", json={**INPUTS, **more}, headers=headers, timeout=10)
    id_: str = answer.json()["id"]
    return id_


def contents(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that Truto has, by id."""
    return {webhook.id: webhook for webhook in sandbox.truto.webhooks()}


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
    stack = stack_for(sandbox, fault)
    sandbox.inject(operation="create", **fault)
    id_, secret = stack.create()
    (made,) = sandbox.truto.webhooks()
    assert (id_, secret) == (made.id, made.secret)
    assert stack.doubts == []
    assert len(stack.warnings) == int(processed)
    assert sandbox.count("create") == 2
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
    (made,) = sandbox.truto.webhooks()
    assert (id_, secret) == (made.id, made.secret)
    assert sandbox.count("create") == 3


@pytest.mark.parametrize("hours", [-24 * 365 * 30, -1, 1])
def test_whatever_this_machines_clock_says(hours: int) -> None:
    """A clock of this machine that is wrong makes no difference."""
    clock = Clock(datetime.now(timezone.utc) + timedelta(hours=hours))
    with Sandbox(clock=clock) as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("reset", "create", processed=True)
        id_, _ = stack.create()
        assert [*contents(sandbox)] == [id_]


@pytest.mark.parametrize("everything_as", ["empty", "null", "absent"])
def test_for_every_event(everything_as: str) -> None:
    """A webhook for every event is recognized in each of the ways in which Truto shows it."""
    with Sandbox(everything_as=everything_as) as sandbox:
        stack = Stack(sandbox)
        sandbox.inject("truncated", "create")
        id_, _ = stack.create(event_types=[])
        assert [*contents(sandbox)] == [id_]


def test_on_a_later_page(sandbox: Sandbox) -> None:
    """What a failed try made is found on the last page of the list too."""
    sandbox.truto.change_settings({"page_maximum": 2})
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
    sandbox.truto.change_settings({"webhook_limit": 1})
    sandbox.inject("truncated", "create")
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox).create()
    (made,) = contents(sandbox)
    assert made in str(caught.value)
    assert "the plan allows 1 webhooks" in str(caught.value)


def test_the_repeat_is_refused_and_nothing_was_made(sandbox: Sandbox) -> None:
    """Where the repeat is refused and the first try made nothing, the refusal is the error."""
    sandbox.truto.change_settings({"webhook_limit": 0})
    sandbox.inject("reset", "create")
    with pytest.raises(PermissionDeniedError):
        Stack(sandbox).create()
    assert contents(sandbox) == {}


@pytest.mark.parametrize("fault", ["reset", "empty", "wrong_types"])
def test_a_fault_that_stays(sandbox: Sandbox, fault: str) -> None:
    """Where every try fails, the error names every webhook that the tries have made."""
    sandbox.inject(fault, "create", times=0, processed=True)
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox).create()
    made = contents(sandbox)
    assert len(made) == sandbox.count("create") == 3
    assert all(id_ in str(caught.value) for id_ in made)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fault_that_stays_and_makes_nothing(sandbox: Sandbox) -> None:
    """Where every try fails and none made a webhook, the error is that of the tries and says nothing of leftovers."""
    sandbox.inject("reset", "create", times=0)
    with pytest.raises(TransportError, match="cannot create the webhook"):
        Stack(sandbox).create()
    assert contents(sandbox) == {}


# A list that cannot be read --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"kind": "empty"}, {"kind": "reset"}, {"kind": "not_json"}, {"kind": "wrong_types"}])
@pytest.mark.parametrize("processed", [False, True])
def test_a_list_that_cannot_be_read(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """Where the list cannot be read, nothing is created blindly: the error says both failures and what to do."""
    sandbox.inject("reset", "create", processed=processed)
    sandbox.inject(operation="list", times=0, **fault)
    with pytest.raises(AmbiguousCreateError) as caught:
        Stack(sandbox).create()
    message = str(caught.value)
    assert "cannot create the webhook" in message
    assert "cannot list the webhooks" in message
    assert "pulumi up" in message
    assert len(message.splitlines()) == 1
    assert sandbox.count("create") == 1


def test_a_list_that_cannot_be_read_afterwards(sandbox: Sandbox) -> None:
    """A new webhook that is there, with its secret, is not given up because tidying up behind it fails."""
    stack = Stack(sandbox)
    sandbox.inject("truncated", "create")
    sandbox.inject("empty", "list", times=0, skip=1)
    id_, secret = stack.create()
    assert contents(sandbox)[id_].secret == secret
    told = "".join(stack.warnings)
    assert "cannot be listed" in told
    # The leftover was seen before the repeat: it is deleted, or at least named.
    assert all(each in told for each in contents(sandbox) if each != id_)


# What belongs to others ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "processed"), ONE_OF_EACH)
@pytest.mark.parametrize("seconds_ago", [3600, 60, 4])
def test_equal_webhooks_from_before(sandbox: Sandbox, fault: dict[str, Any], processed: bool, seconds_ago: int) -> None:
    """An equal webhook that somebody else made a while ago is neither touched nor in the way."""
    theirs = elsewhere(sandbox)
    sandbox.truto.clock.advance(seconds_ago)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    id_, secret = stack.create()
    after = contents(sandbox)
    assert [*after] == [theirs, id_]
    assert after[theirs] == before[theirs]
    assert after[id_].secret == secret
    assert stack.doubts == []
    assert sandbox.count("delete") == int(processed)


@pytest.mark.parametrize(("fault", "processed"), ALL)
def test_an_equal_webhook_from_just_before(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """An equal webhook that somebody else made a moment ago is never touched, and no webhook goes untold."""
    theirs = elsewhere(sandbox)
    sandbox.truto.clock.advance(0.1)
    before = contents(sandbox)
    stack = stack_for(sandbox, fault)
    sandbox.inject(operation="create", **fault)
    told, mine = "", ""
    try:
        mine, secret = stack.create()
    except AmbiguousCreateError as error:
        assert processed  # or there is nothing that could not be told
        told = str(error)
    after = contents(sandbox)
    assert after.get(theirs) == before[theirs]
    if mine:
        assert after[mine].secret == secret
    told += "".join(stack.warnings)
    assert all(id_ in told for id_ in after if id_ not in (theirs, mine))


@pytest.mark.parametrize("milliseconds", [100, 200, 300])
def test_an_equal_webhook_before_a_slow_answer(sandbox: Sandbox, milliseconds: int) -> None:
    """A slow answer to the repeat is no reason to take somebody else's earlier webhook for our own."""
    theirs = elsewhere(sandbox)
    sandbox.truto.clock.advance(milliseconds / 1000)
    before = contents(sandbox)
    stack = Stack(sandbox)
    sandbox.inject("reset", "create")
    sandbox.inject("slow_drip", "create", seconds=0.001)
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
    assert stack.doubts == []
    assert sandbox.count("delete") == int(processed)


@pytest.mark.parametrize(("fault", "processed"), ONE_OF_EACH)
def test_another_environment(sandbox: Sandbox, fault: dict[str, Any], processed: bool) -> None:
    """An equal webhook of another environment is out of reach."""
    other = sandbox.add_environment("other")
    theirs = sandbox.truto.create(other.id, dict(INPUTS))["id"]
    stack = Stack(sandbox)
    sandbox.inject(operation="create", **fault)
    mine, _ = stack.create()
    assert [*contents(sandbox)] == [theirs, mine]
    assert sandbox.count("delete") == int(processed)


def test_equal_webhooks_made_during_the_request(sandbox: Sandbox) -> None:
    """Where others make equal webhooks at the same time, the create stops and names all that could be meant."""
    stack = Stack(sandbox)
    sandbox.inject("timeout", "create", seconds=0.5, processed=True)
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        theirs = [elsewhere(sandbox) for _ in range(2)]
        with pytest.raises(AmbiguousCreateError) as caught:
            creating.result()
    after = contents(sandbox)
    assert len(after) == 3
    assert set(theirs) < set(after)
    assert all(id_ in str(caught.value) for id_ in after)
    assert sandbox.count("delete") == 0
    assert len(str(caught.value).splitlines()) == 1


def test_an_equal_webhook_made_during_the_request(sandbox: Sandbox) -> None:
    """One that another run makes in the very moments of a failed create cannot be told from ours: it is told by name.

    The API has no idempotency key, and times are all that there is to go by.
    """
    stack = Stack(sandbox, read_seconds=0.5)
    sandbox.inject("timeout", "create")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        until(lambda: sandbox.count("create") == 1)
        theirs = elsewhere(sandbox)
        mine, _ = creating.result()
    assert [*contents(sandbox)] == [mine]
    [warning] = stack.warnings
    assert f"the webhook {theirs} " in warning
    assert "was deleted" in warning


def test_an_equal_webhook_made_while_the_rate_limit_is_waited_for(sandbox: Sandbox) -> None:
    """The time of a failed try begins when it is sent: what others make while it waits for that is not ours."""
    stack = Stack(sandbox)
    headers = {"ratelimit-remaining": "0", "ratelimit-reset": "4"}
    sandbox.inject("answer", "list", status=200, body={"result": []}, headers=headers)
    list(stack.client.iter_webhooks())
    sandbox.inject("reset", "create")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(stack.create)
        theirs = sandbox.truto.create(sandbox.environment_id, dict(INPUTS))["id"]
        mine, _ = creating.result()
    assert {*contents(sandbox)} == {theirs, mine}
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
        leftovers = [id_ for id_ in after if id_ != mine]
        assert len(leftovers) == len(stack.doubts) <= int(processed)
        assert all(id_ in warning for id_, warning in zip(leftovers, stack.doubts, strict=True))


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
        told, mine = "", ""
        try:
            mine, _ = stack.create()
        except AmbiguousCreateError as error:
            told = str(error)
        after = contents(sandbox)
        assert after.get(theirs) == before[theirs]
        told += "".join(stack.warnings)
        assert all(id_ in told for id_ in after if id_ not in (theirs, mine))


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
    stack = Stack(sandbox, read_seconds=2)
    faults = [
        PROCESSED["reset"],
        UNPROCESSED["reset"],
        PROCESSED["truncated"],
        PROCESSED["no secret"],
        {**PROCESSED["timeout"], "seconds": 0.2},  # ended by the server, so that the client can be patient
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
