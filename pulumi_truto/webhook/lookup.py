"""Finds webhooks: one by its id, or all that match filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_truto.errors import ConfigurationError
from pulumi_truto.input_errors import describe_type
from pulumi_truto.rest.state import to_inputs
from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.webhook_type import WEBHOOK

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.api.collection import Collection
    from pulumi_truto.api.models import Item, Webhook

    _Item = TypeVar("_Item", bound=Item)

__all__ = ["WebhookInfo", "find_page", "find_webhook", "find_webhooks", "matches"]


@dataclass(frozen=True)
class WebhookInfo:
    """A webhook as Truto returns it: everything but the secret, which only the response to the create contains.

    Attributes:
        id: the webhook's id at Truto.
        target_url: the URL that Truto posts the events to.
        event_types: sorted; empty means every event.
        is_active: whether Truto delivers events.
        environment_id: the Truto environment.
        created_at: UTC, as ``2024-09-01T10:00:00.000Z``.
        updated_at: in the same format.
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
        TrutoError: the request failed.
    """
    return _info(client.webhooks.get(id_))


def find_webhooks(
    client: TrutoClient,
    *,
    is_active: bool | None = None,
    target_url: str | None = None,
    event_type: str | None = None,
) -> list[WebhookInfo]:
    """Every webhook of the token's environment that matches all given filters.

    A webhook subscribed to every event matches each ``event_type``, and one subscribed to ``resource:*`` each of that
    resource.

    Raises:
        ConfigurationError: a filter has the wrong type.
        TrutoError: the request failed.
    """
    for name, value, kind in (
        ("is_active", is_active, bool),
        ("target_url", target_url, str),
        ("event_type", event_type, str),
    ):
        if value is not None and not isinstance(value, kind):
            expected_type = "a boolean" if kind is bool else "a string"
            raise ConfigurationError(
                f"cannot find webhooks by {name}: it must be {expected_type}, not {describe_type(value)}"
            )
    return [
        _info(webhook)
        for webhook in client.webhooks.iter_items()
        if matches(webhook, is_active=is_active, target_url=target_url, event_type=event_type)
    ]


def find_page(
    collection: Collection[_Item, Any],
    continuation: str,
    page_size: int,
    limit: int,
    is_match: Callable[[_Item], bool] = lambda _: True,
) -> tuple[list[_Item], str]:
    """A page of the matching items, and the token of the next page; an empty token if there is none.

    Args:
        collection: the items of the environment.
        continuation: the token of this page; empty for the first one.
        page_size: the maximum for this page; below 1 for Truto's own.
        limit: the maximum for this page too; below 1 for none. The protocol has the limit of all pages here, but the
            Pulumi CLI (3.260) sends the number that it still wants.
        is_match: the filter.
    """
    page = collection.list_page(continuation or None, page_size=page_size if page_size > 0 else None)
    items = [item for item in page.result if is_match(item)]
    if 0 < limit <= len(items):
        return items[:limit], ""
    return items, page.next_cursor or ""


def matches(
    webhook: Webhook, *, is_active: bool | None = None, target_url: str | None = None, event_type: str | None = None
) -> bool:
    """Whether the webhook matches all given filters."""
    return (
        (is_active is None or webhook.is_active is is_active)
        and (target_url is None or urls_equal(webhook.target_url, target_url))
        and (event_type is None or _is_subscribed(webhook, event_type))
    )


def _is_subscribed(webhook: Webhook, event_type: str) -> bool:
    subscribed = webhook.event_types or []
    wildcard = event_type.partition(":")[0] + ":*"
    return not subscribed or event_type in subscribed or wildcard in subscribed


def _info(webhook: Webhook) -> WebhookInfo:
    return WebhookInfo(
        id=webhook.id,
        **to_inputs(WEBHOOK, webhook),
        environment_id=webhook.environment_id,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )
