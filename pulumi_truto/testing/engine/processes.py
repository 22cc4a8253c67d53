"""The processes of programs and providers: how to start them, read their output, and end them."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol

__all__ = ["Process", "cancel_on_signals", "end_process_group", "forward_lines", "start"]

_FORKSERVER: str = "forkserver"  # a plain string: on Windows the method does not exist, nor its type
_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"
_PRELOADED: Final = ["pulumi.dynamic", "pulumi.runtime.proto.provider_pb2_grpc", "dill", __name__]
#: multiprocessing reads an exit code only once, and in every start: of several threads one would get a wrong one.
_multiprocessing_lock: Final = threading.Lock()


class Process(Protocol):
    """A process that leads its own process group: the part of `subprocess.Popen` that this engine uses."""

    pid: int
    stdout: Any
    stderr: Any

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


def start(
    module: str,
    arguments: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    preloaded: Sequence[str] = (),
    merge_stderr: bool = False,
) -> Process:
    """Runs ``python -u -m module arguments`` in its own session.

    On Linux the process is forked off a server that has already imported Pulumi's SDK, which takes half a second of
    processor time. Windows cannot fork, and system libraries of macOS may crash in forked processes.

    Args:
        module: the name of the module.
        arguments: the command line arguments.
        cwd: the working directory.
        env: all environment variables.
        preloaded: modules that the server imports too, when it starts.
        merge_stderr: whether stderr goes to stdout.
    """
    # A forked process keeps the server's interpreter settings, which come from the environment, except the one below.
    may_fork = sys.platform == "linux" and not multiprocessing.current_process().daemon
    if may_fork and _python_variables(env) == _python_variables(os.environ):
        command = (module, [*arguments], [str(cwd), *_interpreter_path()], dict(env))
        return _ForkedProcess(command, preloaded, merge_stderr)
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the engine, which lets operations in flight finish
    )


def end_process_group(process: Process, timeout_seconds: float) -> None:
    """Ends a process and its children: with SIGTERM, and with SIGKILL if it does not end in time.

    Windows has neither these signals nor process groups: there it kills the process alone.
    """
    if sys.platform == "win32":
        process.kill()
        process.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=timeout_seconds)
            return


def forward_lines(stream: Any, on_output: Callable[[str], None]) -> None:
    """Passes on every line of a binary stream until it ends, and closes it."""
    with stream:
        for line in stream:
            on_output(line.decode(errors="replace").rstrip())


@contextlib.contextmanager
def cancel_on_signals(cancel: Callable[[], None], on_error: Callable[[str], None]) -> Iterator[None]:
    """Handles SIGINT and SIGTERM in the context: operations in flight finish, and their results are saved."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only
        return

    def stop(name: str) -> None:
        on_error(f"cancelled by {name}: operations in flight will finish, and no new ones will start")
        cancel()

    def handle(number: int, _frame: Any) -> None:
        # On another thread: the interrupted one may hold a lock that `on_error` needs.
        threading.Thread(target=stop, args=(signal.Signals(number).name,), daemon=True).start()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _ForkedProcess:
    """A process that multiprocessing's fork server started. Thread-safe."""

    def __init__(self, command: tuple[Any, ...], preloaded: Sequence[str], merge_stderr: bool) -> None:
        context: Any = multiprocessing.get_context(_FORKSERVER)
        context.set_forkserver_preload([*_PRELOADED, *preloaded])
        stdout, stdout_writer = context.Pipe(duplex=False)
        stderr, stderr_writer = (stdout, stdout_writer) if merge_stderr else context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(*command, stdout_writer, stderr_writer))
        with _multiprocessing_lock, _without_main_module():
            self._process.start()
        stdout_writer.close()
        stderr_writer.close()
        self.pid: int = self._process.pid
        self.stdout: Any = _open(stdout)
        self.stderr: Any = None if merge_stderr else _open(stderr)

    def poll(self) -> int | None:
        with _multiprocessing_lock:
            code: int | None = self._process.exitcode
            return code

    def wait(self, timeout: float | None = None) -> int:
        wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return code

    def kill(self) -> None:
        self._process.kill()


@contextlib.contextmanager
def _without_main_module() -> Iterator[None]:
    """Hides the main module from multiprocessing, which would run it again: it may be a script without a guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@functools.cache
def _interpreter_path() -> list[str]:
    """The module search path of a new interpreter: multiprocessing passes on that of this process, with pytest's."""
    code = "import json, sys; print(json.dumps(sys.path[1:]))"
    path: list[str] = json.loads(subprocess.check_output([sys.executable, "-c", code]))  # noqa: S603 - our own
    return path


def _open(connection: Connection) -> Any:
    with connection:
        return os.fdopen(os.dup(connection.fileno()), "rb")


def _run(
    module: str, arguments: list[str], path: list[str], env: dict[str, str], stdout: Connection, stderr: Connection
) -> None:
    """In the forked process: runs the module like ``python -u -m`` in the first folder of the path."""
    if sys.platform == "win32":
        raise NotImplementedError
    os.setsid()
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    stdout.close()
    stderr.close()
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), errors="backslashreplace", write_through=True)
    os.chdir(path[0])
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = bool(env.get(_NO_BYTECODE))
    sys.argv = [module, *arguments]
    sys.path[:] = path
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # multiprocessing skips them, for example those of temporary folders


def _python_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON") and name != _NO_BYTECODE}
