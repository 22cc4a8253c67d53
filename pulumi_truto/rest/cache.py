"""Reads items with few API calls: single reads for a few items, pages of the list for many.

A refresh reads every resource of a stack, and the engine requests each of them separately. The first read is one GET.
From the second on the cache may fetch a page of 100 items instead, but never more pages than there were reads: a
few items among thousands cost at most twice their number, and 200 of 200 cost about three calls.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from pulumi_truto.api.deadline import acquired_in_time, current_deadline
from pulumi_truto.errors import TrutoError

if TYPE_CHECKING:
    from pulumi_truto.api.collection import Collection
    from pulumi_truto.api.models import Item

__all__ = ["ItemCache"]

#: How long a page is used. A refresh of thousands of items takes less; a changed item is removed at once.
_FRESH_SECONDS: Final = 30.0


class ItemCache:
    """The items of one collection during a run. Thread-safe."""

    def __init__(self, collection: Collection[Any, Any]) -> None:
        self._collection = collection
        #: Held during a request for a page.
        self._fetching = threading.Lock()
        #: Held while a page or an invalidation changes the cache, and never during a request.
        self._lock = threading.Lock()
        self._invalidated: set[str] = set()
        self._reads = 0
        self._reset()

    def _reset(self) -> None:
        self._started = time.monotonic()
        self._known: dict[str, Item] = {}
        self._pages = 0
        self._cursor: str | None = None
        self._is_complete = False
        self._is_listable = True

    def get(self, id_: str) -> Item:
        """The item as it is now.

        Raises:
            NotFoundError: there is none. Only a 404 says so, never a page of the list.
            TrutoError: the request failed.
        """
        with acquired_in_time(self._fetching, f"read {self._collection.noun} {id_}"):
            self._reads += 1
            if self._reads > 1:
                self._maybe_fetch_page(id_)
            item = self._known.get(id_)
        return item or self._collection.get(id_)

    def invalidate(self, id_: str) -> None:
        """Removes an item that was changed, or may have been: the next read fetches it."""
        with self._lock:
            self._known.pop(id_, None)
            self._invalidated.add(id_)

    def _maybe_fetch_page(self, id_: str) -> None:
        """Fetches another page if the item is on none so far and the page can save calls."""
        self._expire()
        if id_ in self._known or self._is_complete or not self._is_listable or self._pages + 1 >= self._reads:
            return
        try:
            self._fetch_page()
        except TrutoError:
            # Until the next reset; the single read reports the error. Without time, it says nothing about the list.
            self._is_listable = current_deadline().remaining_seconds < 1

    def _fetch_page(self) -> None:
        with self._lock:
            self._invalidated.clear()
        page = self._collection.list_page(self._cursor)
        self._pages += 1
        with self._lock:
            # A page may have left Truto before an item was changed.
            self._known |= {item.id: item for item in page.result if item.id not in self._invalidated}
        self._cursor = page.next_cursor
        self._is_complete = not page.next_cursor

    def _expire(self) -> None:
        if time.monotonic() - self._started > _FRESH_SECONDS:
            self._reset()
