"""Starts Python modules as processes of their own, forked off one that has loaded Pulumi's SDK already.

Loading it takes half a second of processor time, twice in every run: in the program and in the provider. Each process
forked here has its own environment, folder, session and streams, as one that was started afresh.
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
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

__all__ = ["Process", "start"]

_PRELOADED: Final = (
    "pulumi",
    "pulumi.dynamic",
    "pulumi.runtime.proto.provider_pb2_grpc",
    "requests",
    "pydantic",
    "dill",
)
_LENGTH: Final = struct.Struct("!I")


class Process(Protocol):
    """A process, with what is used of `subprocess.Popen`."""

    pid: int
    returncode: int | None
    stdout: Any
    stderr: Any

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


def start(
    module: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], *, merge_stderr: bool = False
) -> Process:
    """Runs ``python -u -m module arguments``, in a session of its own.

    Args:
        merge_stderr: stderr goes where stdout goes.
    """
    if (
        not hasattr(os, "fork")
        or not hasattr(socket, "send_fds")
        or _python_settings(env) != _python_settings(os.environ)
    ):
        # The settings of Python itself count only when an interpreter starts.
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-u", "-m", module, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the engine, which lets operations in flight finish
        )
    return _launcher().start([module, *arguments], cwd, env, merge_stderr=merge_stderr)


def _python_settings(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


# --- in the process that starts others ---


class _Forked:
    """A process that the warm one forked."""

    def __init__(self, pid: int, stdout: Any, stderr: Any) -> None:
        self.pid = pid
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self.ended = threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, returncode: int) -> None:
        self.returncode = returncode
        self.ended.set()


class _Launcher:
    """The warm process, as long as this one lives. Safe to use from several threads."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-u", "-c", f"from {__name__} import main; main({theirs.fileno()})"],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._lock = threading.Lock()
        self._started: dict[int, _Forked] = {}
        self._pids: list[int] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, name="truto-launcher", daemon=True).start()

    def start(self, command: list[str], cwd: Path, env: Mapping[str, str], *, merge_stderr: bool) -> Process:
        out_read, out_write = os.pipe()
        err_read, err_write = (None, out_write) if merge_stderr else os.pipe()
        order = json.dumps({"command": command, "cwd": str(cwd), "env": dict(env)}).encode()
        with self._lock:
            socket.send_fds(self._control, [_LENGTH.pack(len(order))], [out_write, err_write])
            self._control.sendall(order)
            with self._changed:
                while not self._pids:
                    if not self._changed.wait(60):
                        raise OSError("the process that starts others does not respond")
                pid = self._pids.pop()
                stderr = None if err_read is None else os.fdopen(err_read, "rb")
                process = _Forked(pid, os.fdopen(out_read, "rb"), stderr)
                self._started[pid] = process
        for fd in {out_write, err_write}:
            os.close(fd)
        return process

    def _listen(self) -> None:
        with self._control.makefile("rb") as lines:
            for line in lines:
                said = json.loads(line)
                with self._changed:
                    if "started" in said:
                        self._pids.append(said["started"])
                        self._changed.notify()
                    else:
                        process = self._started.pop(said["ended"], None)
                        if process is not None:
                            process.end(said["returncode"])


_one: list[_Launcher] = []
_one_lock: Final = threading.Lock()


def _launcher() -> _Launcher:
    with _one_lock:
        if not _one:
            _one.append(_Launcher())
        return _one[0]


# --- in the warm process ---


def _serve(control: socket.socket) -> dict[str, Any]:
    """Forks on order until the other end is closed. Returns in the forked process only, with its order."""
    for name in _PRELOADED:
        __import__(name)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_ended(control)
        if control.fileno() not in ready:
            continue
        head, fds, _, _ = socket.recv_fds(control, _LENGTH.size, 2)
        if not head:
            os._exit(0)
        order = json.loads(_receive(control, _LENGTH.unpack(head)[0]))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            os.dup2(fds[0], 1)
            os.dup2(fds[-1], 2)
            for fd in {*fds, woken, wake} - {1, 2}:
                os.close(fd)
            return dict(order)
        for fd in set(fds):
            os.close(fd)
        control.sendall(json.dumps({"started": pid}).encode() + b"\n")


def _receive(control: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        received += control.recv(size - len(received))
    return received


def _tell_ended(control: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            ended = {"ended": pid, "returncode": os.waitstatus_to_exitcode(status)}
            control.sendall(json.dumps(ended).encode() + b"\n")


def _become(order: Mapping[str, Any]) -> None:
    """Runs the module that was ordered, as an interpreter does that was started for it."""
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    module, *arguments = order["command"]
    sys.argv = [module, *arguments]
    sys.path[0] = order["cwd"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main(fd: int) -> None:
    """Serves on a socket; in each forked process, runs what was ordered."""
    _become(_serve(socket.socket(fileno=fd)))
