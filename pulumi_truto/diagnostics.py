"""Warnings from a provider process in Pulumi's own diagnostics.

Whatever a provider prints appears as unlabelled text. Pulumi starts every provider with the address of the engine as
its first argument (`pulumi.dynamic.__main__` does not use it).
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable

__all__ = ["Diagnostics"]


class Diagnostics:
    """Warnings to the user, each once per provider instance.

    Args:
        engine_address: the engine's address, where it is not the process's first argument: a provider that a debugger
            started gets it in a call.
    """

    def __init__(self, engine_address: str | None = None) -> None:
        self._engine_address = engine_address
        self._lock = threading.Lock()
        self._reported: set[str] = set()
        self._send: Callable[[str], None] | None = None

    def warn(self, message: str) -> None:
        """Shows the message once. Never raises: a warning that cannot be shown must not fail a deployment."""
        with self._lock:
            if message in self._reported:
                return
            self._reported.add(message)
            if self._send is None:
                arguments = sys.argv[1:] if self._engine_address is None else [self._engine_address]
                self._send = _to_engine(arguments)
        try:
            self._send(message)
        except Exception:  # noqa: BLE001 - see above
            _to_stderr(message)


def _to_engine(arguments: list[str]) -> Callable[[str], None]:
    if len(arguments) != 1 or ":" not in arguments[0]:
        return _to_stderr
    import grpc
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

    engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(arguments[0]))

    def send(message: str) -> None:
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message)
        engine.Log(request, timeout=5)

    return send


def _to_stderr(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # stderr may be closed
        print(f"warning: {message}", file=sys.stderr)
