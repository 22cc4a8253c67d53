"""What the sandbox holds, and how JSON is typed in it; it must import nothing of the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Environment:
    """A Truto environment, with the token it was made with."""

    id: str
    name: str
    token: str = field(repr=False)


@dataclass
class Webhook:
    """A webhook as the server holds it; empty ``event_types`` are a subscription to everything."""

    id: str
    environment_id: str
    target_url: str
    is_active: bool
    event_types: list[str]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    number: int
    """Its place in the order of creation, which is the order of the list."""
    failures: int = 0
    """Failed deliveries in a row."""

    def wants(self, event: str) -> bool:
        """Whether an event of this type is delivered to it."""
        wildcard = event.partition(":")[0] + ":*"
        wanted = not self.event_types or event in self.event_types or wildcard in self.event_types
        return self.is_active and wanted


@dataclass(frozen=True)
class RateLimitStatus:
    """Where a token stands in its rate limit."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
