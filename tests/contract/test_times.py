"""Times: their form, and Truto's clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.contract.truto import Observed, Truto, parse_time


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_form_of_times(truto: Truto, observed: Observed) -> None:
    """created_at and updated_at are strings such as 2021-08-10T10:00:00.000Z or 2021-08-10 10:00:00."""
    created = truto.create()
    updated = truto.update(created["id"], is_active=False)
    times = [
        webhook[name] for webhook in (created, updated) for name in ("created_at", "updated_at") if name in webhook
    ]
    assert times
    for time in times:
        parse_time(time)
    observed(", ".join({re.sub(r"\d", "0", time) for time in times}))


@pytest.mark.rests_on("pulumi_truto/webhook/tester.py")
def test_clock_of_truto(truto: Truto) -> None:
    """Truto's clock is at most a minute behind this machine's and five ahead; a time without a zone is in UTC."""
    sent_at = datetime.now(timezone.utc)
    clock_lead = parse_time(truto.create()["created_at"]) - sent_at
    # A time without a fraction is up to a second too early.
    assert timedelta(minutes=-1, seconds=-1) < clock_lead < timedelta(minutes=5)
