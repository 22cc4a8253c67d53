"""Validates the inputs of a webhook and brings them into canonical form, so that equal wishes are equal values.

==============  ==========================================  ===========================================
input           as declared                                 canonical
==============  ==========================================  ===========================================
target_url      an https URL                                as declared
event_types     a list in any order, ``None`` or ``[]``     sorted, no duplicates; ``[]`` is every event
is_active       a bool or ``None``                          a bool; ``None`` is ``True``
==============  ==========================================  ===========================================
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit

from pulumi_truto.event_types import EventType
from pulumi_truto.urls import is_loopback

__all__ = [
    "UNKNOWN",
    "InputError",
    "ValidationResult",
    "WebhookInputs",
    "canonical_event_types",
    "check",
    "describe_type",
    "is_known_event_type",
    "unexpected",
]

#: The limit of comparable providers; Truto documents none.
MAX_URL_LENGTH: Final = 2048


class _Unknown(Enum):
    UNKNOWN = "not known yet"

    def __repr__(self) -> str:
        return self.name


#: The value of another resource's output that this preview cannot know. It passes every check and is always a change.
#: The types leave it out: no request is ever made from inputs that have one.
UNKNOWN: Final[Any] = _Unknown.UNKNOWN

_KNOWN_EVENT_TYPES: Final = frozenset(str(known.value) for known in EventType)
_EVENT_TYPE: Final = re.compile(r"[^\s:]+:[^\s:]+")


class WebhookInputs(TypedDict):
    """The inputs of a webhook in canonical form. An empty ``event_types`` means every event."""

    target_url: str
    event_types: list[str]
    is_active: bool


@dataclass(frozen=True)
class InputError:
    """One error in one input. The reason says how to fix it and never contains the value, which can be a secret."""

    property: str
    reason: str

    def message(self, name: str) -> str:
        """The message for the user, with the name that the program uses for the property.

        Pulumi gets it as an error of the whole resource. For an error of a property it would show the property's value,
        which may be a secret or a URL that contains one.
        """
        return f"{name}{'' if self.reason.startswith('[') else ' '}{self.reason}"


@dataclass(frozen=True)
class ValidationResult:
    """What `check` found.

    Attributes:
        inputs: the canonical inputs; meaningless if there are errors.
        errors: every error of every input.
        warnings: what is accepted but looks like a mistake, in the same form.
    """

    inputs: WebhookInputs
    errors: list[InputError]
    warnings: list[InputError]


def check(
    declared: Mapping[str, Any], old_inputs: Mapping[str, Any] | None = None, *, api_on_loopback: bool = False
) -> ValidationResult:
    """Validates the inputs of a webhook and brings them into canonical form.

    Args:
        declared: what the program declares.
        old_inputs: the canonical inputs of the last run; empty for a new webhook.
        api_on_loopback: the API is on this machine, so that an ``http://`` target on it is allowed too.
    """
    target_url = declared.get("target_url")
    event_types, event_errors, warnings = _check_event_types(declared.get("event_types"))
    if event_types == [] and (old_inputs or {}).get("event_types"):
        warnings.append("is empty now: the webhook will get every event")
    is_active = declared.get("is_active")
    if is_active is None:
        is_active = True
    errors = [
        *(InputError("target_url", reason) for reason in _target_url_errors(target_url, api_on_loopback)),
        *(InputError("event_types", reason) for reason in event_errors),
        *(InputError("is_active", reason) for reason in _is_active_errors(is_active)),
    ]
    # Checked just now, or not used.
    inputs: Any = {"target_url": target_url, "event_types": event_types, "is_active": is_active}
    return ValidationResult(inputs, errors, [InputError("event_types", warning) for warning in warnings])


def unexpected(declared: Collection[str], known: Collection[str], resource: str) -> list[InputError]:
    """The errors for declared properties that the resource does not have. Pulumi's own start with two underscores."""
    errors = []
    for name in sorted(declared):
        if name in known or name.startswith("__"):
            continue
        near = _closest(name, known) or next((each for each in known if each.lower() == name.lower()), None)
        hint = f". Did you mean {near}?" if near else f": it has {', '.join(sorted(known))}"
        errors.append(InputError(name, f"is not an input of a {resource}{hint}"))
    return errors


def is_known_event_type(event_type: object) -> bool:
    """Whether this version knows the event type; see `EventType`."""
    return event_type in _KNOWN_EVENT_TYPES


def canonical_event_types(event_types: Sequence[Any]) -> list[Any]:
    """Sorted and without duplicates; elements that are not known yet come last."""
    known = sorted({str(each) for each in event_types if each is not UNKNOWN})
    return [*known, *(each for each in event_types if each is UNKNOWN)]


def _target_url_errors(url: object, api_on_loopback: bool) -> list[str]:
    """The reasons never contain a part of the URL: a path or a query can be a secret, a user part a password."""
    if url is UNKNOWN:
        return []
    if url is None or url == "":
        return ["is required: the https:// URL that Truto posts the events to"]
    if not isinstance(url, str):
        return [f"must be a string, the https:// URL that Truto posts the events to, not {describe_type(url)}"]
    errors = []
    # First, as urlsplit drops some of these characters in silence.
    if any(character.isspace() or not character.isprintable() for character in url):
        errors.append("must not contain whitespace or control characters, including at either end")
    if len(url) > MAX_URL_LENGTH:
        errors.append(f"must have at most {MAX_URL_LENGTH:,} characters, but has {len(url):,}")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        # Without the reason: it can repeat a password.
        return [*errors, "is not a URL; one is like https://hooks.example.com/truto"]
    if parts.scheme == "http" and is_loopback(host):
        if not api_on_loopback:
            errors.append(
                "is on your own machine, which Truto cannot reach: use a public https:// URL, such as that of a tunnel"
            )
    elif parts.scheme != "https":
        hint = "" if parts.scheme else ". It has no scheme: write it like https://hooks.example.com/truto"
        errors.append(f"must start with https://{hint}")
    if parts.scheme and not host:
        errors.append("must name a host, as in https://hooks.example.com/truto")
    if "@" in parts.netloc:
        errors.append("must not contain a user name or password; verify the signature of each delivery instead")
    if "#" in url:
        errors.append("must not have a fragment (#...): it would never be sent")
    return errors


def _check_event_types(value: Any) -> tuple[Any, list[str], list[str]]:
    """The canonical list, the errors and the warnings. None contains a value, which can be a secret."""
    if value is UNKNOWN:
        return value, [], []
    if value is None:
        return [], [], []
    if isinstance(value, str):
        return value, ['must be a list, not a single string: put it in brackets, as in ["record:created"]'], []
    if not isinstance(value, (list, tuple)):
        return value, [f'must be a list like ["record:created"], not {describe_type(value)}'], []
    errors, warnings = [], []
    for index, each in enumerate(value):
        if each is UNKNOWN:
            continue
        if not isinstance(each, str):
            errors.append(f"[{index}] must be a string, not {describe_type(each)}")
        elif not _EVENT_TYPE.fullmatch(each):
            errors.append(f'[{index}] is not an event type: event types have the form "resource:event"')
        elif each not in _KNOWN_EVENT_TYPES and each not in value[:index]:
            warnings.append(_unknown_event_type(index, each))
    if errors:
        return value, errors, warnings
    return canonical_event_types(value), [], warnings


def _is_active_errors(value: object) -> list[str]:
    if value is UNKNOWN or isinstance(value, bool):
        return []
    hint = ""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        hint = ". A value from the stack's config is a string: read it with pulumi.Config().get_bool()"
    return [f"must be true or false, not {describe_type(value)}{hint}"]


def _unknown_event_type(index: int, event_type: str) -> str:
    near = _closest(event_type, _KNOWN_EVENT_TYPES)
    hint = f'. Did you mean "{near}"?' if near else ""
    return (
        f"[{index}] is not an event type that this version of pulumi_truto knows. It is passed on, as Truto adds event "
        f"types without notice{hint}"
    )


def _closest(name: str, names: Collection[str]) -> str | None:
    import difflib  # seldom needed, and the provider starts sooner without it

    return next(iter(difflib.get_close_matches(name, sorted(names), n=1)), None)


def describe_type(value: object) -> str:
    """The type of a value, in words that never show the value."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "null" if value is None else f"a value of the type {type(value).__name__}"
