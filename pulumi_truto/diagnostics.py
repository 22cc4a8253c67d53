"""Warnings from a provider process in Pulumi's own diagnostics.

Whatever a provider prints appears as unlabelled text. Pulumi starts every provider with the address of the engine as
its first argument (`pulumi.dynamic.__main__` does not use it).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

__all__ = ["Diagnostics"]


class Diagnostics:
    """Warnings to the user, each once per provider process, which is one run of Pulumi."""

    def __init__(self) -> None:
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
                self._send = _to_engine(sys.argv[1:])
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
    print(f"warning: {message}", file=sys.stderr)
