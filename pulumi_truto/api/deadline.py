"""When an operation has to end: 120 seconds after its start, or earlier with a custom timeout.

Imports nothing that a run without changes does not need.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from pulumi_truto.errors import ConnectError

__all__ = ["OPERATION_SECONDS", "Deadline", "acquired_in_time", "current_deadline", "deadline_in"]

#: The maximum time for an operation, with all its calls, attempts and waits. A test of a webhook has it for each
#: attempt.
OPERATION_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Deadline:
    """The moment at which an operation has to end, in seconds of `time.monotonic`.

    Attributes:
        ends_at: the moment.
        custom_seconds: the custom timeout (Pulumi's resource option ``customTimeouts``); infinite if there is none.
        custom_ends_at: the moment at which it is over.
    """

    ends_at: float
    custom_seconds: float = math.inf
    custom_ends_at: float = math.inf

    @property
    def remaining_seconds(self) -> float:
        """The time that is left."""
        return max(0.0, self.ends_at - time.monotonic())

    def describe(self) -> str:
        """The custom timeout, for a message after the time that was spent; empty if there is none."""
        if math.isinf(self.custom_seconds):
            return ""
        own_limit = (
            ""
            if self.ends_at == self.custom_ends_at
            else f" and the provider's own limit of {OPERATION_SECONDS:.10g} s"
        )
        return f", with a custom timeout of {self.custom_seconds:.10g} s{own_limit}"

    def no_time_left(self, attempted: str) -> ConnectError:
        """The error of a call that was not sent.

        Args:
            attempted: the action, as in "read webhook X".
        """
        remedy = "Run" if math.isinf(self.custom_seconds) else "Raise `customTimeouts`, then run"
        return ConnectError(
            f"cannot {attempted}: no time was left{self.describe()}; nothing was sent. {remedy} `pulumi up` again"
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline(default_seconds: float = OPERATION_SECONDS) -> Deadline:
    """The deadline of the operation that this thread is in; outside of an operation, a new one."""
    return _current.get() or Deadline(time.monotonic() + default_seconds)


@contextmanager
def deadline_in(seconds: float = OPERATION_SECONDS, custom_seconds: float = 0.0) -> Iterator[None]:
    """The calls of this thread inside have to end within that time, and within the custom timeout around it.

    Args:
        seconds: the time.
        custom_seconds: the custom timeout of an operation that starts here; 0 for none, like Pulumi's.
    """
    now, outer_deadline = time.monotonic(), current_deadline()
    if custom_seconds > 0:
        outer_deadline = Deadline(math.inf, custom_seconds, now + custom_seconds)
    token = _current.set(
        Deadline(
            min(now + seconds, outer_deadline.custom_ends_at),
            outer_deadline.custom_seconds,
            outer_deadline.custom_ends_at,
        )
    )
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acquired_in_time(lock: threading.Lock, attempted: str) -> Iterator[None]:
    """Holds a lock, and waits for it until the deadline.

    Args:
        lock: the lock.
        attempted: the action, for the message, as in "read webhook X".

    Raises:
        ConnectError: the time is over. Nothing was sent.
    """
    deadline = current_deadline()
    if not lock.acquire(timeout=deadline.remaining_seconds):
        raise deadline.no_time_left(attempted)
    try:
        yield
    finally:
        lock.release()
