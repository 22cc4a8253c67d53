"""Reads webhooks with few API calls: single reads for a few webhooks, pages of the list for many.

A refresh reads every webhook of a stack, and the engine requests each of them separately. The first read is one GET.
From the second on the cache may fetch a page of 100 webhooks instead, but never more pages than there were reads: a
few webhooks among thousands cost at most twice their number, and 200 of 200 cost about three calls.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from pulumi_truto.api.deadline import acquired_in_time, current_deadline
from pulumi_truto.errors import TrutoError

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.api.models import Webhook

__all__ = ["WebhookCache"]

#: How long a page is used. A refresh of thousands of webhooks takes less; a changed webhook is removed at once.
_FRESH_SECONDS: Final = 30.0


class WebhookCache:
    """The webhooks of one environment during a run. Thread-safe."""

    def __init__(self, client: TrutoClient) -> None:
        self._client = client
        #: Held during a request for a page.
        self._fetching = threading.Lock()
        #: Held while a page or an invalidation changes the cache, and never during a request.
        self._lock = threading.Lock()
        self._invalidated: set[str] = set()
        self._reads = 0
        self._reset()

    def _reset(self) -> None:
        self._started = time.monotonic()
        self._known: dict[str, Webhook] = {}
        self._pages = 0
        self._cursor: str | None = None
        self._is_complete = False
        self._is_listable = True

    def get(self, id_: str) -> Webhook:
        """The webhook as it is now.

        Raises:
            NotFoundError: there is none. Only a 404 says so, never a page of the list.
            TrutoError: the request failed.
        """
        with acquired_in_time(self._fetching, f"read webhook {id_}"):
            self._reads += 1
            if self._reads > 1:
                self._maybe_fetch_page(id_)
            webhook = self._known.get(id_)
        return webhook or self._client.webhooks.get(id_)

    def invalidate(self, id_: str) -> None:
        """Removes a webhook that was changed, or may have been: the next read fetches it."""
        with self._lock:
            self._known.pop(id_, None)
            self._invalidated.add(id_)

    def _maybe_fetch_page(self, id_: str) -> None:
        """Fetches another page if the webhook is on none so far and the page can save calls."""
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
        page = self._client.webhooks.list_page(self._cursor)
        self._pages += 1
        with self._lock:
            # A page may have left Truto before a webhook was changed.
            self._known |= {webhook.id: webhook for webhook in page.result if webhook.id not in self._invalidated}
        self._cursor = page.next_cursor
        self._is_complete = not page.next_cursor

    def _expire(self) -> None:
        if time.monotonic() - self._started > _FRESH_SECONDS:
            self._reset()
