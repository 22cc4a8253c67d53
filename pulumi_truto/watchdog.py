"""Shuts sockets that take too long, from one thread for all of them. Knows nothing of HTTP.

A thread, or a `threading.Timer`, for each answer would cost more than reading the answer does.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

__all__ = ["WATCHDOG", "Watchdog", "Watched"]

#: How long the thread stays with nothing to watch.
_IDLE_SECONDS: Final = 30.0


@dataclass(eq=False)
class Watched:
    """A socket that is being read from.

    Attributes:
        deadline: when it is shut, on this machine's monotonic clock.
        shut: whether it was.
    """

    sock: socket.socket
    deadline: float
    shut: bool = False


class Watchdog:
    """Safe to use from several threads, and after a fork."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def watch(self, sock: socket.socket, seconds: float) -> Watched:
        """The socket is shut in so many seconds, unless `release` comes before."""
        watched = Watched(sock, time.monotonic() + seconds)
        with self._condition:
            self._watched.add(watched)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="truto-watchdog", daemon=True)
                self._thread.start()
            elif watched.deadline < self._wakes_at:
                self._condition.notify()
        return watched

    def release(self, watched: Watched) -> None:
        """From here on the socket is not shut any more, if it has not been yet."""
        with self._condition:
            self._watched.discard(watched)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for late in [each for each in self._watched if each.deadline <= now]:
                    self._watched.remove(late)
                    late.shut = True
                    with suppress(OSError):  # closed meanwhile
                        # Not sock.shutdown: on TLS it changes the object under the thread that reads from it.
                        socket.socket.shutdown(late.sock, socket.SHUT_RDWR)
                self._wakes_at = min((each.deadline for each in self._watched), default=now + _IDLE_SECONDS)
                if not self._condition.wait(self._wakes_at - now) and not self._watched:
                    self._thread = None
                    return


#: The one of this process.
WATCHDOG: Final = Watchdog()
