"""The sandbox's data: environments, webhooks and rate limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pulumi_truto.sandbox.settings import SandboxSettings

__all__ = ["Environment", "Json", "RateLimitStatus", "Webhook", "format_timestamp"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Environment:
    """A Truto environment and its first token."""

    id: str
    name: str
    token: str = field(repr=False)


@dataclass
class Webhook:
    """A webhook as the server stores it. An empty ``event_types`` means every event."""

    id: str
    environment_id: str
    target_url: str
    is_active: bool
    event_types: list[str]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    number: int
    """Its position in the order of creation, which is the order of the list."""
    failures: int = 0
    """The number of consecutive failed deliveries."""

    def receives(self, event_type: str) -> bool:
        """Whether events of this type are delivered: the webhook is active and subscribed to them."""
        wildcard = event_type.partition(":")[0] + ":*"
        subscribed = not self.event_types or event_type in self.event_types or wildcard in self.event_types
        return self.is_active and subscribed

    def to_json(self, settings: SandboxSettings) -> Json:
        """Returns the webhook as in every response but that of its create: without its secret."""
        body: Json = {
            "id": self.id,
            "target_url": self.target_url,
            "is_active": self.is_active,
            "event_types": [*self.event_types],
            "environment_id": self.environment_id,
            "created_at": format_timestamp(self.created_at, settings.timestamp_format),
            "updated_at": format_timestamp(self.updated_at, settings.timestamp_format),
        }
        if not self.event_types and settings.empty_event_types_as == "null":
            body["event_types"] = None
        if not self.event_types and settings.empty_event_types_as == "absent":
            del body["event_types"]
        return body


@dataclass(frozen=True)
class RateLimitStatus:
    """How much of its rate limit a token has used."""

    allowed: bool
    """Whether the next request is within the limit."""
    limit: int
    """The maximum number of requests in a window."""
    remaining: int
    """The requests left in the current window."""
    reset_seconds: int
    """The seconds until the next window."""


def format_timestamp(moment: datetime, timestamp_format: str) -> str:
    """Returns a time in the format of the API; see `SandboxSettings.timestamp_format`."""
    if timestamp_format == "space":
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
