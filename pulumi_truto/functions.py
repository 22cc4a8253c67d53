"""What a Pulumi program can ask Truto: `get_webhook` and `get_webhooks`. Loads the client when it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pulumi

from pulumi_truto import settings

if TYPE_CHECKING:
    from pulumi_truto.client import TrutoClient
    from pulumi_truto.event_types import EventType
    from pulumi_truto.queries import WebhookInfo

__all__ = ["get_webhook", "get_webhooks"]


def get_webhook(id: str, *, api_token: str | None = None, base_url: str | None = None) -> WebhookInfo:  # noqa: A002
    """Reads one webhook by its id, while the program runs: in a preview too.

    Its secret is not among the results, as Truto shows it only when a webhook is created. To have the webhook in the
    stack, as a resource that is read and not managed, there is `Webhook.get`.

    Args:
        id: the webhook's id at Truto.
        api_token: the token of its environment. Left out: the stack's, then ``TRUTO_API_TOKEN``.
        base_url: Truto's API. Left out: the stack's, then ``TRUTO_BASE_URL``, then the default.

    Raises:
        pulumi_truto.errors.NotFoundError: there is none in the token's environment.
        pulumi_truto.errors.TrutoError: Truto could not be asked.
    """
    from pulumi_truto.queries import find_webhook

    if not isinstance(id, str):
        raise TypeError("truto.get_webhook takes an id that is known; for an output: output.apply(truto.get_webhook)")
    return find_webhook(_client(api_token, base_url), id)


def get_webhooks(
    *,
    is_active: bool | None = None,
    target_url: str | None = None,
    event_type: str | EventType | None = None,
    api_token: str | None = None,
    base_url: str | None = None,
) -> list[WebhookInfo]:
    """Lists the webhooks of the environment, all pages of them, while the program runs: in a preview too.

    Args:
        is_active: only webhooks that are, or are not, active.
        target_url: only webhooks with this URL.
        event_type: only webhooks that are told of this event type; those told of every event are among them.
        api_token: the token of the environment. Left out: the stack's, then ``TRUTO_API_TOKEN``.
        base_url: Truto's API. Left out: the stack's, then ``TRUTO_BASE_URL``, then the default.

    Raises:
        pulumi_truto.errors.TrutoError: Truto could not be asked.
    """
    from pulumi_truto.queries import find_webhooks

    client = _client(api_token, base_url)
    return find_webhooks(client, is_active=is_active, target_url=target_url, event_type=event_type)


def _client(api_token: str | None, base_url: str | None) -> TrutoClient:
    from pulumi_truto.client import TrutoClient

    given = {settings.API_TOKEN_KEY: api_token, settings.BASE_URL_KEY: base_url}
    config = pulumi.Config("truto")
    return TrutoClient(settings.resolve(lambda key: given[key] or config.get(key.removeprefix("truto:")), os.environ))
