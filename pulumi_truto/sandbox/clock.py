"""The sandbox's clock, which tests can freeze and advance."""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime, timedelta, timezone

__all__ = ["Clock", "is_duration"]


class Clock:
    """A UTC clock that runs, unless frozen, and never goes back. Thread-safe.

    Args:
        start: the initial time, an aware datetime; by default the current time.
        frozen: whether the clock only moves when it is advanced.

    Raises:
        ValueError: ``start`` is a naive datetime.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the clock's start must be an aware datetime")
        self._lock = threading.Lock()
        self._time = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)
        self._since = time.monotonic()
        self._frozen = frozen

    def now(self) -> datetime:
        """The current time, aware and in UTC."""
        with self._lock:
            return self._read()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Raises:
            ValueError: ``seconds`` is negative, not finite, or leads past the last possible date.
        """
        if not is_duration(seconds):
            raise ValueError("the clock advances by a non-negative number of seconds")
        try:
            with self._lock:
                self._time += timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError("the clock cannot advance that far") from None

    @property
    def frozen(self) -> bool:
        """Whether the clock is frozen."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self._lock:
            self._time, self._since = self._read(), time.monotonic()
            self._frozen = frozen

    def _read(self) -> datetime:
        elapsed = 0.0 if self._frozen else time.monotonic() - self._since
        return self._time + timedelta(seconds=elapsed)


def is_duration(seconds: object) -> bool:
    """Whether this is a valid number of seconds: finite and not negative."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return False
    # `math.isfinite` raises for an integer that is too large for a float.
    return 0 <= seconds <= sys.float_info.max
