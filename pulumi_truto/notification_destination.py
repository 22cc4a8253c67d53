"""The notification destination as a resource: who is notified, for example, when Truto switches a webhook off.

The endpoint stands on Truto's public skill pages and in no SDK of Truto's, so it is less certain than the webhook's.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final, Literal

from pulumi_truto.input_errors import CheckResult, InputError, closest, describe_type
from pulumi_truto.resource_type import UNKNOWN, Property, Values
from pulumi_truto.rest.rest_type import RestType, outputs_of
from pulumi_truto.webhook.inputs import canonical_event_types, check_is_active, check_target_url

__all__ = ["NOTIFICATION_DESTINATION", "NotificationDestinationType"]

#: The parts of `config` by type; the first one is required.
_PARTS: Final = {
    "slack": ("webhook_url", "ignored_status_codes"),
    "email": ("to", "cc", "bcc", "subject_prefix"),
}

_Reasons = tuple[list[str], list[str]]


def _check_type(value: object, _api_on_loopback: bool) -> _Reasons:
    if isinstance(value, str) and value in _PARTS:
        return [], []
    match = closest(value, _PARTS) if isinstance(value, str) else None
    return [f'must be "slack" or "email"{f". Did you mean {match}?" if match else ""}'], []


def _check_object(value: object, _api_on_loopback: bool) -> _Reasons:
    return ([] if isinstance(value, Mapping) else [f"must be an object, not {describe_type(value)}"]), []


def _check_url(value: object, api_on_loopback: bool) -> _Reasons:
    return ([], []) if value is None else check_target_url(value, api_on_loopback)


def _check_text(value: object, _api_on_loopback: bool) -> _Reasons:
    return ([] if value is None or isinstance(value, str) else [f"must be a string, not {describe_type(value)}"]), []


def _check_texts(value: object, _api_on_loopback: bool) -> _Reasons:
    if not isinstance(value, (list, tuple)):
        return [f"must be a list of strings, not {describe_type(value)}"], []
    return [
        f"[{index}] must be a string that is not empty"
        for index, element in enumerate(value)
        if element is not UNKNOWN and not (isinstance(element, str) and element.strip())
    ], []


def _check_status_codes(value: object, _api_on_loopback: bool) -> _Reasons:
    if not isinstance(value, (list, tuple)):
        return [f"must be a list of HTTP statuses, not {describe_type(value)}"], []
    return [
        f"[{index}] must be an HTTP status, a whole number from 100 to 599"
        for index, code in enumerate(value)
        if code is not UNKNOWN and not (type(code) is int and 100 <= code <= 599)
    ], []


def _part(
    name: str, type_: Literal["string", "array"], description: str, check: Any, items: Any = "strings"
) -> Property:
    default = () if type_ == "array" else None
    return Property(
        name=name, type=type_, output=description, input=description, default=default, check=check, items=items
    )


_CONFIG: Final = (
    _part("webhook_url", "string", "Slack: the `https://` URL of the incoming webhook. Required.", _check_url),
    _part(
        "ignored_status_codes",
        "array",
        "Slack: the HTTP statuses that cause no notification.",
        _check_status_codes,
        items="integers",
    ),
    _part("to", "array", "Email: the addresses. Required.", _check_texts),
    _part("cc", "array", "Email: the addresses that get a copy.", _check_texts),
    _part("bcc", "array", "Email: the addresses that get a blind copy.", _check_texts),
    _part("subject_prefix", "string", "Email: the start of every subject.", _check_text),
)


def _canonical_config(config: Mapping[str, Any]) -> Values:
    """Without parts that are empty or that this package does not know: Truto may add some to its responses."""
    parts = {part.name: config.get(part.name) for part in _CONFIG}
    return {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in parts.items() if value}


def _are_configs_equal(old: Any, new: Any) -> bool:
    def comparable(config: Any) -> Values:
        canonical = _canonical_config(config if isinstance(config, Mapping) else {})
        return {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in canonical.items()}

    return comparable(old) == comparable(new)


_PROPERTIES: Final = (
    Property(
        name="type",
        type="string",
        output="`slack` or `email`.",
        input="`slack` or `email`. A change replaces the destination.",
        is_required=True,
        replaces=True,
        check=_check_type,
    ),
    Property(
        name="config",
        type="object",
        object_type="NotificationDestinationConfig",
        fields=_CONFIG,
        output="Where the notifications go.",
        input="Where the notifications go: the URL of a Slack webhook, or email addresses.",
        is_required=True,
        is_secret=True,
        check=_check_object,
        canonical=_canonical_config,
        is_equal=_are_configs_equal,
    ),
    Property(
        name="label",
        type="string",
        output="The name for people.",
        input="The name for people.",
        can_be_null=True,
        check=_check_text,
        canonical=lambda label: label or None,
    ),
    Property(
        name="event_types",
        type="array",
        items="strings",
        output="The event types that it is subscribed to, sorted. Empty means every event.",
        input="The event types to subscribe to, as a set: order and duplicates do not matter. Omitted or empty means "
        "every event.",
        default=(),
        check=_check_texts,
        canonical=canonical_event_types,
        is_equal=lambda old, new: canonical_event_types(old or []) == canonical_event_types(new),
    ),
    Property(
        name="is_active",
        type="boolean",
        output="Whether it gets notifications.",
        input="Whether it gets notifications.",
        default=True,
        check=check_is_active,
        is_equal=operator.is_,
    ),
    *outputs_of("destination"),
)


class NotificationDestinationType(RestType):
    """A notification destination."""

    name = "NotificationDestination"
    properties = _PROPERTIES
    noun = "notification destination"
    collection = "notification_destinations"

    def check(self, declared: Mapping[str, Any], old_inputs: Values, *, api_on_loopback: bool = False) -> CheckResult:
        """Also checks which parts of `config` the type has, and needs."""
        result = super().check(declared, old_inputs, api_on_loopback=api_on_loopback)
        type_, config = declared.get("type"), declared.get("config")
        if not isinstance(config, Mapping) or not isinstance(type_, str) or type_ not in _PARTS:
            return result
        possible, (required, *_) = _PARTS[type_], _PARTS[type_]
        result.errors.extend(
            InputError(f"config.{part.name}", f'is not an input for the type "{type_}"')
            for part in _CONFIG
            if part.name not in possible and config.get(part.name) is not None
        )
        if config.get(required) in (None, []):
            result.errors.append(InputError(f"config.{required}", f'is required for the type "{type_}"'))
        return result


NOTIFICATION_DESTINATION: Final = NotificationDestinationType()
