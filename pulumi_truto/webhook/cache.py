"""Reads webhooks with few calls: one by one while they are few, from shared pages of the list when they are many.

A refresh reads every webhook of a stack, one request of the engine each. The first is one GET. From the second on
there is a choice, a page of the list with 100 webhooks or another GET, made so that pages are never more than reads:
a few webhooks among thousands cost at most twice their number, and 200 of 200 cost about four calls.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.errors import TrutoError

if TYPE_CHECKING:
    from pulumi_truto.api.models import Webhook

__all__ = ["Reading"]

#: How long a page counts as the present. A refresh of thousands takes less, and what we change is taken out at once.
_FRESH_SECONDS: Final = 30.0


class Reading:
    """The webhooks of one environment as a run sees them. Safe to use from several threads."""

    def __init__(self, client: TrutoClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._reads = 0
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._known: dict[str, Webhook] = {}
        self._pages = 0
        self._cursor: str | None = None
        self._is_complete = False
        self._is_listable = True

    def get(self, id_: str) -> Webhook:
        """The webhook as it is now.

        Raises:
            NotFoundError: there is none. Never said by a page of the list, always by Truto's own 404.
            TrutoError: Truto could not be asked.
        """
        with self._lock:
            self._reads += 1
            if self._reads > 1:
                self._look(id_)
            webhook = self._known.get(id_)
        return webhook or self._client.get_webhook(id_)

    def forget(self, id_: str) -> None:
        """Says that the webhook was, or may have been, changed: the next read asks Truto."""
        with self._lock:
            self._known.pop(id_, None)

    def _look(self, id_: str) -> None:
        """Reads another page, if the webhook is on none so far and it is worth it."""
        self._expire()
        if id_ in self._known or self._is_complete or not self._is_listable or self._pages + 1 >= self._reads:
            return
        try:
            self._read_page()
        except TrutoError:
            self._is_listable = False  # for some seconds; the single reads say what is wrong

    def _read_page(self) -> None:
        page = self._client.list_webhooks(self._cursor)
        self._pages += 1
        self._known |= {webhook.id: webhook for webhook in page.result}
        self._cursor = page.next_cursor
        self._is_complete = not page.next_cursor

    def _expire(self) -> None:
        if time.monotonic() - self._began > _FRESH_SECONDS:
            self._begin()
