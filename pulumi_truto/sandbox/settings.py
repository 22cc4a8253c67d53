"""How a sandbox behaves where Truto's sources differ or are silent; it must import neither aiohttp nor the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pulumi_truto.sandbox.clock import is_duration


@dataclass(frozen=True)
class Settings:
    """How this Truto behaves. A value that makes no sense is a ValueError."""

    timestamp_format: Literal["iso", "space"] = "iso"
    """``2021-08-10T10:00:00.000Z`` or ``2021-08-10 10:00:00``."""
    empty_event_types_as: Literal["empty", "null", "absent"] = "empty"
    """How ``event_types`` of a webhook that is subscribed to everything is shown."""
    delete_response: Literal["object", "no_content"] = "object"
    """200 with ``{"id": ...}``, or 204 with no body."""
    digest: Literal["hex", "base64"] = "hex"
    """How the signature of a delivery is written."""
    event_id: Literal["shared", "per_webhook"] = "shared"
    """Whether the deliveries of one event to several webhooks carry the same ``id``. Truto calls it "the unique ID for
    the webhook event" and leaves open whether two webhooks share it."""
    latency_seconds: float = 0.0
    """How long every API answer is held back."""
    list_lag_seconds: float = 0.0
    """How long the list does not yet have a new webhook."""
    date_skew_seconds: float = 0.0
    """How far the Date header is ahead of the clock that ``created_at`` goes by; behind where it is negative."""
    page_default: int = 100
    """Items in a page where the request names no limit."""
    page_maximum: int = 1000
    """A larger limit is taken as this one, without an error."""
    rate_limit: int = 500
    rate_window_seconds: int = 10
    webhook_limit: int | None = None
    """Webhooks per environment; one more is refused with 403. None: no limit."""
    retry_backoff_seconds: float = 0.01
    """The pause before the first of a delivery's 3 retries; it doubles each time."""
    delivery_timeout_seconds: float = 5.0
    deactivate_after: int = 5
    """So many failed deliveries in a row switch the webhook off."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}")
        for name, least in _COUNTS.items():
            value = getattr(self, name)
            if name == "webhook_limit" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}")
        skew = self.date_skew_seconds
        if not isinstance(skew, (int, float)) or isinstance(skew, bool) or not abs(skew) < MAX_SKEW_SECONDS:
            raise ValueError(f"date_skew_seconds must be a number of less than {MAX_SKEW_SECONDS} seconds")
        for name in ("latency_seconds", "list_lag_seconds", "retry_backoff_seconds", "delivery_timeout_seconds"):
            if not is_duration(getattr(self, name)):
                raise ValueError(f"{name} must be a number of seconds that is not negative")

    def changed(self, fields: Mapping[str, Any]) -> Settings:
        """These settings with some of them replaced; an unknown name is a ValueError."""
        unknown = sorted(set(fields) - set(self.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}: one of {', '.join(self.__dataclass_fields__)}")
        return replace(self, **fields)


MAX_SKEW_SECONDS = 10**9
_CHOICES = {
    "timestamp_format": ("iso", "space"),
    "empty_event_types_as": ("empty", "null", "absent"),
    "delete_response": ("object", "no_content"),
    "digest": ("hex", "base64"),
    "event_id": ("shared", "per_webhook"),
}
_COUNTS = {
    "page_default": 1,
    "page_maximum": 1,
    "rate_limit": 0,
    "rate_window_seconds": 1,
    "webhook_limit": 0,
    "deactivate_after": 1,
}
