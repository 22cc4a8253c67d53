"""Cancels a run on Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pulumi_truto.testing.engine.display import Display

__all__ = ["cancel_on_signals"]


@contextlib.contextmanager
def cancel_on_signals(cancel: Callable[[], None], display: Display) -> Iterator[None]:
    """Handles SIGINT and SIGTERM in the context: operations in flight finish, and their results are saved."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only
        return

    def stop(name: str) -> None:
        display.error(f"cancelled by {name}: operations in flight will finish, and no new ones will start")
        cancel()

    def handle(number: int, _frame: Any) -> None:
        # On another thread: the interrupted one may hold the display's lock.
        threading.Thread(target=stop, args=(signal.Signals(number).name,), daemon=True).start()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
