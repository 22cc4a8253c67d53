"""Describes the delivery log in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_truto.api.models import DeliveryLogEntry

__all__ = ["describe_failures", "describe_status", "is_success"]


def describe_failures(entries: Sequence[DeliveryLogEntry]) -> str | None:
    """The failures of the last deliveries in a row; ``None`` if the last one succeeded or there is none.

    Args:
        entries: the log of one webhook, newest first.
    """
    failed = list(takewhile(lambda entry: not is_success(entry.webhook_endpoint_status), entries))
    if not failed:
        return None
    statuses = dict.fromkeys(describe_status(entry.webhook_endpoint_status) for entry in failed)
    deliveries = "its last delivery" if len(failed) == 1 else f"its last {len(failed)} deliveries"
    times = [entry.created_at for entry in failed if entry.created_at is not None]
    start = f", since {min(times):%Y-%m-%d %H:%M} UTC" if times else ""
    return f"the receiver {' or '.join(statuses)} to {deliveries}{start}"


def describe_status(status: int | None) -> str:
    """The receiver's action, as in "the receiver returned 503"."""
    return "gave no response" if status is None else f"returned {status}"


def is_success(status: int | None) -> bool:
    """Whether a receiver accepted a delivery."""
    return status is not None and 200 <= status < 300
