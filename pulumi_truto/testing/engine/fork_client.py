"""Starts Python modules as processes, forked off a server process that has already imported Pulumi's SDK.

Importing the SDK takes half a second of processor time, in the program and again in the provider. A forked process has
its own environment, working directory, session and streams, like a process that was started from scratch.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pulumi_truto.testing.engine import fork_server as server
from pulumi_truto.testing.engine.processes import Process

assert sys.platform == "linux"

__all__ = ["fork_server"]

_START_SECONDS: Final = 60


class _ForkedProcess:
    """A process that the fork server started."""

    def __init__(self, pid: int, stdout: Any, stderr: Any) -> None:
        self.pid = pid
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def set_ended(self, returncode: int) -> None:
        self.returncode = returncode
        self._ended.set()


class _ForkServer:
    """The connection to the fork server, which lives as long as this process. Thread-safe."""

    def __init__(self) -> None:
        self._control, server_end = socket.socketpair()
        code = f"from {server.__name__} import main; main({server_end.fileno()})"
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-u", "-c", code],
            pass_fds=[server_end.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        server_end.close()
        self._start_lock = threading.Lock()
        self._running: dict[int, _ForkedProcess] = {}
        self._started_pids: list[int] = []
        #: Exit codes of processes that ended before `start` knew them.
        self._early_exits: dict[int, int] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._read_messages, name="truto-fork-server", daemon=True).start()

    def start(self, command: list[str], cwd: Path, env: Mapping[str, str], *, merge_stderr: bool) -> Process:
        out_read, out_write = os.pipe()
        err_read, err_write = (None, out_write) if merge_stderr else os.pipe()
        request = json.dumps({"command": command, "cwd": str(cwd), "env": dict(env)}).encode()
        with self._start_lock:
            header = server.REQUEST_HEADER.pack(len(request))
            socket.send_fds(self._control, [header], [out_write, err_write])
            self._control.sendall(request)
            with self._changed:
                while not self._started_pids:
                    if not self._changed.wait(_START_SECONDS):
                        raise OSError("the fork server does not respond")
                pid = self._started_pids.pop()
                stderr = None if err_read is None else os.fdopen(err_read, "rb")
                process = _ForkedProcess(pid, os.fdopen(out_read, "rb"), stderr)
                if pid in self._early_exits:
                    process.set_ended(self._early_exits.pop(pid))
                else:
                    self._running[pid] = process
        for fd in {out_write, err_write}:
            os.close(fd)
        return process

    def _read_messages(self) -> None:
        with self._control.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                with self._changed:
                    if "started" in message:
                        self._started_pids.append(message["started"])
                        self._changed.notify()
                        continue
                    pid, returncode = message["ended"], message["returncode"]
                    if pid in self._running:
                        self._running.pop(pid).set_ended(returncode)
                    else:
                        self._early_exits[pid] = returncode


_servers: list[_ForkServer] = []
_servers_lock: Final = threading.Lock()


def fork_server() -> _ForkServer:
    """Returns the one fork server of this process, started on first use."""
    with _servers_lock:
        if not _servers:
            _servers.append(_ForkServer())
        return _servers[0]
