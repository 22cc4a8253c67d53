"""``GET /log``: the deliveries of an environment, newest first, with filters and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pulumi_truto.sandbox.clock import format_time, parse_time
from pulumi_truto.sandbox.deliveries import Delivery
from pulumi_truto.sandbox.paging import make_page
from pulumi_truto.sandbox.responses import ErrorResponse
from pulumi_truto.sandbox.settings import SandboxSettings
from pulumi_truto.sandbox.validation import Json

__all__ = ["list_deliveries"]

_MAX_LIMIT = 100
_MAX_PERIOD = timedelta(days=31)
_FILTERS = ("webhook_id", "event", "environment_id")


def list_deliveries(
    deliveries: Sequence[Delivery], environment_id: str, query: Mapping[str, str], settings: SandboxSettings
) -> Json:
    """Returns one page of the log of an environment, out of all deliveries, oldest first.

    Raises:
        ErrorResponse: 404, there is no log.
        ValueError: a parameter is invalid.
    """
    if not settings.has_delivery_log:
        raise ErrorResponse(404, "Cannot GET /log")
    if query.get("log_type") != "webhook":
        raise ValueError("log_type must be webhook")
    start, end = (
        parse_time(name, query[name]) if name in query else None for name in ("created_at[gt]", "created_at[lt]")
    )
    if start is not None and end is not None and end - start > _MAX_PERIOD:
        raise ValueError("created_at[gt] and created_at[lt] must be at most one month apart")
    matches = [
        delivery
        for delivery in deliveries
        if delivery.environment_id == environment_id
        and all(query.get(f"log_type_filter[{name}]", value) == value for name, value in _filtered(delivery).items())
        and (start is None or delivery.created_at > start)
        and (end is None or delivery.created_at < end)
    ]

    def show(delivery: Delivery) -> Json:
        return {
            "id": delivery.id,
            **_filtered(delivery),
            "webhook_endpoint_status": delivery.status,
            "created_at": format_time(delivery.created_at, settings.timestamp_format),
        }

    return make_page(enumerate(reversed(matches), 1), query, _MAX_LIMIT, _MAX_LIMIT, show)


def _filtered(delivery: Delivery) -> dict[str, str]:
    return {name: getattr(delivery, name) for name in _FILTERS}
