"""Causes the faults of test_fault_matrix.py in a sandbox."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from pulumi_truto.sandbox import Sandbox

__all__ = ["FAULTS", "SLOW_FAULTS", "cause", "injected_fields", "sandbox_for"]

#: The faults, with the fields of the sandbox's `Fault` that causes them. Those without fields are caused differently.
FAULTS: Final[dict[str, dict[str, Any]]] = {
    "refused": {},
    "reset before": {"kind": "reset"},
    "reset after": {"kind": "reset", "processed": True},
    # Longer than a client waits for a response, except for a create: there it lasts until the sandbox closes the
    # connection.
    "timeout before": {"kind": "timeout", "seconds": 2},
    "timeout after": {"kind": "timeout", "seconds": 2, "processed": True},
    "truncated": {"kind": "truncated"},
    "slow drip": {"kind": "slow_drip", "seconds": 0.03},
    "HTML 502": {"kind": "html"},
    "empty 500": {"kind": "empty"},
    **{f"{status} after": {"kind": "status", "status": status, "processed": True} for status in (408, 409, 425, 499)},
    "504 late": {"kind": "status", "status": 504, "processed_after_seconds": 0.5},
    "lagging list": {"kind": "reset", "processed": True},
    "skewed Date": {"kind": "reset", "processed": True},
    "429 Retry-After": {"kind": "rate_limited"},
    "429": {"kind": "rate_limited", "retry_after": None},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "404": {"kind": "status", "status": 404},
    "wrong types": {"kind": "wrong_types"},
    "empty environment": {},
}
#: The faults that end only when the client's time is over.
SLOW_FAULTS: Final = {"timeout before", "timeout after", "slow drip"}

_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "lagging list": {"list_lag_seconds": 60},
    "skewed Date": {"date_skew_seconds": -3.0},
}
#: For "429 Retry-After": a wait that fits into the deadline, and one that exceeds every deadline.
_RETRY_AFTER: Final = {"once": "1", "always": "60"}


def injected_fields(fault: str, times: str) -> dict[str, Any]:
    """The fields of the sandbox's `Fault`, empty for a fault that is caused differently.

    Args:
        fault: a key of `FAULTS`.
        times: "once" or "always".
    """
    retry_after = {"retry_after": _RETRY_AFTER[times]} if fault == "429 Retry-After" else {}
    return {**FAULTS[fault], **retry_after}


@contextlib.contextmanager
def sandbox_for(fault: str) -> Iterator[Sandbox]:
    """A new sandbox. For "refused" it is not running, so connections to it are refused.

    Args:
        fault: a key of `FAULTS`.
    """
    with contextlib.ExitStack() as stack:
        if fault != "refused":
            yield stack.enter_context(Sandbox())
            return
        # The port is reserved until the end. Otherwise a sandbox that another test starts could get it. Only on Linux
        # can the sandbox use a port that is reserved in this way.
        reservation = stack.enter_context(socket.socket())
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        sandbox = Sandbox(port=reservation.getsockname()[1])
        if sys.platform != "linux":
            reservation.close()
        stack.callback(sandbox.stop)
        yield sandbox


@contextlib.contextmanager
def cause(sandbox: Sandbox, fault: str, times: str, operation: str) -> Iterator[None]:
    """Causes a fault for one operation. At the end of the block Truto has completed late requests.

    Args:
        sandbox: the Truto API, from `sandbox_for`.
        fault: a key of `FAULTS`.
        times: "once" or "always".
        operation: the requests that meet the fault.
    """
    fields = injected_fields(fault, times)
    sandbox.backend.change_settings(_SETTINGS.get(fault, {}))
    if fields:
        sandbox.inject(operation=operation, times=1 if times == "once" else 0, **fields)
    with _STARTER.starting(sandbox) if (fault, times) == ("refused", "once") else contextlib.nullcontext():
        yield
    if late_seconds := fields.get("processed_after_seconds"):
        time.sleep(late_seconds + 0.5)


class _Starter(logging.Handler):
    """Starts a thread's sandbox when urllib3 logs that a connection of this thread failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._sandboxes: dict[int | None, Sandbox] = {}

    @contextlib.contextmanager
    def starting(self, sandbox: Sandbox) -> Iterator[None]:
        """Starts the sandbox when a connection of the current thread fails within the block."""
        thread = threading.get_ident()
        self._sandboxes[thread] = sandbox
        try:
            yield
        finally:
            self._sandboxes.pop(thread, None)

    def emit(self, record: logging.LogRecord) -> None:
        if "connection broken" in record.getMessage() and record.thread in self._sandboxes:
            self._sandboxes.pop(record.thread).start()


# Added once: `logging` can skip a handler while another thread adds or removes one.
_STARTER: Final = _Starter()
logging.getLogger("urllib3.connectionpool").addHandler(_STARTER)
