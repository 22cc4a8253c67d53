"""Keeps below Truto's rate limit by what its answers say of it, so that few requests are refused. Knows no HTTP.

Every answer may hold ``ratelimit-remaining`` and ``ratelimit-reset`` (seconds; Truto's API reference). Where no more
is left than there are requests under way, the next ones wait for the reset. A 429 is still possible, as other
programs may use the same token: `transport` waits and repeats then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

__all__ = ["Pace"]

#: A reset that is further away is not believed: Truto's window has ten seconds.
_LONGEST_SECONDS: Final = 30
#: So much later than expected, a reset is that of a new window.
_SLACK_SECONDS: Final = 2


class Pace:
    """The pace of all requests with one token. Safe to use from several threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._under_way = 0
        # What the answers of this window say: how many requests are left, and when the next window begins.
        self._remaining = 0
        self._reset_at = 0.0
        self._began_at = 0.0

    @contextmanager
    def turn(self, longest_seconds: float) -> Iterator[float]:
        """Waits until a request may be sent, or for the longest time; the request is then sent inside.

        Gives the time of that, for `note`.
        """
        latest = time.monotonic() + longest_seconds
        with self._condition:
            # Those under way may be among those that are not left any more, or not: then this waits a little longer.
            while self._remaining <= self._under_way:
                seconds = min(self._reset_at, latest) - time.monotonic()
                if seconds <= 0:
                    break
                self._condition.wait(seconds)
            self._under_way += 1
        try:
            yield time.monotonic()
        finally:
            with self._condition:
                self._under_way -= 1
                self._condition.notify()

    def note(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Takes what the answer to a request of that time says; nonsense is as good as nothing."""
        remaining, reset = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
        if not (_is_number(remaining) and _is_number(reset)) or int(reset) > _LONGEST_SECONDS:
            return
        now = time.monotonic()
        reset_at = now + int(reset)
        with self._condition:
            is_over = now >= self._reset_at
            if sent_at < (self._reset_at if is_over else self._began_at):
                return  # a late answer, of a window that is over
            if is_over:
                self._began_at = self._reset_at
            if is_over or reset_at > self._reset_at + _SLACK_SECONDS:
                self._remaining, self._reset_at = int(remaining), reset_at
                self._condition.notify_all()
            else:
                # Whole seconds, rounded up: each answer names a time that is too late, so the earliest is the best.
                self._remaining = min(self._remaining, int(remaining))
                self._reset_at = min(self._reset_at, reset_at)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
