"""Records the calls to the API and counts the connections."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["MAX_CALLS", "Call", "CallLog"]

#: The number of calls that the log keeps, so that a sandbox can run for weeks.
MAX_CALLS = 10_000


@dataclass(frozen=True)
class Call:
    """One request to the API and the status of its response. It does not contain the token."""

    operation: str
    """"create", "read", "update", "delete", "list" or "test"; "" for every other request."""
    method: str
    path: str
    """The path without the query."""
    status: int | None
    """None if the connection ended without a response."""
    environment_id: str | None
    """The environment of the request's token; None if the token is invalid."""
    body: Any
    """The request's JSON; None if there is none or it is not valid."""
    at: datetime
    query: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    """The header ``Idempotency-Key``, which Truto documents for other endpoints."""


class CallLog:
    """The newest calls and the number of connections. Thread-safe, because the methods of a deque are atomic."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.connections = 0
        """The number of TCP connections that were ever accepted. Only the event loop changes it."""

    def add(self, call: Call) -> None:
        """Records a call."""
        self._calls.append(call)

    def reset(self) -> None:
        """Removes all calls. The number of connections stays."""
        self._calls.clear()

    @property
    def calls(self) -> list[Call]:
        """The newest `MAX_CALLS` calls, oldest first."""
        return [*self._calls.copy()]
