"""The rate limit is kept by what Truto's answers say of it, and nothing fails for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_truto.client import TrutoClient
from pulumi_truto.pace import Pace
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.settings import Settings
from pulumi_truto.transport import RequestPolicy
from tests.harness import URL

#: Nothing is left, and the next window is far away.
EXHAUSTED = {"ratelimit-limit": "500", "ratelimit-remaining": "0", "ratelimit-reset": "25"}


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
    with pace.turn(1) as sent_at:
        pace.note(headers, sent_at)
    with pace.turn(1):
        assert pace._reset_at == 0.0


def test_waiting_for_the_rate_limit_ends_with_the_call(sandbox: Sandbox) -> None:
    """A reset that is further away than the call may take does not hold it up for longer."""
    sandbox.inject("answer", "list", status=200, body={"result": []}, headers=EXHAUSTED)
    client = TrutoClient(Settings(sandbox.token, sandbox.base_url), RequestPolicy(total_seconds=0.5))
    client.list_webhooks()
    before = time.monotonic()
    client.list_webhooks()
    assert time.monotonic() - before < 5


def test_a_late_answer_of_the_window_before_does_not_count() -> None:
    """An answer that comes after the reset, and says that nothing is left until then, holds up nothing."""
    pace = Pace()
    with pace.turn(1) as sent_at:
        pace.note({"ratelimit-remaining": "0", "ratelimit-reset": "1"}, sent_at)
    with pace.turn(10) as later:
        pace.note({"ratelimit-remaining": "499", "ratelimit-reset": "10"}, later)
        pace.note(EXHAUSTED, sent_at)
        assert pace._remaining == 499


def test_all_that_wait_go_on_with_the_new_window() -> None:
    """Who waits for what is left of a window is woken by the first answer of the next one, not one after the other."""
    pace = Pace()
    inside = threading.Barrier(9, timeout=30)

    def request() -> None:
        with pace.turn(60):
            inside.wait()

    with pace.turn(1) as sent_at:
        pace.note({"ratelimit-remaining": "0", "ratelimit-reset": "20"}, sent_at)
        with ThreadPoolExecutor(8) as pool:
            for _ in range(8):
                pool.submit(request)
            pace.note({"ratelimit-remaining": "499", "ratelimit-reset": "30"}, sent_at)
            inside.wait()
