"""Pages of a list: the parameters ``limit`` and ``next_cursor``."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pulumi_truto.sandbox.validation import Json

__all__ = ["make_page"]

_Item = TypeVar("_Item")


def make_page(
    items: Iterable[tuple[int, _Item]],
    query: Mapping[str, str],
    default: int,
    maximum: int,
    show: Callable[[_Item], Json],
) -> Json:
    """Returns the page that a request asks for; no page repeats or omits an item if another one is deleted in between.

    Args:
        items: each with its position, a positive number, in ascending order. A cursor is the last position of a page.
        query: the query of the request.
        default: the page size if the request has no ``limit``.
        maximum: a larger ``limit`` is reduced to it without an error.
        show: returns the JSON of an item.
    """
    requested_limit = query.get("limit", str(default))
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", requested_limit, re.ASCII):
        raise ValueError("limit must be a positive integer")
    limit = min(int(requested_limit), maximum)
    previous = _decode_cursor(query.get("next_cursor"))
    remaining = [(position, item) for position, item in items if position > previous]
    page = remaining[:limit]
    is_last = len(remaining) <= limit
    next_cursor = None if is_last else base64.urlsafe_b64encode(f"after:{page[-1][0]}".encode()).decode()
    return {"result": [show(item) for _, item in page], "next_cursor": next_cursor, "limit": limit}


def _decode_cursor(cursor: str | None) -> int:
    if not cursor:  # Truto's own TypeScript SDK (2.0.12) sends an empty cursor for the first page.
        return 0
    try:
        match = re.fullmatch(rb"after:([0-9]{1,18})", base64.b64decode(cursor, altchars=b"-_", validate=True))
    except ValueError:
        match = None
    if not match:
        raise ValueError("next_cursor is not a cursor of this list")
    return int(match[1])
