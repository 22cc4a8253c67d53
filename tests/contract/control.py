"""Decides when a request may be sent: not after a signal, not after the time limit, and never too many at once."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from tests.contract.fact import RequestFailed

__all__ = ["SIGNALS", "Control", "Stopped"]

#: Truto allows 500 requests in 10 seconds. Others may use the same token.
MAX_REQUESTS: Final = 200
WINDOW_SECONDS: Final = 10.0
#: What ends a run: Ctrl-C, the end of a job, and a closed terminal. Windows has no SIGHUP.
SIGNALS: Final = tuple(each for each in signal.Signals if each.name in ("SIGINT", "SIGTERM", "SIGHUP"))


class Stopped(Exception):
    """A signal ended the run."""


class Control:
    """When requests may be sent.

    A signal raises nothing by itself, so that the response to a create in flight is not lost. The next request is not
    sent.

    Args:
        time_limit_seconds: no request of a probe is sent later than this.
        max_requests: the maximum number of requests in a window.
        window_seconds: the length of a window.

    Attributes:
        signal: the signal that ended the run.
        is_cleaning_up: signals and the time limit no longer count.
    """

    def __init__(
        self, time_limit_seconds: float, max_requests: int = MAX_REQUESTS, window_seconds: float = WINDOW_SECONDS
    ) -> None:
        self.signal: int | None = None
        self.is_cleaning_up = False
        self._deadline = time.monotonic() + time_limit_seconds
        self._window_seconds = window_seconds
        self._ended_at: deque[float] = deque(maxlen=max_requests)

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Within the block a signal ends the run after the request in flight."""
        # nohup has the terminal's end ignored.
        handled = [each for each in SIGNALS if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN]
        before = [signal.signal(each, self._handle) for each in handled]
        try:
            yield
        finally:
            for each, handler in zip(handled, before, strict=True):
                signal.signal(each, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
        # To standard error. Not by print, which may be what the signal interrupted.
        with suppress(OSError):  # a terminal that is closed
            os.write(2, b"stopping: cleaning up, please wait\n")

    def check(self) -> None:
        """Returns if the run may go on.

        Raises:
            Stopped: there was a signal.
            RequestFailed: the time is over.
        """
        if self.is_cleaning_up:
            return
        if self.signal is not None:
            raise Stopped
        if time.monotonic() > self._deadline:
            raise RequestFailed("the time limit of the run is over")

    def before_request(self) -> None:
        """Waits until a request may be sent. Raises as `check` does."""
        self.check()
        if len(self._ended_at) == self._ended_at.maxlen:
            self.sleep(self._ended_at[0] + self._window_seconds - time.monotonic())

    def after_request(self) -> None:
        """Counts a request, when it has ended: Truto counted it earlier."""
        self._ended_at.append(time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Waits. Raises as `check` does, also during the wait."""
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            self.check()
            time.sleep(min(remaining, 0.1))
        self.check()
