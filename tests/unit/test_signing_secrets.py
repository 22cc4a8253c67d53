"""Which secrets are accepted, by what the state says of the earlier ones."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest

from pulumi_truto.property_names import camel_case
from pulumi_truto.resource_type import UNKNOWN
from pulumi_truto.webhook.signing_secrets import REPLACED_AT, SIGNING_SECRETS

HOUR: Final = 3600
#: No verb uses the session.
SESSION: Final[Any] = None
CREATED: Final = "2026-01-01T00:00:00.000Z"


def inputs(current: str, overlap_hours: float = 1) -> dict[str, Any]:
    """Canonical inputs."""
    return {"current": current, "overlap_hours": overlap_hours}


def state(*accepted: str, ages: tuple[float, ...] = (), overlap_hours: float = 1) -> dict[str, Any]:
    """A state in which each earlier secret was replaced that many hours ago."""
    replaced_at = [time.time() - age * HOUR for age in ages]
    return {
        **inputs(accepted[0], overlap_hours),
        "accepted": [*accepted],
        "rotated_at": CREATED,
        REPLACED_AT: replaced_at,
    }


def update(old: dict[str, Any], current: str, overlap_hours: float = 1) -> dict[str, Any]:
    """The state after an update, which must be a change."""
    assert SIGNING_SECRETS.changes(old, inputs(current, overlap_hours))
    return SIGNING_SECRETS.update(SESSION, "id", old, inputs(current, overlap_hours))


def test_new_resource_accepts_the_current_secret() -> None:
    """A create accepts one secret, and the next run is unchanged."""
    _, created = SIGNING_SECRETS.create(SESSION, inputs("a"))
    assert created["accepted"] == ["a"]
    assert created.keys() == {known.name for known in SIGNING_SECRETS.properties} | {REPLACED_AT}
    assert SIGNING_SECRETS.changes(created, inputs("a")) == {}


def test_replaced_secret_stays_accepted_for_the_overlap() -> None:
    """A rotation keeps the earlier secret, and the first update after the overlap removes it."""
    rotated = update(state("a"), "b")
    assert rotated["accepted"] == ["b", "a"]
    assert rotated["rotated_at"] > CREATED
    assert SIGNING_SECRETS.changes(rotated, inputs("b")) == {}
    later = state("b", "a", ages=(1.01,))
    assert SIGNING_SECRETS.changes(later, inputs("b")) == {"accepted": UNKNOWN}
    assert update(later, "b") == state("b")


@pytest.mark.parametrize(
    ("ages", "accepted"),
    [((0.2, 0.9), ["d", "c", "b", "a"]), ((0.2, 1.1), ["d", "c", "b"]), ((1.1, 2.0), ["d", "c"])],
)
def test_rotations_within_the_overlap_keep_what_is_not_over(ages: tuple[float, ...], accepted: list[str]) -> None:
    """A rotation keeps every earlier secret whose own overlap is not over, and always the one that it replaces."""
    rotated = update(state("c", "b", "a", ages=ages), "d")
    assert rotated["accepted"] == accepted
    assert len(rotated[REPLACED_AT]) == len(accepted) - 1


def test_secret_that_becomes_current_again_is_listed_once() -> None:
    """A secret that returns is the newest, and no longer an earlier one."""
    rotated = update(state("b", "a", ages=(0.5,)), "a")
    assert rotated["accepted"] == ["a", "b"]
    assert len(rotated[REPLACED_AT]) == 1


def test_overlap_of_zero_lasts_until_the_next_update() -> None:
    """Without an overlap, the rotation itself still keeps the earlier secret; the next update removes it."""
    rotated = update(state("a", overlap_hours=0), "b", overlap_hours=0)
    assert rotated["accepted"] == ["b", "a"]
    assert update(rotated, "b", overlap_hours=0)["accepted"] == ["b"]


def test_shorter_overlap_holds_for_earlier_secrets_too() -> None:
    """A changed overlap is applied to what was replaced before: a leaked secret can be removed at once."""
    changed = update(state("b", "a", ages=(0.1,)), "b", overlap_hours=0)
    assert (changed["accepted"], changed["rotated_at"]) == (["b"], CREATED)
    kept = update(state("b", "a", ages=(0.1,)), "b", overlap_hours=5)
    assert kept["accepted"] == ["b", "a"]


def test_unknown_secret_is_a_change() -> None:
    """In the preview of a rotation the new secret is not known, which is a change."""
    assert "current" in SIGNING_SECRETS.changes(state("a"), inputs(UNKNOWN))
    assert SIGNING_SECRETS.check(inputs(UNKNOWN, UNKNOWN), {}).errors == []


def test_refresh_changes_nothing() -> None:
    """A read returns the state, also after the overlap."""
    old = state("b", "a", ages=(2,))
    assert SIGNING_SECRETS.read(SESSION, "id", old) == old


def test_hidden_state_contains_no_secret() -> None:
    """What Pulumi does not know as a secret has two underscores in both spellings, and only times in it."""
    rotated = update(state("b", "a", ages=(0.1,)), "c")
    assert camel_case(REPLACED_AT) == REPLACED_AT
    assert [type(moment) for moment in rotated[REPLACED_AT]] == [float, float]


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"current": None}, "import the webhook with it"),
        ({"current": ""}, "import the webhook with it"),
        ({"current": 1}, "must be a string, not a number"),
        ({"current": ["s3cret"]}, "must be a string, not a list"),
        ({"current": "a", "overlap_hours": -1}, "must be a number of hours"),
        ({"current": "a", "overlap_hours": float("nan")}, "must be a number of hours"),
        ({"current": "a", "overlap_hours": float("inf")}, "must be a number of hours"),
        ({"current": "a", "overlap_hours": "1"}, "must be a number of hours"),
        ({"current": "a", "overlap_hours": True}, "must be a number of hours"),
    ],
)
def test_invalid_inputs(declared: dict[str, Any], reason: str) -> None:
    """An invalid input has one error, which says what to do and never contains the value."""
    [error] = SIGNING_SECRETS.check(declared, {}).errors
    assert reason in error.reason
    assert "s3cret" not in error.reason
