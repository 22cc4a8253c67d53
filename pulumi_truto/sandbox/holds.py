"""Holds requests in flight until a test releases them."""

from __future__ import annotations

import asyncio
import threading
import time

from pulumi_truto.sandbox.routes import OPERATIONS
from pulumi_truto.sandbox.validation import check_choice

__all__ = ["Hold"]

_POLL_SECONDS = 0.002


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
        check_choice("operation", (*OPERATIONS, "any"), operation)
        if skip < 0:
            raise ValueError("skip must be a non-negative integer")
        self._operation = operation
        self._remaining_skips = skip
        self._released = threading.Event()
        self.held = 0
        """The number of requests that are waiting now. Only the event loop changes it."""

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Returns as soon as at least ``count`` requests are waiting.

        Raises:
            TimeoutError: fewer requests arrived within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while self.held < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.held} of {count} requests arrived within {seconds} s")
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Lets the waiting requests and all later ones continue."""
        self._released.set()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    async def wait_until_released(self, operation: str) -> None:
        """Waits, if requests for this operation are held, and returns when the request may continue."""
        if self._released.is_set() or not operation or self._operation not in (operation, "any"):
            return
        if self._remaining_skips:
            self._remaining_skips -= 1
            return
        self.held += 1
        try:
            while not self._released.is_set():
                await asyncio.sleep(_POLL_SECONDS)
        finally:  # The sandbox may have been stopped during the wait.
            self.held -= 1
