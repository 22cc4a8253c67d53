"""The rules of a webhook's inputs.

==============  ==========================================  ===========================================
input           as declared                                 canonical
==============  ==========================================  ===========================================
target_url      an https URL                                as declared
event_types     a list in any order, ``None`` or ``[]``     sorted, no duplicates; ``[]`` is every event
is_active       a bool or ``None``                          a bool; ``None`` is ``True``
==============  ==========================================  ===========================================

Each check returns errors and warnings. Neither contains a value, which can be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_truto.event_types import EventType
from pulumi_truto.input_errors import closest, describe_type
from pulumi_truto.resource_type import UNKNOWN
from pulumi_truto.urls import is_loopback

__all__ = ["canonical_event_types", "check_event_types", "check_is_active", "check_target_url"]

#: The limit of comparable providers; Truto documents none.
MAX_URL_LENGTH: Final = 2048

_KNOWN_EVENT_TYPES: Final = frozenset(str(event_type.value) for event_type in EventType)
_EVENT_TYPE: Final = re.compile(r"[^\s:]+:[^\s:]+")


def canonical_event_types(event_types: Sequence[Any]) -> list[Any]:
    """Sorted and without duplicates; elements that are not known yet come last."""
    known = sorted({str(event_type) for event_type in event_types if event_type is not UNKNOWN})
    return [*known, *(event_type for event_type in event_types if event_type is UNKNOWN)]


def check_target_url(url: object, api_on_loopback: bool) -> tuple[list[str], list[str]]:
    """The reasons never contain a part of the URL: a path or a query can be a secret, a user part a password."""
    return _target_url_errors(url, api_on_loopback), []


def _target_url_errors(url: object, api_on_loopback: bool) -> list[str]:
    if url is None or url == "":
        return ["is required: the https:// URL that Truto posts to"]
    if not isinstance(url, str):
        return [f"must be a string, the https:// URL that Truto posts to, not {describe_type(url)}"]
    errors = []
    # First, because urlsplit drops some of these characters silently.
    if any(character.isspace() or not character.isprintable() for character in url):
        errors.append("must not contain whitespace or control characters, including at either end")
    if len(url) > MAX_URL_LENGTH:
        errors.append(f"must have at most {MAX_URL_LENGTH:,} characters, but has {len(url):,}")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is not a number
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


def check_event_types(value: Any, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    """Unknown event types are warnings: Truto adds new ones without notice."""
    if isinstance(value, str):
        return ['must be a list, not a single string: put it in brackets, as in ["record:created"]'], []
    if not isinstance(value, (list, tuple)):
        return [f'must be a list like ["record:created"], not {describe_type(value)}'], []
    errors, warnings = [], []
    for index, event_type in enumerate(value):
        if event_type is UNKNOWN:
            continue
        if not isinstance(event_type, str):
            errors.append(f"[{index}] must be a string, not {describe_type(event_type)}")
        elif not _EVENT_TYPE.fullmatch(event_type):
            errors.append(f'[{index}] is not an event type: event types have the form "resource:event"')
        elif event_type not in _KNOWN_EVENT_TYPES and event_type not in value[:index]:
            warnings.append(_unknown_event_type(index, event_type))
    return errors, warnings


def check_is_active(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    """Only booleans: any string would be true."""
    if isinstance(value, bool):
        return [], []
    hint = ""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        hint = ". A value from the stack's config is a string: read it with pulumi.Config().get_bool()"
    return [f"must be true or false, not {describe_type(value)}{hint}"], []


def _unknown_event_type(index: int, event_type: str) -> str:
    suggestion = closest(event_type, _KNOWN_EVENT_TYPES)
    hint = f'. Did you mean "{suggestion}"?' if suggestion else ""
    return (
        f"[{index}] is not an event type that this version of pulumi_truto knows, and is passed on because Truto adds "
        f"some without notice{hint}"
    )
