"""The webhooks of the Truto API: valid requests, and their effects.

Where Truto's own sources disagree, a setting chooses; where they are silent, a docstring states the sandbox's choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from pulumi_truto.sandbox.collection import Collection, Edit, Item, ListFilter, PrintableString, RequestBody
from pulumi_truto.sandbox.responses import ErrorResponse
from pulumi_truto.sandbox.validation import OMITTED, Json, is_loopback, rule

__all__ = ["Webhook", "Webhooks"]


def _check_target_url(target_url: str) -> str:
    try:
        url = urlsplit(target_url)
        host, _ = url.hostname, url.port  # reading these properties validates them
    except ValueError:
        host = None
    if not host or not target_url.isprintable() or " " in target_url:
        raise ValueError("target_url must be a valid URL")
    # Truto requires https. The sandbox also accepts http: a receiver under development seldom has a certificate.
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ValueError("target_url must be an https:// URL")
    return target_url


_TargetUrl = Annotated[str, AfterValidator(_check_target_url)]
_Flag = Annotated[bool, BeforeValidator({"true": True, "false": False}.get), rule("must be true or false")]
_EventTypes = Annotated[
    list[str],
    BeforeValidator(lambda event_types: [] if event_types is None else event_types),
    rule("must be an array of strings"),
]


class _WebhookUpdate(RequestBody):
    target_url: _TargetUrl = OMITTED
    is_active: bool = True
    event_types: _EventTypes = Field(default_factory=list)


class _WebhookCreate(_WebhookUpdate):
    target_url: _TargetUrl


class _WebhookFilter(ListFilter):
    is_active: _Flag = OMITTED


class _WebhookEdit(Edit):
    target_url: PrintableString = OMITTED
    is_active: bool = OMITTED
    event_types: _EventTypes = OMITTED
    secret: PrintableString = OMITTED


@dataclass(kw_only=True)
class Webhook(Item):
    """A webhook as the server stores it. An empty ``event_types`` means every event."""

    target_url: str
    is_active: bool
    event_types: list[str]
    secret: str = field(repr=False)
    failures: int = 0
    """The number of consecutive failed deliveries."""

    def receives(self, event_type: str) -> bool:
        """Whether events of this type are delivered: the webhook is active and subscribed to them."""
        wildcard = event_type.partition(":")[0] + ":*"
        subscribed = not self.event_types or event_type in self.event_types or wildcard in self.event_types
        return self.is_active and subscribed


class Webhooks(Collection[Webhook]):
    """``/webhook``."""

    path, noun, plural = "/webhook", "Webhook", "webhooks"
    verbs = (*Collection.verbs, "test")
    create_body, update_body, edit_body = _WebhookCreate, _WebhookUpdate, _WebhookEdit
    list_filter = _WebhookFilter
    hidden = Collection.hidden | {"secret", "failures"}
    item_type = Webhook

    def create(self, environment_id: str, body: Json) -> Json:
        """``POST /webhook``. No other response contains the secret."""
        with self._backend.lock:
            limit = self._backend.settings.webhook_limit
            if limit is not None and len(self.items(environment_id)) >= limit:
                raise ErrorResponse(403, f"the plan allows {limit} webhooks per environment")
            created = super().create(environment_id, body)
            return {**created, "secret": self._items[created["id"]].secret}

    def generated_fields(self) -> Json:
        """Returns the secret."""
        return {"secret": self._backend.new_id()}

    def update(self, environment_id: str, item_id: str, body: Json) -> Json:
        """``PATCH /webhook/{id}``. Omitted fields stay unchanged; for ``event_types`` a setting chooses."""
        omitted: Json = {"event_types": []} if self._backend.settings.omitted_event_types == "all" else {}
        return super().update(environment_id, item_id, {**omitted, **body})

    def show(self, item: Webhook) -> Json:
        """Returns a webhook as in every response but that of its create: without its secret."""
        item_json = super().show(item)
        if not item.event_types and self._backend.settings.empty_event_types_as == "null":
            item_json["event_types"] = None
        if not item.event_types and self._backend.settings.empty_event_types_as == "absent":
            del item_json["event_types"]
        return item_json

    def change(self, item_id: str, changes: Json) -> Webhook:
        """Changes the stored webhook. One that is activated again starts without failures."""
        if changes.get("is_active") and not self._items[item_id].is_active:
            changes = {"failures": 0, **changes}
        return super().change(item_id, changes)

    def record_delivery(self, webhook_id: str, *, ok: bool) -> None:
        """Counts consecutive failed deliveries, and deactivates the webhook after too many."""
        with self._backend.lock:
            webhook = self._items.get(webhook_id)
            if webhook is None:  # deleted while the delivery was in flight
                return
            webhook.failures = 0 if ok else webhook.failures + 1
            if webhook.failures >= self._backend.settings.deactivate_after and webhook.is_active:
                self.change(webhook_id, {"is_active": False})
