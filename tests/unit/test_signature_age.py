"""The age of a delivery, from the time in it: every supported Python reads the same times."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from pulumi_truto.signature import SignatureError, verify_age

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "created_at",
    [
        "2026-11-24T10:00:00.000Z",
        "2026-11-24T09:55:00.000Z",
        "2026-11-24T10:05:00.000Z",
        "2026-11-24 09:59:00",
        "2026-11-24T11:59:00+02:00",
        "2026-11-24T10:00:00.5Z",
        "2026-11-24T10:00:00.123456789Z",
        "2026-11-24T10:00:00.12345678901234567890Z",
        "2026-11-24t10:00:00z",
        "2026-11-24T12:00:00+0200",
        "2026-11-24 12:00:00.5+02",
        "2026-11-24T08:30:00.000-01:30",
        "2026-11-24T10:00:00-00:00",
        "2026-11-24T09:59:60Z",
        NOW,
        NOW.replace(tzinfo=None),
        NOW.astimezone(timezone(timedelta(hours=5))),
    ],
)
def test_recent_delivery_is_accepted(created_at: object) -> None:
    """A delivery of the last five minutes is accepted, in every form of RFC 3339 and Truto's, with another clock."""
    verify_age(created_at, now=NOW)


@pytest.mark.parametrize("created_at", ["2026-11-24T09:54:59Z", "2025-11-24T10:00:00Z"])
def test_old_delivery_is_rejected(created_at: str) -> None:
    """An older delivery may be a replay."""
    with pytest.raises(SignatureError, match="it may be a replay"):
        verify_age(created_at, now=NOW)


def test_delivery_from_the_future_is_rejected() -> None:
    """A delivery from the future shows that a clock is wrong."""
    with pytest.raises(SignatureError, match="301 seconds in the future: check this machine's clock"):
        verify_age("2026-11-24T10:05:01Z", now=NOW)


@pytest.mark.parametrize(
    "created_at",
    [
        None,
        "",
        "yesterday",
        5,
        {},
        NOW.date(),
        "9999-99-99",
        "2026-11-24",
        "2026-11-24T10:00Z",
        "20261124T100000Z",
        "2026-W48-2T10:00:00Z",
        "2026-11-24T10:00:00,5Z",
        "2026-11-24T10:00:00.Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:00Z",
        "2026-11-24T10:00:61Z",
        "2026-02-29T10:00:00Z",
        "2026-11-24T10:00:00+24:00",
        "2026-11-24T10:00:00+00:60",
        "2026-11-24T10:00:00+00:00:00",
        "2026-11-24T10:00:00 Z",
        " 2026-11-24T10:00:00Z",
        "2026-11-24T10:00:00Z\n",
        "2026-11-24T10:00:0\uff10Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
    ],
)
def test_delivery_without_a_time_is_rejected(created_at: object) -> None:
    """A delivery whose age is unknown is rejected, also where some Pythons would read the time."""
    with pytest.raises(SignatureError, match="no readable created_at"):
        verify_age(created_at, now=NOW)


def test_tolerance_can_be_chosen() -> None:
    """The maximum age is the receiver's choice, and by default the time of this machine counts."""
    verify_age(datetime.now(timezone.utc).isoformat(), tolerance_seconds=60)
    with pytest.raises(SignatureError):
        verify_age("2026-11-24T09:58:59Z", tolerance_seconds=60, now=NOW)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1, -0.1, True, "300", None, timedelta(seconds=300)])
def test_tolerance_must_be_a_number_of_seconds(seconds: Any) -> None:
    """A tolerance that would accept everything, nothing, or has another unit is an error."""
    with pytest.raises(ValueError, match="tolerance_seconds must be a number of seconds"):
        verify_age("2026-11-24T10:00:00Z", tolerance_seconds=seconds, now=NOW)


@pytest.mark.parametrize("now", [NOW.replace(tzinfo=None), NOW.timestamp(), NOW.isoformat(), date(2026, 11, 24), 0])
def test_now_must_have_a_time_zone(now: Any) -> None:
    """A present time without a zone is an error, whatever the delivery has."""
    with pytest.raises(ValueError, match="now must be a datetime with a time zone"):
        verify_age("2026-11-24 10:00:00", now=now)
