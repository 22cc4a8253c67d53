"""The clock, the formats of timestamps, and delays."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from tests.support.sandbox_client import START, call_api, create_webhook


def test_timestamps_with_a_space(frozen_sandbox: Sandbox) -> None:
    """With `timestamp_format="space"` a timestamp has a space, and neither milliseconds nor a time zone."""
    frozen_sandbox.backend.change_settings({"timestamp_format": "space"})
    assert create_webhook(frozen_sandbox)["created_at"] == "2021-08-10 10:00:00"


def test_date_header_shows_the_time_of_the_clock(frozen_sandbox: Sandbox) -> None:
    """The Date header is the time of the sandbox's clock, like the timestamps of webhooks."""
    assert call_api(frozen_sandbox, "GET", "/webhook").headers["Date"] == "Tue, 10 Aug 2021 10:00:00 GMT"
    frozen_sandbox.backend.clock.advance(3600)
    assert call_api(frozen_sandbox, "GET", "/none").headers["Date"] == "Tue, 10 Aug 2021 11:00:00 GMT"


def test_clock_runs_unless_frozen() -> None:
    """A clock runs on from its start, stands still while frozen, and never goes back."""
    clock = Clock(START)
    assert clock.now() > START
    clock.frozen = True
    assert clock.now() == clock.now()
    with pytest.raises(ValueError, match="non-negative"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="that far"):
        clock.advance(1e300)
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2021, 1, 1))  # noqa: DTZ001  # naive on purpose


def test_latency(sandbox: Sandbox) -> None:
    """With a latency every response takes at least that long."""
    sandbox.backend.change_settings({"latency_seconds": 0.2})
    started = time.monotonic()
    call_api(sandbox, "GET", "/webhook")
    assert time.monotonic() - started >= 0.2
