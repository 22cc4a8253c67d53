"""What a Pulumi program can ask Truto: `get_webhook` and `get_webhooks`. Loads the client when it is called."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, overload

import pulumi

from pulumi_truto import config as settings
from pulumi_truto.session import connect

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.event_types import EventType
    from pulumi_truto.webhook.lookup import WebhookInfo

__all__ = ["get_webhook", "get_webhooks"]


@overload
def get_webhook(  # type: ignore[overload-overlap]  # a plain value is an Input as well
    id: str,
    *,
    api_token: str | None = None,
    base_url: str | None = None,
) -> WebhookInfo: ...


@overload
def get_webhook(
    id: pulumi.Input[str],
    *,
    api_token: pulumi.Input[str] | None = None,
    base_url: pulumi.Input[str] | None = None,
) -> pulumi.Output[WebhookInfo]: ...


def get_webhook(id: Any, *, api_token: Any = None, base_url: Any = None) -> Any:  # noqa: A002
    """Reads one webhook by its id, while the program runs: in a preview too.

    Its secret is not among the results, as Truto shows it only when a webhook is created. To have the webhook in the
    stack, as a resource that is read and not managed, there is `Webhook.get`.

    Args:
        id: the webhook's id at Truto.
        api_token: the token of its environment. Left out: the stack's, then ``TRUTO_API_TOKEN``.
        base_url: Truto's API. Left out: the stack's, then ``TRUTO_BASE_URL``, then the default.

    Returns:
        The webhook. Where an argument is an `Output`, an `Output` of it, which asks Truto when all of them are known.

    Raises:
        pulumi_truto.errors.NotFoundError: there is none in the token's environment.
        pulumi_truto.errors.TrutoError: Truto could not be asked.
    """

    def look_up(id_: Any, api_token: Any, base_url: Any) -> WebhookInfo:
        from pulumi_truto.webhook.lookup import find_webhook

        if not isinstance(id_, str):
            raise TypeError(f"truto.get_webhook takes an id, a string, not {type(id_).__name__}")
        return find_webhook(_client(api_token, base_url), id_)

    return _now_or_later(look_up, id_=id, api_token=api_token, base_url=base_url)


@overload
def get_webhooks(
    *,
    is_active: bool | None = None,
    target_url: str | None = None,
    event_type: str | EventType | None = None,
    api_token: str | None = None,
    base_url: str | None = None,
) -> list[WebhookInfo]: ...


@overload
def get_webhooks(
    *,
    is_active: pulumi.Input[bool] | None = None,
    target_url: pulumi.Input[str] | None = None,
    event_type: pulumi.Input[str | EventType] | None = None,
    api_token: pulumi.Input[str] | None = None,
    base_url: pulumi.Input[str] | None = None,
) -> pulumi.Output[list[WebhookInfo]]: ...


def get_webhooks(
    *,
    is_active: Any = None,
    target_url: Any = None,
    event_type: Any = None,
    api_token: Any = None,
    base_url: Any = None,
) -> Any:
    """Lists the webhooks of the environment, while the program runs: in a preview too.

    Filters combine with AND; pagination is automatic.

    Args:
        is_active: only webhooks that are, or are not, active.
        target_url: only webhooks with this URL.
        event_type: only webhooks that are subscribed to this event type; those subscribed to all are among them.
        api_token: the token of the environment. Left out: the stack's, then ``TRUTO_API_TOKEN``.
        base_url: Truto's API. Left out: the stack's, then ``TRUTO_BASE_URL``, then the default.

    Returns:
        The webhooks. Where an argument is an `Output`, an `Output` of them, which asks Truto when all are known.

    Raises:
        pulumi_truto.errors.TrutoError: Truto could not be asked.
    """

    def look_up(api_token: Any, base_url: Any, **filters: Any) -> list[WebhookInfo]:
        from pulumi_truto.webhook.lookup import find_webhooks

        return find_webhooks(_client(api_token, base_url), **filters)

    return _now_or_later(
        look_up,
        is_active=is_active,
        target_url=target_url,
        event_type=event_type,
        api_token=api_token,
        base_url=base_url,
    )


def _now_or_later(look_up: Callable[..., Any], **arguments: Any) -> Any:
    if any(isinstance(each, (pulumi.Output, Awaitable)) for each in arguments.values()):
        return pulumi.Output.all(**arguments).apply(lambda known: look_up(**known))
    return look_up(**arguments)


def _client(api_token: str | None, base_url: str | None) -> TrutoClient:
    given = {settings.API_TOKEN_KEY: api_token, settings.BASE_URL_KEY: base_url}
    config = pulumi.Config("truto")
    # A program always has the present configuration, so no token is a recorded one.
    place = "the argument api_token" if api_token else f"the stack's configuration, {settings.API_TOKEN_KEY}"
    found = settings.resolve(lambda key: given[key] or config.get(key.removeprefix("truto:")), os.environ, place=place)
    return connect(found, pulumi.log.warn)
