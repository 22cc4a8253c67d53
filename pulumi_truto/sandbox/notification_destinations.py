"""The notification destinations of the Truto API: Slack channels, and recipients of e-mail.

Only Truto's skill pages describe them, so more of this is the sandbox's choice than of the webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pulumi_truto.sandbox.collection import RequestBody
from pulumi_truto.sandbox.subscribers import Subscriber, SubscriberBody, SubscriberEdit, Subscribers
from pulumi_truto.sandbox.validation import OMITTED, HttpsUrl, Json, rule

__all__ = ["NotificationDestination", "NotificationDestinations"]


class _SlackConfig(RequestBody):
    webhook_url: HttpsUrl
    ignored_status_codes: list[int] = OMITTED


class _EmailConfig(RequestBody):
    to: Annotated[list[str], Field(min_length=1), rule("must be an array of at least one string")]
    cc: list[str] = OMITTED
    bcc: list[str] = OMITTED
    subject_prefix: str = OMITTED


class _DestinationUpdate(SubscriberBody):
    type: Literal["slack", "email"]
    config: Json = OMITTED
    label: str | None = None

    @field_validator("config")
    @classmethod
    def _matches_the_type(cls, config: Json, info: ValidationInfo) -> Json:
        """Keeps what was sent, and adds no defaults."""
        body = _EmailConfig if info.data.get("type") == "email" else _SlackConfig
        try:
            return body.from_json(config).model_dump(exclude_unset=True)
        except ValueError as error:
            raise ValueError(f"config.{error}") from None


class _DestinationCreate(_DestinationUpdate):
    config: Json


class _DestinationEdit(SubscriberEdit):
    config: Json = OMITTED
    label: str | None = OMITTED


@dataclass(kw_only=True)
class NotificationDestination(Subscriber):
    """A destination as the server stores it. ``config`` contains the secret URL of a Slack channel."""

    type: str
    config: Json = field(repr=False)
    label: str | None


class NotificationDestinations(Subscribers[NotificationDestination]):
    """``/notification-destination``."""

    path, noun, plural = "/notification-destination", "Notification destination", "notification_destinations"
    operation_suffix = "_destination"
    verbs = (*Subscribers.verbs, "test")
    create_body, update_body, edit_body = _DestinationCreate, _DestinationUpdate, _DestinationEdit
    item_type = NotificationDestination

    def update(self, environment_id: str, item_id: str, body: Json) -> Json:
        """``PATCH``. ``config`` replaces the stored one; ``type`` is ignored because it cannot be updated."""
        stored_type = self.find(item_id, environment_id).type
        return super().update(environment_id, item_id, {**body, "type": stored_type})

    def list(self, environment_id: str, query: Mapping[str, str]) -> Json:
        """``GET`` of one page, whose key is a setting."""
        page = super().list(environment_id, query)
        return {self._backend.settings.destination_list_key: page.pop("result"), **page}
