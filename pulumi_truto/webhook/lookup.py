"""Looking webhooks up: one by its id, or all that match. Must not import pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.webhook import inputs as rules

if TYPE_CHECKING:
    from pulumi_truto.api.models import Webhook

__all__ = ["WebhookInfo", "find_page", "find_webhook", "find_webhooks", "matches"]


@dataclass(frozen=True)
class WebhookInfo:
    """A webhook as Truto shows it: everything but the secret, which Truto shows only when a webhook is created.

    Attributes:
        event_types: sorted; empty for every event.
        created_at: UTC, as ``2024-09-01T10:00:00.000Z``.
        updated_at: in the same form.
    """

    id: str
    target_url: str
    event_types: list[str]
    is_active: bool
    environment_id: str | None
    created_at: str | None
    updated_at: str | None


def find_webhook(client: TrutoClient, id_: str) -> WebhookInfo:
    """The webhook with this id.

    Raises:
        NotFoundError: there is none in the token's environment.
        TrutoError: Truto could not be asked.
    """
    return _info(client.get_webhook(id_))


def find_webhooks(
    client: TrutoClient,
    *,
    is_active: bool | None = None,
    target_url: str | None = None,
    event_type: str | None = None,
) -> list[WebhookInfo]:
    """Every webhook of the token's environment that matches all the filters given.

    A webhook that is subscribed to every event matches each ``event_type``, and ``resource:*`` each of its resource.

    Raises:
        ConfigurationError: a filter has a type that could never match.
        TrutoError: Truto could not be asked.
    """
    for name, value, kind in (
        ("is_active", is_active, bool),
        ("target_url", target_url, str),
        ("event_type", event_type, str),
    ):
        if value is not None and not isinstance(value, kind):
            wanted = "a boolean" if kind is bool else "a string"
            raise ConfigurationError(
                f"cannot find webhooks by {name}: it must be {wanted}, not {rules.describe_type(value)}"
            )
    return [
        _info(webhook)
        for webhook in client.iter_webhooks()
        if matches(webhook, is_active=is_active, target_url=target_url, event_type=event_type)
    ]


def find_page(
    client: TrutoClient, continuation: str, page_size: int, limit: int, filters: Mapping[str, Any]
) -> tuple[list[Webhook], str]:
    """A page of the webhooks that match, and the token of the next one; an empty token where there is none.

    Args:
        client: the client of the environment.
        continuation: the token of this page; empty for the first one.
        page_size: how many at most; below 1 for as many as Truto gives.
        limit: how many at most; below 1 for all. The Pulumi CLI (3.260) asks each page for what it still wants, other
            than the protocol says, which has the limit of all pages here.
        filters: as those of `find_webhooks`.
    """
    page = client.list_webhooks(continuation or None, page_size=page_size if page_size > 0 else None)
    found = [webhook for webhook in page.result if matches(webhook, **filters)]
    if 0 < limit <= len(found):
        return found[:limit], ""
    return found, page.next_cursor or ""


def matches(
    webhook: Webhook, *, is_active: bool | None = None, target_url: str | None = None, event_type: str | None = None
) -> bool:
    """Whether the webhook matches all the filters given."""
    return (
        (is_active is None or webhook.is_active is is_active)
        and (target_url is None or rules.same_url(webhook.target_url, target_url))
        and (event_type is None or _is_subscribed(webhook, event_type))
    )


def _is_subscribed(webhook: Webhook, event_type: str) -> bool:
    subscribed = webhook.event_types or []
    wildcard = event_type.partition(":")[0] + ":*"
    return not subscribed or event_type in subscribed or wildcard in subscribed


def _info(webhook: Webhook) -> WebhookInfo:
    return WebhookInfo(
        id=webhook.id,
        **rules.inputs_of(webhook),
        environment_id=webhook.environment_id,
        created_at=webhook.created_at_text,
        updated_at=webhook.updated_at_text,
    )
