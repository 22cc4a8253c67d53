"""The webhooks of the Truto API: valid requests, and their effects.

Where Truto's own sources disagree, a setting chooses; where they are silent, a docstring states the sandbox's choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator

from pulumi_truto.sandbox.collection import ListFilter, PrintableString
from pulumi_truto.sandbox.responses import ErrorResponse
from pulumi_truto.sandbox.subscribers import Subscriber, SubscriberBody, SubscriberEdit, Subscribers
from pulumi_truto.sandbox.validation import OMITTED, HttpsUrl, Json, rule

__all__ = ["Webhook", "Webhooks"]


_Flag = Annotated[bool, BeforeValidator({"true": True, "false": False}.get), rule("must be true or false")]


class _WebhookUpdate(SubscriberBody):
    target_url: HttpsUrl = OMITTED


class _WebhookCreate(SubscriberBody):
    target_url: HttpsUrl


class _WebhookFilter(ListFilter):
    is_active: _Flag = OMITTED


class _WebhookEdit(SubscriberEdit):
    target_url: PrintableString = OMITTED
    secret: PrintableString = OMITTED


@dataclass(kw_only=True)
class Webhook(Subscriber):
    """A webhook as the server stores it. An empty ``event_types`` means every event."""

    target_url: str
    secret: str = field(repr=False)
    failures: int = 0
    """The number of consecutive failed deliveries."""

    def receives(self, event_type: str) -> bool:
        """Whether events of this type are delivered: the webhook is active and subscribed to them."""
        wildcard = event_type.partition(":")[0] + ":*"
        subscribed = not self.event_types or event_type in self.event_types or wildcard in self.event_types
        return self.is_active and subscribed


class Webhooks(Subscribers[Webhook]):
    """``/webhook``."""

    path, noun, plural = "/webhook", "Webhook", "webhooks"
    verbs = (*Subscribers.verbs, "test")
    create_body, update_body, edit_body = _WebhookCreate, _WebhookUpdate, _WebhookEdit
    list_filter = _WebhookFilter
    hidden = Subscribers.hidden | {"secret", "failures"}
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

    def change(self, item_id: str, changes: Json) -> Webhook:
        """Changes the stored webhook. One that is activated again starts without failures."""
        if changes.get("is_active") and not self._items[item_id].is_active:
            changes = {"failures": 0, **changes}
        return super().change(item_id, changes)

    def record_delivery(self, webhook_id: str, *, ok: bool) -> bool:
        """Counts consecutive failed deliveries. Returns whether the webhook was deactivated because of too many."""
        with self._backend.lock:
            webhook = self._items.get(webhook_id)
            if webhook is None:  # deleted while the delivery was in flight
                return False
            webhook.failures = 0 if ok else webhook.failures + 1
            has_failed = webhook.failures >= self._backend.settings.deactivate_after and webhook.is_active
            if has_failed:
                self.change(webhook_id, {"is_active": False})
            return has_failed
