"""Settings for the behaviour of a sandbox, above all where Truto's sources disagree or are silent."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pulumi_truto.sandbox.validation import Count, Seconds, StrictModel, rule

__all__ = ["SandboxSettings"]

_Positive = Annotated[int, Field(ge=1), rule("must be an integer of at least 1")]


class SandboxSettings(StrictModel):
    """The behaviour of one sandbox."""

    _unknown_field: ClassVar[str] = "unknown setting {name!r}: one of {known}"

    timestamp_format: Literal["iso", "space"] = "iso"
    """``2021-08-10T10:00:00.000Z`` or ``2021-08-10 10:00:00``."""
    empty_event_types_as: Literal["empty", "null", "absent"] = "empty"
    """How a response represents ``event_types`` of a webhook that is subscribed to every event."""
    omitted_event_types: Literal["keep", "all"] = "keep"
    """The effect of a PATCH without ``event_types``: keep the subscription, or subscribe to every event. The reference
    page of ``PATCH /webhook/{id}`` says the latter."""
    destination_list_key: Literal["result", "results"] = "result"
    """The key of the items in the list of notification destinations."""
    delete_response: Literal["object", "no_content"] = "object"
    """200 with ``{"id": ...}``, or 204 without a body."""
    digest: Literal["hex", "base64"] = "hex"
    """The encoding of a delivery's signature."""
    event_id: Literal["shared", "per_webhook"] = "shared"
    """Whether the deliveries of one event to several webhooks have the same ``id``. Truto calls it "the unique ID for
    the webhook event" and does not say whether two webhooks share it."""
    latency_seconds: Seconds = 0.0
    """The delay before every API response."""
    list_lag_seconds: Seconds = 0.0
    """The time until a new webhook appears in the list."""
    has_delivery_log: bool = True
    """Whether ``GET /log`` exists. One page of Truto's documentation calls it "coming soon"."""
    page_default: _Positive = 100
    """The page size if the request has no ``limit``."""
    page_maximum: _Positive = 1000
    """The maximum page size. A larger ``limit`` is reduced to it without an error."""
    rate_limit: Count = 500
    """The maximum number of requests of a token in a window."""
    rate_window_seconds: _Positive = 10
    """The length of a rate limit window."""
    webhook_limit: Count | None = None
    """The maximum number of webhooks per environment; a create beyond it is a 403. None: no limit."""
    retry_backoff_seconds: Seconds = 0.01
    """The wait before the first of a delivery's 3 retries. It doubles with each retry."""
    delivery_timeout_seconds: Seconds = 5.0
    """The time that the target has for its response to a delivery."""
    deactivate_after: _Positive = 5
    """The number of consecutive failed deliveries after which a webhook is deactivated."""
