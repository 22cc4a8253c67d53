"""The functions of a Pulumi program: `get_webhook` and `get_webhooks`. A call loads the client."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, overload

import pulumi
import pulumi.runtime
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, Mocks

from pulumi_truto import config
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS
from pulumi_truto.property_names import from_camel, to_camel
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
    """Reads one webhook by its id while the program runs, also in a preview.

    The result has no secret because Truto shows it only when a webhook is created. `Webhook.get` reads a webhook as a
    resource of the stack.

    Args:
        id (pulumi.Input[str]): the webhook's id at Truto.
        api_token (pulumi.Input[str] | None): the API token of its environment. Default: the stack's, then
            ``TRUTO_API_TOKEN``.
        base_url (pulumi.Input[str] | None): the URL of Truto's API. Default: the stack's, then ``TRUTO_BASE_URL``,
            then Truto's own.

    Returns:
        WebhookInfo | pulumi.Output[WebhookInfo]: The webhook. If an argument is an `Output`, an `Output` of it, which
            is read when all arguments are known.

    Raises:
        pulumi_truto.errors.NotFoundError: there is none in the token's environment.
        pulumi_truto.errors.TrutoError: the request failed.
    """

    mocks = _mocks()

    def look_up(id_: Any, api_token: Any, base_url: Any) -> WebhookInfo:
        from pulumi_truto.webhook.lookup import find_webhook

        if not isinstance(id_, str):
            raise TypeError(f"truto.get_webhook takes an id, a string, not {type(id_).__name__}")
        if mocks is not None:
            return _mocked_info(_call(mocks, GET_WEBHOOK, {"id": id_}))
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
    """Lists the webhooks of the environment while the program runs, also in a preview.

    Filters combine with AND; pagination is automatic.

    Args:
        is_active (pulumi.Input[bool] | None): only webhooks that are, or are not, active.
        target_url (pulumi.Input[str] | None): only webhooks with this URL.
        event_type (pulumi.Input[str | EventType] | None): only webhooks that are subscribed to this event type, to
            ``resource:*``, or to every event.
        api_token (pulumi.Input[str] | None): the API token of the environment. Default: the stack's, then
            ``TRUTO_API_TOKEN``.
        base_url (pulumi.Input[str] | None): the URL of Truto's API. Default: the stack's, then ``TRUTO_BASE_URL``,
            then Truto's own.

    Returns:
        list[WebhookInfo] | pulumi.Output[list[WebhookInfo]]: The webhooks. If an argument is an `Output`, an `Output`
            of them, which are read when all arguments are known.

    Raises:
        pulumi_truto.errors.TrutoError: the request failed.
    """

    mocks = _mocks()

    def look_up(api_token: Any, base_url: Any, **filters: Any) -> list[WebhookInfo]:
        from pulumi_truto.webhook.lookup import find_webhooks

        if mocks is not None:
            arguments = {name: value for name, value in filters.items() if value is not None}
            mocked_webhooks = _call(mocks, GET_WEBHOOKS, to_camel(arguments)).get("webhooks", [])
            return [_mocked_info(webhook) for webhook in mocked_webhooks]
        return find_webhooks(_client(api_token, base_url), **filters)

    return _now_or_later(
        look_up,
        is_active=is_active,
        target_url=target_url,
        event_type=event_type,
        api_token=api_token,
        base_url=base_url,
    )


def _mocks() -> Mocks | None:
    """The mocks of a unit test of the program; see `pulumi.runtime.set_mocks`."""
    monitor = pulumi.runtime.settings.SETTINGS.monitor
    return monitor.mocks if isinstance(monitor, MockMonitor) else None


def _call(mocks: Mocks, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = mocks.call(MockCallArgs(token, arguments, ""))
    return dict(result[0] if isinstance(result, tuple) else result or {})


def _mocked_info(result: dict[str, Any]) -> WebhookInfo:
    """The webhook of a mock, in either spelling. Omitted properties are ``None``; ``is_active`` is true."""
    from pulumi_truto.webhook.lookup import WebhookInfo

    properties = from_camel(result)
    return WebhookInfo(
        id=properties.get("id", ""),
        target_url=properties.get("target_url", ""),
        event_types=list(properties.get("event_types") or []),
        is_active=properties.get("is_active", True),
        environment_id=properties.get("environment_id"),
        created_at=properties.get("created_at"),
        updated_at=properties.get("updated_at"),
    )


def _now_or_later(look_up: Callable[..., Any], **arguments: Any) -> Any:
    if any(isinstance(argument, (pulumi.Output, Awaitable)) for argument in arguments.values()):
        return pulumi.Output.all(**arguments).apply(lambda values: look_up(**values))
    return look_up(**arguments)


def _client(api_token: str | None, base_url: str | None) -> TrutoClient:
    overrides: dict[str, str | None] = {config.API_TOKEN_KEY: api_token, config.BASE_URL_KEY: base_url}
    stack, environ = pulumi.Config("truto"), dict(os.environ)
    if api_token:  # perhaps of another environment than the stack's
        overrides[config.ENVIRONMENT_ID_KEY] = ""
        environ.pop(config.ENVIRONMENT_ID_VARIABLE, None)
    # A program always has the present configuration, so its token is never a recorded one.
    place = "the argument api_token" if api_token else f"the stack's configuration, {config.API_TOKEN_KEY}"
    settings = config.resolve_settings(
        lambda key: overrides[key] if overrides.get(key) is not None else stack.get(key.removeprefix("truto:")),
        environ,
        place=place,
    )
    return connect(settings, pulumi.log.warn)
