"""The fork server: a process that imports Pulumi's SDK once and forks a process for each request of the launcher.

A request is a fixed-size header, sent with the file descriptors of stdout and stderr, and a JSON object with the
command, the working directory and the environment. The server sends one line of JSON for each process that it has
started or that has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

assert sys.platform == "linux"

__all__ = ["REQUEST_HEADER", "main"]

#: The length of the JSON object that follows.
REQUEST_HEADER: Final = struct.Struct("!I")

_PRELOADED_MODULES: Final = (
    "pulumi",
    "pulumi.dynamic",
    "pulumi.runtime.proto.provider_pb2_grpc",
    "requests",
    "pydantic",
    "dill",
)


def main(control_fd: int) -> None:
    """Serves requests on a socket; in each forked process, runs the requested module."""
    _run_requested_module(_serve(socket.socket(fileno=control_fd)))


def _serve(control: socket.socket) -> dict[str, Any]:
    """Forks on request until the launcher closes the socket. Returns only in a forked process, with its request."""
    for name in _PRELOADED_MODULES:
        __import__(name)
    # A signal handler that writes to a pipe wakes select() when a forked process has ended.
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control.fileno(), wakeup_read], [], [])
        if wakeup_read in ready:
            os.read(wakeup_read, 4096)
            _report_ended(control)
        if control.fileno() not in ready:
            continue
        header, fds, _, _ = socket.recv_fds(control, REQUEST_HEADER.size, 2)
        if not header:
            os._exit(0)
        request = json.loads(_receive(control, REQUEST_HEADER.unpack(header)[0]))
        pid = os.fork()
        if pid == 0:
            control.close()
            _set_up_forked_process(fds[0], fds[-1], {*fds, wakeup_read, wakeup_write})
            return dict(request)
        for fd in set(fds):
            os.close(fd)
        _send(control, {"started": pid})


def _receive(control: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = control.recv(size - len(received))
        if not chunk:
            os._exit(0)  # the launcher ended
        received += chunk
    return received


def _send(control: socket.socket, message: Mapping[str, int]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


def _report_ended(control: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _send(control, {"ended": pid, "returncode": os.waitstatus_to_exitcode(status)})


def _set_up_forked_process(stdout: int, stderr: int, inherited_fds: Iterable[int]) -> None:
    """Replaces the server's streams and signal handlers by those of a new process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for fd in {*inherited_fds} - {1, 2}:
        os.close(fd)


def _run_requested_module(request: Mapping[str, Any]) -> None:
    """Runs the requested module like ``python -m``."""
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    module, *arguments = request["command"]
    sys.argv = [module, *arguments]
    sys.path[0] = request["cwd"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
