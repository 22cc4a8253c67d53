"""What takes too long is shut in time, by one thread for all; what does not is left alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pulumi_truto.watchdog import Watchdog

SOON = 0.1
#: A test that waits this long for an end has failed.
LONG = 30.0


@pytest.fixture
def connections() -> Iterator[list[socket.socket]]:
    """Sockets whose other end says nothing."""
    with ExitStack() as stack:
        pairs = [[stack.enter_context(end) for end in socket.socketpair()] for _ in range(20)]
        for end, _ in pairs:
            end.settimeout(LONG)
        yield [end for end, _ in pairs]


def threads() -> int:
    """How many watchdogs there are."""
    return sum(thread.name == "truto-watchdog" for thread in threading.enumerate())


def test_all_that_are_late_are_shut_by_one_thread(connections: list[socket.socket]) -> None:
    """Twenty at once cost one thread, and each ends."""
    before = threads()
    watchdog = Watchdog()
    watched = [watchdog.watch(each, SOON) for each in connections]
    assert threads() == before + 1
    assert [each.recv(1) for each in connections] == [b""] * 20
    assert all(each.shut for each in watched)


def test_what_is_released_is_left_alone(connections: list[socket.socket]) -> None:
    """A connection that had its answer in time serves again, however long it is kept."""
    watchdog = Watchdog()
    released, late, *_ = connections
    watchdog.release(watchdog.watch(released, SOON))
    watchdog.watch(late, 2 * SOON)
    assert late.recv(1) == b""
    released.settimeout(0)
    with pytest.raises(BlockingIOError):
        released.recv(1)


def test_a_shorter_time_that_comes_later_is_kept(connections: list[socket.socket]) -> None:
    """The watchdog does not oversleep while it waits for something further away."""
    watchdog = Watchdog()
    far, near, *_ = connections
    watched = watchdog.watch(far, 2 * LONG)
    time.sleep(SOON)  # it sleeps by now
    watchdog.watch(near, SOON)
    assert near.recv(1) == b""
    assert not watched.shut
    watchdog.release(watched)


class NoSocket:
    """TLS within TLS, as to an https:// proxy: an object of urllib3's, and no socket."""

    def __init__(self, inner: socket.socket) -> None:
        self.fileno = inner.fileno


def test_what_is_no_socket_is_shut_too(connections: list[socket.socket]) -> None:
    """A connection through TLS within TLS is shut like any other, and the next one after it as well."""
    watchdog = Watchdog()
    wrapped, late, *_ = connections
    watchdog.watch(NoSocket(wrapped), SOON)
    watchdog.watch(late, 2 * SOON)
    assert wrapped.recv(1) == b""
    assert late.recv(1) == b""


FORK = """
    import os, socket
    from pulumi_truto.watchdog import WATCHDOG
    theirs, other = socket.socketpair()
    theirs.settimeout(30)
    WATCHDOG.watch(theirs, 0.5)
    if os.fork() == 0:
        mine, silent = socket.socketpair()
        mine.settimeout(30)
        WATCHDOG.watch(mine, 1)
        os._exit(len(mine.recv(1)))
    [watched] = WATCHDOG._watched
    WATCHDOG.release(watched)
    _, status = os.wait()
    theirs.settimeout(0)
    try:
        theirs.recv(1)
    except BlockingIOError:
        print("still open", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork() -> None:
    """A child watches its own connections, and leaves its parent's alone."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORK)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "still open 0\n"


def test_a_socket_that_is_closed_already_does_no_harm(connections: list[socket.socket]) -> None:
    """Whoever reads may close it first; the next one is watched all the same."""
    watchdog = Watchdog()
    closed, late, *_ = connections
    watchdog.watch(closed, SOON)
    closed.close()
    watchdog.watch(late, 2 * SOON)
    assert late.recv(1) == b""
