"""Settings for the behaviour of a sandbox, above all where Truto's sources disagree or are silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pulumi_truto.sandbox.clock import is_duration

__all__ = ["SandboxSettings"]


@dataclass(frozen=True)
class SandboxSettings:
    """The behaviour of one sandbox.

    Raises:
        ValueError: a value is invalid.
    """

    timestamp_format: Literal["iso", "space"] = "iso"
    """``2021-08-10T10:00:00.000Z`` or ``2021-08-10 10:00:00``."""
    empty_event_types_as: Literal["empty", "null", "absent"] = "empty"
    """How a response represents ``event_types`` of a webhook that is subscribed to every event."""
    omitted_event_types: Literal["keep", "all"] = "keep"
    """What a PATCH without ``event_types`` does: keep the subscription, or subscribe to every event. Truto's reference
    page of ``PATCH /webhook/{id}`` says the latter."""
    delete_response: Literal["object", "no_content"] = "object"
    """200 with ``{"id": ...}``, or 204 without a body."""
    digest: Literal["hex", "base64"] = "hex"
    """The encoding of a delivery's signature."""
    event_id: Literal["shared", "per_webhook"] = "shared"
    """Whether the deliveries of one event to several webhooks have the same ``id``. Truto calls it "the unique ID for
    the webhook event" and does not say whether two webhooks share it."""
    latency_seconds: float = 0.0
    """The delay before every API response."""
    list_lag_seconds: float = 0.0
    """The time until a new webhook appears in the list."""
    date_skew_seconds: float = 0.0
    """How far the Date header is ahead of the clock that sets ``created_at``. A negative value: how far behind."""
    has_delivery_log: bool = True
    """Whether ``GET /log`` exists. One page of Truto's documentation calls it "coming soon"."""
    page_default: int = 100
    """The page size if the request has no ``limit``."""
    page_maximum: int = 1000
    """The maximum page size. A larger ``limit`` is reduced to it without an error."""
    rate_limit: int = 500
    """The maximum number of requests of a token in a window."""
    rate_window_seconds: int = 10
    """The length of a rate limit window."""
    webhook_limit: int | None = None
    """The maximum number of webhooks per environment; a create beyond it is a 403. None: no limit."""
    retry_backoff_seconds: float = 0.01
    """The wait before the first of a delivery's 3 retries. It doubles with each retry."""
    delivery_timeout_seconds: float = 5.0
    """The time that the target has for its response to a delivery."""
    deactivate_after: int = 5
    """The number of consecutive failed deliveries after which a webhook is deactivated."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}")
        for name, minimum in _MINIMUMS.items():
            value = getattr(self, name)
            if name == "webhook_limit" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
                raise ValueError(f"{name} must be an integer of at least {minimum}")
        if not isinstance(self.has_delivery_log, bool):
            raise ValueError("has_delivery_log must be true or false")
        skew = self.date_skew_seconds
        if not isinstance(skew, (int, float)) or isinstance(skew, bool) or not abs(skew) < _MAX_SKEW_SECONDS:
            raise ValueError(f"date_skew_seconds must be a number of less than {_MAX_SKEW_SECONDS} seconds")
        for name in ("latency_seconds", "list_lag_seconds", "retry_backoff_seconds", "delivery_timeout_seconds"):
            if not is_duration(getattr(self, name)):
                raise ValueError(f"{name} must be a non-negative number of seconds")

    def with_changes(self, changes: Mapping[str, Any]) -> SandboxSettings:
        """Returns these settings with some fields replaced.

        Raises:
            ValueError: a name is unknown or a value is invalid.
        """
        unknown = sorted(set(changes) - set(self.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}: one of {', '.join(self.__dataclass_fields__)}")
        return replace(self, **changes)


_MAX_SKEW_SECONDS = 10**9
_CHOICES = {
    "timestamp_format": ("iso", "space"),
    "empty_event_types_as": ("empty", "null", "absent"),
    "omitted_event_types": ("keep", "all"),
    "delete_response": ("object", "no_content"),
    "digest": ("hex", "base64"),
    "event_id": ("shared", "per_webhook"),
}
_MINIMUMS = {
    "page_default": 1,
    "page_maximum": 1,
    "rate_limit": 0,
    "rate_window_seconds": 1,
    "webhook_limit": 0,
    "deactivate_after": 1,
}
