"""Requests that wait in the sandbox until a test lets them go; it must import neither the routes nor the server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from types import TracebackType

from pulumi_truto.sandbox.faults import OPERATIONS


class Hold:
    """Requests of one operation wait here, before they are carried out, until `release`.

    With a hold a test decides what is in flight at a given moment; a latency or a pause only makes it likely.
    Every method may be called from any thread. As a context manager it releases at the end.

    Args:
        operation: the requests it holds; "any" is every known operation.
        skip: how many matching requests pass first.
    """

    def __init__(self, operation: str = "any", *, skip: int = 0) -> None:
        known = (*OPERATIONS, "any")
        if operation not in known:
            raise ValueError(f"unknown operation {operation!r}: one of {', '.join(known)}")
        self._operation = operation
        self._to_skip = skip
        self._changed = threading.Condition()
        self._held: list[concurrent.futures.Future[None]] = []
        self._released = False

    @property
    def held(self) -> int:
        """How many requests wait now."""
        with self._changed:
            return len(self._held)

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Returns as soon as at least that many requests wait; a TimeoutError when they do not come."""
        until = time.monotonic() + seconds
        with self._changed:
            while len(self._held) < count:
                if not self._changed.wait(until - time.monotonic()):
                    raise TimeoutError(f"{len(self._held)} of {count} requests came within {seconds} s")

    def release(self) -> None:
        """Lets go the requests that wait and all that come later."""
        with self._changed:
            self._released = True
            held, self._held = self._held, []
        for each in held:
            if each.set_running_or_notify_cancel():
                each.set_result(None)

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    async def pass_through(self, operation: str) -> None:
        """Returns when a request for this operation may go on."""
        with self._changed:
            if self._released or not operation or self._operation not in (operation, "any"):
                return
            if self._to_skip:
                self._to_skip -= 1
                return
            waiting: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._held.append(waiting)
            self._changed.notify_all()
        try:
            await asyncio.wrap_future(waiting)
        finally:  # also where the sandbox stops meanwhile
            with self._changed:
                if waiting in self._held:
                    self._held.remove(waiting)
