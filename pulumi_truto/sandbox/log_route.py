"""``GET /log``: the deliveries of an environment, newest first, with filters and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.validation import decode_cursor, encode_cursor, parse_limit, parse_time
from pulumi_truto.sandbox.webhooks import Json, format_timestamp

if TYPE_CHECKING:
    from pulumi_truto.sandbox.deliveries import Delivery
    from pulumi_truto.sandbox.settings import SandboxSettings

__all__ = ["list_deliveries"]

_MAX_LIMIT = 100
_MAX_PERIOD = timedelta(days=31)


def list_deliveries(deliveries: Sequence[Delivery], query: Mapping[str, str], settings: SandboxSettings) -> Json:
    """Returns one page of the log.

    Args:
        deliveries: the deliveries of the environment, oldest first.
        query: the query of the request.
        settings: the format of timestamps.

    Raises:
        ApiError: 400, a parameter is invalid.
    """
    if query.get("log_type") != "webhook":
        raise ApiError(400, "log_type must be webhook")
    limit = min(parse_limit(query.get("limit"), _MAX_LIMIT), _MAX_LIMIT)
    after, before = _time(query, "created_at[gt]"), _time(query, "created_at[lt]")
    if after is not None and before is not None and before - after > _MAX_PERIOD:
        raise ApiError(400, "created_at[gt] and created_at[lt] must be at most one month apart")
    newest_first = [
        each
        for each in reversed(deliveries)
        if _matches(each, query)
        and (after is None or each.created_at > after)
        and (before is None or each.created_at < before)
    ]
    start = decode_cursor(query.get("next_cursor"))
    page = newest_first[start : start + limit]
    return {
        "result": [_to_json(each, settings) for each in page],
        "next_cursor": encode_cursor(start + limit) if len(newest_first) > start + limit else None,
        "limit": limit,
    }


def _matches(delivery: Delivery, query: Mapping[str, str]) -> bool:
    values = {
        "webhook_id": delivery.webhook_id,
        "event": delivery.event,
        "environment_id": delivery.environment_id,
    }
    return all(query.get(f"log_type_filter[{name}]", value) == value for name, value in values.items())


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        return parse_time(name, query[name])
    except ValueError as error:
        raise ApiError(400, str(error)) from None


def _to_json(delivery: Delivery, settings: SandboxSettings) -> Json:
    return {
        "id": delivery.id,
        "event": delivery.event,
        "webhook_id": delivery.webhook_id,
        "environment_id": delivery.environment_id,
        "webhook_endpoint_status": delivery.status,
        "created_at": format_timestamp(delivery.created_at, settings.timestamp_format),
    }
