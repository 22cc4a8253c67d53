"""The sandbox's clock, which tests can freeze and advance, and the formats of times."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["Clock", "format_time", "parse_time"]


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
        self._lock = threading.RLock()
        self._time = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)
        self._set_at = time.monotonic()
        self._frozen = frozen

    def now(self) -> datetime:
        """The current time, aware and in UTC."""
        with self._lock:
            elapsed = 0.0 if self._frozen else time.monotonic() - self._set_at
            return self._time + timedelta(seconds=elapsed)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Raises:
            ValueError: ``seconds`` is negative, not finite, or leads past the last possible date.
        """
        if not seconds >= 0:
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
            self._time, self._set_at = self.now(), time.monotonic()
            self._frozen = frozen


def format_time(moment: datetime, timestamp_format: str) -> str:
    """Returns a time in the format of the API; see `SandboxSettings.timestamp_format`."""
    if timestamp_format == "space":
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_time(name: str, value: Any) -> datetime:
    """Returns a time in UTC; a time without a zone is in UTC.

    Raises:
        ValueError: it is not a time, or out of range.
    """
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is not a time: {value!r}") from None
