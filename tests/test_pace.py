"""The rate limit is kept by what Truto's answers say of it, and nothing fails for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_truto.client import TrutoClient
from pulumi_truto.pace import Pace
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.settings import Settings
from tests.harness import URL


def test_no_request_is_refused() -> None:
    """Three times as many creates as the limit allows at once all succeed, and none was refused on the way."""
    with Sandbox(rate_limit=30, rate_window_seconds=1) as sandbox:
        client = TrutoClient(Settings(sandbox.token, sandbox.base_url))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: client.create_webhook({"target_url": f"{URL}/{n}"}), range(90)))
        assert [call.status for call in sandbox.calls] == [200] * 90


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ratelimit-remaining": "0"},
        {"ratelimit-remaining": "x", "ratelimit-reset": "1"},
        {"ratelimit-remaining": "0", "ratelimit-reset": "-1"},
        {"ratelimit-remaining": "0", "ratelimit-reset": "86400"},
        {"ratelimit-remaining": "²", "ratelimit-reset": "²"},
        {"ratelimit-remaining": "9" * 5000, "ratelimit-reset": "9" * 5000},
    ],
)
def test_nonsense_does_not_hold_up(headers: dict[str, str]) -> None:
    """Headers that are missing, or make no sense, never make a request wait."""
    pace = Pace()
    with pace.turn():
        pace.note(headers)
    with pace.turn():
        assert pace._reset_at == 0.0
