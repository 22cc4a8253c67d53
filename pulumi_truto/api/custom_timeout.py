"""The time that a program allows for one operation on a resource: Pulumi's resource option ``customTimeouts``.

It bounds everything that the operation does on its thread: connections, attempts, waits, and all calls together. The
limits of `pulumi_truto.api.retry.RequestPolicy` hold besides. Imports nothing that a run without changes does not need.
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

__all__ = ["CustomTimeout", "acquired_in_time", "current_timeout", "custom_timeout"]


@dataclass(frozen=True)
class CustomTimeout:
    """The custom timeout of an operation.

    Attributes:
        seconds: how long the operation may take; infinite if the program does not say.
        deadline: when it has to end, in seconds of `time.monotonic`.
    """

    seconds: float = math.inf
    deadline: float = math.inf

    @property
    def is_set(self) -> bool:
        """Whether the program sets one."""
        return math.isfinite(self.seconds)

    @property
    def remaining_seconds(self) -> float:
        """What is left of it."""
        return max(0.0, self.deadline - time.monotonic())

    def describe(self, own_limit_seconds: float = math.inf) -> str:
        """What an error says after the time that was spent; empty if the program sets no timeout.

        Args:
            own_limit_seconds: the limit that the provider itself has for this.
        """
        if not self.is_set:
            return ""
        own = f" and the provider's own limit of {own_limit_seconds:.10g} s" if self.seconds > own_limit_seconds else ""
        return f", with a custom timeout of {self.seconds:.10g} s{own}"


_NONE: Final = CustomTimeout()
_current: ContextVar[CustomTimeout] = ContextVar("custom_timeout", default=_NONE)
#: The maximum time that `threading` can wait for a lock.
_MAX_WAIT: Final = threading.TIMEOUT_MAX


def current_timeout() -> CustomTimeout:
    """The custom timeout of the operation that this thread is in."""
    return _current.get()


@contextmanager
def custom_timeout(seconds: float) -> Iterator[None]:
    """What this thread does inside has to end within that time. Zero, as Pulumi sends it, means no custom timeout."""
    timeout = CustomTimeout(seconds, time.monotonic() + seconds) if seconds > 0 else _NONE
    token = _current.set(timeout)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def acquired_in_time(lock: threading.Lock, attempted: str) -> Iterator[None]:
    """Holds a lock, for which it waits no longer than the custom timeout.

    Args:
        lock: the lock.
        attempted: what this is, for the message, as in "read webhook X".

    Raises:
        ConnectError: the time is over. Nothing was sent.
    """
    timeout = current_timeout()
    if not lock.acquire(timeout=min(timeout.remaining_seconds, _MAX_WAIT)):
        raise ConnectError(
            f"cannot {attempted}: gave up after {timeout.seconds:.10g} s, which is its custom timeout, while another "
            "operation of this run was in flight; nothing was sent. Raise `customTimeouts`, then run `pulumi up` again"
        )
    try:
        yield
    finally:
        lock.release()
