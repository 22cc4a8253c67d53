"""The webhook as a resource: its properties, and its verbs, which the manager implements."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from pulumi_truto.input_errors import CheckResult, InputError
from pulumi_truto.resource_type import Property, Values
from pulumi_truto.rest.rest_type import RestType, outputs_of
from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.inputs import canonical_event_types, check_event_types, check_is_active, check_target_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.rest.manager import RestManager

__all__ = ["WEBHOOK", "WebhookType"]


def _are_urls_equal(old: Any, new: Any) -> bool:
    return isinstance(old, str) and isinstance(new, str) and urls_equal(old, new)


def _are_event_types_equal(old: Any, new: Any) -> bool:
    return canonical_event_types(old if isinstance(old, list) else []) == canonical_event_types(new)


_PROPERTIES: Final = (
    Property(
        name="target_url",
        type="string",
        output="The URL that Truto posts the events to.",
        input="The `https://` URL that Truto posts the events to. At most 2,048 characters. No user name, "
        "password, whitespace or fragment.",
        is_required=True,
        check=check_target_url,
        is_equal=_are_urls_equal,
    ),
    Property(
        name="event_types",
        type="array",
        output="The event types, sorted. Empty means every event.",
        input="The event types to subscribe to, as a set: order and duplicates do not matter. Omitted or "
        "empty means every event. Unknown event types are passed on with a warning because Truto "
        "adds new ones without notice.",
        default=(),
        check=check_event_types,
        canonical=canonical_event_types,
        is_equal=_are_event_types_equal,
    ),
    Property(
        name="is_active",
        type="boolean",
        output="Whether Truto delivers events.",
        input="Whether Truto delivers events. Truto switches a webhook off after prolonged delivery "
        "failures: a refresh shows that, and the next update switches it on again.",
        default=True,
        check=check_is_active,
        is_equal=operator.is_,
    ),
    Property(
        name="secret",
        type="string",
        output="The signing secret, for verifying deliveries. Null if Truto never showed it to this stack.",
        is_secret=True,
        can_be_null=True,
    ),
    *outputs_of("webhook"),
)


class WebhookType(RestType):
    """A webhook."""

    name = "Webhook"
    properties = _PROPERTIES
    noun = "webhook"
    collection = "webhooks"
    recreated_with = "with a new id and a new secret: the receiver rejects deliveries until it has the new secret"

    def check(self, declared: Mapping[str, Any], old_inputs: Values, *, api_on_loopback: bool = False) -> CheckResult:
        """Also warns if the program no longer lists event types: from now on the webhook gets every event."""
        result = super().check(declared, old_inputs, api_on_loopback=api_on_loopback)
        if result.inputs["event_types"] == [] and old_inputs.get("event_types"):
            result.warnings.append(InputError("event_types", "is empty now: the webhook will get every event"))
        return result

    def new_manager(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> RestManager:
        from pulumi_truto.webhook.manager import WebhookManager

        return WebhookManager(self, client, warn, known_ids)


WEBHOOK: Final = WebhookType()
