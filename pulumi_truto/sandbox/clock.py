"""The sandbox's time; it must import nothing of the sandbox."""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime, timedelta, timezone


class Clock:
    """The sandbox's time, in UTC: it runs, unless frozen, and never goes back.

    Args:
        start: where it starts, an aware datetime; by default the present.
        frozen: it stands still until it is advanced.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the clock's start must be an aware datetime")
        self._lock = threading.Lock()
        self._time = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)
        self._since = time.monotonic()
        self._frozen = frozen

    def now(self) -> datetime:
        """The present time, aware and in UTC."""
        with self._lock:
            return self._read()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; a negative or endless duration is a ValueError."""
        if not is_duration(seconds):
            raise ValueError("the clock advances by a number of seconds that is not negative")
        try:
            with self._lock:
                self._time += timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError("the clock cannot advance that far") from None

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self._lock:
            self._time, self._since = self._read(), time.monotonic()
            self._frozen = frozen

    def _read(self) -> datetime:
        running = 0.0 if self._frozen else time.monotonic() - self._since
        return self._time + timedelta(seconds=running)


def is_duration(seconds: object) -> bool:
    """Whether this is a number of seconds that a duration can have: finite, and not negative."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return False
    # Compared rather than asked `math.isfinite`, which fails on an integer that is too large for a float.
    return 0 <= seconds <= sys.float_info.max
