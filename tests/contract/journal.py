"""Records what a run sent and received, and which webhooks it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pulumi_truto.urls import ID

if TYPE_CHECKING:
    from tests.contract.api import Api

__all__ = ["Exchange", "Journal", "is_ambiguous"]


@dataclass(frozen=True)
class Exchange:
    """A request and its response.

    Attributes:
        operation: "create", "read", "update", "delete", "list", "test" or "log".
        request: method and path, without the id.
        webhook_id: the id in the path, or "".
        body: the JSON of the response; None if there is none.
        message: what an error says, shortened and without secrets; "" if it says nothing that can be read.
        sent_at: when the request was sent, in seconds of `time.monotonic`.
        responded_at: when the head of the response arrived.
        sent_on: this machine's clock when the request was sent, in UTC.
        is_own: it has the token that is verified, not another one.
    """

    operation: str
    request: str
    webhook_id: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    message: str
    sent_at: float
    responded_at: float
    sent_on: datetime
    is_own: bool

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def items(self) -> list[dict[str, Any]]:
        """The webhooks in the response; those of a list that are no objects are left out."""
        if not isinstance(self.body, dict) or not self.is_success:
            return []
        if self.operation == "list":
            result = self.body.get("result")
            return [each for each in result if isinstance(each, dict)] if isinstance(result, list) else []
        return [self.body] if self.operation in ("create", "read", "update") else []

    def __str__(self) -> str:
        return f"{self.request} returned {self.status}" + (f': "{self.message}"' if self.message else "")


def is_ambiguous(status: int) -> bool:
    """Whether the request may have been processed, by its status alone."""
    return status in (408, 409, 425, 499) or status >= 500


@dataclass
class Journal:
    """What a run sent, received and made.

    Attributes:
        exchanges: all of them, oldest first.
        made: the ids of all webhooks that the run made.
        existing: those that it did not delete, each with the API that made it.
        verified: those that are known to be of this run, and not just named by a wrong response.
        unresolved_creates: the number of creates that may have made a webhook whose id is not known.
        secrets: what must not appear in the output.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    existing: dict[str, Api] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)
    unresolved_creates: int = 0
    secrets: set[str] = field(default_factory=set, repr=False)

    def add(self, exchange: Exchange, api: Api) -> None:
        """Records a response."""
        self.exchanges.append(exchange)
        for item in exchange.items:
            if isinstance(item.get("secret"), str) and item["secret"]:
                self.secrets.add(item["secret"])
        if exchange.operation == "create":
            self._add_create(exchange, api)
        is_deleted = exchange.operation == "delete" and (exchange.is_success or exchange.status == 404)
        # To another token a webhook that exists is a 404.
        if is_deleted and self.existing.get(exchange.webhook_id) is api:
            del self.existing[exchange.webhook_id]

    def _add_create(self, exchange: Exchange, api: Api) -> None:
        id_ = exchange.items[0].get("id") if exchange.items else None
        is_id = isinstance(id_, str) and ID.fullmatch(id_)
        if is_id:
            self._own(str(id_), api)
        if is_id or not (exchange.is_success or is_ambiguous(exchange.status)):
            self.unresolved_creates -= 1

    def _own(self, id_: str, api: Api) -> None:
        if id_ not in self.made:
            self.made.add(id_)
            self.existing[id_] = api

    def find(self, id_: str, api: Api) -> None:
        """Records a webhook of this run in the list: what a create without a readable response made."""
        if id_ not in self.made:
            self.unresolved_creates -= 1
        self._own(id_, api)
        self.verified.add(id_)

    def disown(self, id_: str) -> None:
        """Forgets a webhook that a response named, but that this run did not make. Its create is unresolved."""
        self.existing.pop(id_, None)
        self.made.discard(id_)
        self.unresolved_creates += 1

    def redact(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text

    def shorten(self, text: str, length: int) -> str:
        """The start of what somebody else wrote, without secrets. A part of a secret would no longer be found."""
        return self.redact("".join(each for each in text if each.isprintable()))[:length]
