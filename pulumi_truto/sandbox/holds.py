"""Holds requests in flight until a test releases them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from types import TracebackType

from pulumi_truto.sandbox.faults import OPERATIONS

__all__ = ["Hold"]


class Hold:
    """Keeps the requests of one operation waiting, before they are processed, until `release`. Thread-safe.

    With a hold a test decides which requests are in flight at a given moment; a latency or a sleep only makes it
    likely. As a context manager it releases at the end.

    Args:
        operation: the operation whose requests are held; "any" means every known operation.
        skip: the number of matching requests that are not held, before the first that is.

    Raises:
        ValueError: the operation is unknown, or `skip` is negative.
    """

    def __init__(self, operation: str = "any", *, skip: int = 0) -> None:
        known = (*OPERATIONS, "any")
        if operation not in known:
            raise ValueError(f"unknown operation {operation!r}: one of {', '.join(known)}")
        if skip < 0:
            raise ValueError("skip must be a non-negative integer")
        self._operation = operation
        self._remaining_skips = skip
        self._changed = threading.Condition()
        self._waiting: list[concurrent.futures.Future[None]] = []
        self._released = False

    @property
    def held(self) -> int:
        """The number of requests that are waiting now."""
        with self._changed:
            return len(self._waiting)

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Returns as soon as at least ``count`` requests are waiting.

        Raises:
            TimeoutError: fewer requests arrived within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(self._waiting) < count:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(self._waiting)} of {count} requests arrived within {seconds} s")

    def release(self) -> None:
        """Lets the waiting requests and all later ones continue."""
        with self._changed:
            self._released = True
            waiting, self._waiting = self._waiting, []
        for request in waiting:
            if request.set_running_or_notify_cancel():
                request.set_result(None)

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    async def wait_until_released(self, operation: str) -> None:
        """Waits, if requests for this operation are held, and returns when the request may continue."""
        with self._changed:
            if self._released or not operation or self._operation not in (operation, "any"):
                return
            if self._remaining_skips:
                self._remaining_skips -= 1
                return
            request: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._waiting.append(request)
            self._changed.notify_all()
        try:
            await asyncio.wrap_future(request)
        finally:  # The sandbox may have been stopped during the wait.
            with self._changed:
                if request in self._waiting:
                    self._waiting.remove(request)
