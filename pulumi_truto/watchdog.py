"""Shuts sockets that take too long, from one thread for all of them. Knows nothing of HTTP.

A thread, or a `threading.Timer`, for each answer would cost more than reading the answer does.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["WATCHDOG", "Watchdog", "Watched"]


class _Connection(Protocol):
    """A socket, or what stands for one: TLS within TLS, as to an https:// proxy, is no socket."""

    def fileno(self) -> int: ...


@dataclass(eq=False)
class Watched:
    """A connection that is being read from.

    Attributes:
        deadline: when it is shut, on this machine's monotonic clock.
        shut: whether it was.
    """

    connection: _Connection
    deadline: float
    shut: bool = False


class Watchdog:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def start(self) -> None:
        """Makes the thread, if there is none yet.

        Raises:
            RuntimeError: this process may have no more threads.
        """
        with self._condition:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="truto-watchdog", daemon=True)
                thread.start()
                self._thread = thread

    def watch(self, connection: _Connection, seconds: float) -> Watched:
        """The connection is shut in so many seconds, unless `release` comes before."""
        self.start()
        watched = Watched(connection, time.monotonic() + seconds)
        with self._condition:
            self._watched.add(watched)
            if watched.deadline < self._wakes_at:
                self._condition.notify()
        return watched

    def release(self, watched: Watched) -> None:
        """From here on the connection is not shut any more, if it has not been yet."""
        with self._condition:
            self._watched.discard(watched)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for late in [each for each in self._watched if each.deadline <= now]:
                    self._watched.remove(late)
                    late.shut = True
                    with suppress(OSError, ValueError):  # closed meanwhile
                        _shut(late.connection)
                self._wakes_at = min((each.deadline for each in self._watched), default=now + threading.TIMEOUT_MAX)
                self._condition.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))


def _shut(connection: _Connection) -> None:
    """Ends the TCP connection; the object itself is in use by the thread that reads from it, and is left alone."""
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
        twin.shutdown(socket.SHUT_RDWR)


#: The one of this process.
WATCHDOG: Final = Watchdog()
if hasattr(os, "register_at_fork"):
    # A child has neither the thread nor the business of shutting its parent's connections.
    os.register_at_fork(after_in_child=WATCHDOG.__init__)  # type: ignore[misc]
