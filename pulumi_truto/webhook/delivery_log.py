"""Says in words what the delivery log shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_truto.api.models import DeliveryLogEntry

__all__ = ["describe_failures", "describe_status", "is_success"]


def describe_failures(entries: Sequence[DeliveryLogEntry]) -> str | None:
    """What the last deliveries have in common if they failed; ``None`` if the last one succeeded or there is none.

    Args:
        entries: the log of one webhook, newest first.
    """
    failed = list(takewhile(lambda each: not is_success(each.webhook_endpoint_status), entries))
    if not failed:
        return None
    statuses = dict.fromkeys(describe_status(each.webhook_endpoint_status) for each in failed)
    which = "its last delivery" if len(failed) == 1 else f"its last {len(failed)} deliveries"
    times = [each.created_at for each in failed if each.created_at is not None]
    since = f", since {min(times):%Y-%m-%d %H:%M} UTC" if times else ""
    return f"the receiver {' or '.join(statuses)} to {which}{since}"


def describe_status(status: int | None) -> str:
    """What the receiver did, as in "the receiver returned 503"."""
    return "gave no response" if status is None else f"returned {status}"


def is_success(status: int | None) -> bool:
    """Whether a receiver accepted a delivery."""
    return status is not None and 200 <= status < 300
