"""The calls to the API, and a record of the newest entries of a kind."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

__all__ = ["MAX_ENTRIES", "Call", "Record"]

#: The number of entries that a record keeps, so that a sandbox can run for weeks.
MAX_ENTRIES = 10_000
_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class Call:
    """One request to the API and the status of its response. It does not contain the token."""

    operation: str
    """"create", "read", "update", "delete", "list" or "test" for webhooks, the same with the suffix "_destination" for
    notification destinations, "list_triggers" or "log"; "" for every other request."""
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


class Record(Generic[_Entry]):
    """The newest `MAX_ENTRIES` entries of a log. Thread-safe, because the methods of a deque are atomic."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=MAX_ENTRIES)
        self.add, self.clear = self._entries.append, self._entries.clear

    def entries(self) -> list[_Entry]:
        """A copy, oldest entry first."""
        return [*self._entries.copy()]
