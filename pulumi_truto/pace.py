"""Keeps below Truto's rate limit by what its answers say of it, so that few requests are refused. Knows no HTTP.

Every answer may hold ``ratelimit-remaining`` and ``ratelimit-reset`` (seconds; Truto's API reference). When less is
left than there are requests under way, the next ones wait for the reset. A 429 is still possible, as other programs
may use the same token: `transport` waits and repeats then.
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


class Pace:
    """The pace of all requests with one token. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._not_before = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until a request may be sent, which is then sent inside."""
        while True:
            with self._lock:
                seconds = self._not_before - time.monotonic()
                if seconds <= 0:
                    self._under_way += 1
                    break
            time.sleep(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def note(self, headers: Mapping[str, str]) -> None:
        """Takes what an answer says; nonsense is as good as nothing."""
        remaining, reset = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
        if not (_is_number(remaining) and _is_number(reset)) or int(reset) > _LONGEST_SECONDS:
            return
        with self._lock:
            if int(remaining) < self._under_way:
                self._not_before = max(self._not_before, time.monotonic() + int(reset))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
