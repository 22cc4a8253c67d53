"""The rules of a webhook: what is valid, what is a change, what is sent, what is kept. Pure; no pulumi, no HTTP.

A webhook has the three inputs of Truto's API. After `check` they are canonical, so that equal wishes are equal values:

==============  ==========================================  ===========================================
input           as declared                                 canonical
==============  ==========================================  ===========================================
target_url      an https URL                                as declared
event_types     a list in any order, ``None`` or ``[]``     sorted, each once; ``[]`` is every event
is_active       a bool or ``None``                          a bool; ``None`` is ``True``
==============  ==========================================  ===========================================

During a preview a value, or an element of the list, can be `UNKNOWN`: it passes every check and is a change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pulumi_truto.config import is_loopback
from pulumi_truto.event_types import EventType

if TYPE_CHECKING:
    from pulumi_truto.api.models import Webhook

__all__ = [
    "FINGERPRINT",
    "ID",
    "INPUTS",
    "UNKNOWN",
    "Checked",
    "Fault",
    "changes",
    "check",
    "create_body",
    "describe_type",
    "inputs_of",
    "keep",
    "normal_url",
    "same_url",
]

#: What is sent to Truto.
INPUTS: Final = ("target_url", "event_types", "is_active")
#: Of the credential that last wrote the webhook; see `Settings.fingerprint`. Kept in the state, and never a difference.
#: Pulumi does not show properties that begin with two underscores.
FINGERPRINT: Final = "__fingerprint"
#: As long as other providers allow.
MAXIMUM_URL_LENGTH: Final = 2048


class _Unknown(Enum):
    UNKNOWN = "not known yet"

    def __repr__(self) -> str:
        return self.name


#: A value that another resource will produce and that this preview cannot know.
UNKNOWN: Final = _Unknown.UNKNOWN

_KNOWN_EVENT_TYPES: Final = frozenset(str(known.value) for known in EventType)
#: A webhook's id. It goes into the path of a URL, so it may hold nothing that has a meaning there.
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_EVENT_TYPE: Final = re.compile(r"[^\s:]+:[^\s:]+")


@dataclass(frozen=True)
class Fault:
    """Something wrong with one input, in words that say how to fix it and never repeat the value."""

    property: str
    reason: str

    def text(self, name: str) -> str:
        """The fault for the user, under the name that the input has there.

        Pulumi gets it as one of the whole resource: with a fault of a property it shows the property's value, also
        where that is a secret, or a URL with a password in it.
        """
        return f"{name}{'' if self.reason.startswith('[') else ' '}{self.reason}"


@dataclass(frozen=True)
class Checked:
    """The outcome of `check`.

    Attributes:
        inputs: the canonical inputs; of no use where there are faults.
        faults: every fault of every input.
        warnings: what is accepted but looks like a mistake, in the same form.
    """

    inputs: dict[str, Any]
    faults: list[Fault]
    warnings: list[Fault]


def check(inputs: Mapping[str, Any], *, api_on_loopback: bool = False) -> Checked:
    """Validates the inputs of a webhook and brings them into their canonical form.

    Args:
        inputs: what the program declares.
        api_on_loopback: the API is on this machine, so that an ``http://`` target on it is fine as well.
    """
    target_url = inputs.get("target_url")
    event_types, event_faults, warnings = _check_event_types(inputs.get("event_types"))
    is_active = inputs.get("is_active")
    if is_active is None:
        is_active = True
    reasons = [
        *(Fault("target_url", reason) for reason in _target_url_faults(target_url, api_on_loopback)),
        *(Fault("event_types", reason) for reason in event_faults),
        *(Fault("is_active", reason) for reason in _is_active_faults(is_active)),
    ]
    canonical = {"target_url": target_url, "event_types": event_types, "is_active": is_active}
    return Checked(canonical, reasons, [Fault("event_types", warning) for warning in warnings])


def unexpected(declared: Collection[str], known: Collection[str]) -> list[Fault]:
    """The faults of declared properties that a webhook does not have; names with two underscores are Pulumi's own."""
    faults = []
    for name in sorted(declared):
        if name in known or name.startswith("__"):
            continue
        near = _closest(name, known) or next((each for each in known if each.lower() == name.lower()), None)
        hint = f". Did you mean {near}?" if near else f": it has {', '.join(sorted(known))}"
        faults.append(Fault(name, f"is not an input of a webhook{hint}"))
    return faults


def is_known_event_type(event_type: object) -> bool:
    """Whether this version knows the event type; see `EventType`."""
    return event_type in _KNOWN_EVENT_TYPES


def changes(state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be sent to bring a webhook from its state to the inputs: the body of a PATCH.

    Its keys are the inputs that changed; empty means that there is nothing to do. It is also the diff, so that a
    preview can never promise something else than the update sends.
    """
    changed: dict[str, Any] = {}
    for name in INPUTS:
        old, new = state.get(name), inputs[name]
        if not _same(name, old, new):
            changed[name] = new
    return changed


def create_body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the POST that creates a webhook.

    "Every event" is expressed by leaving ``event_types`` out, the one way that Truto's guides and reference
    agree on. ``environment_id`` is never sent: the token decides it.
    """
    return {name: inputs[name] for name in INPUTS if inputs[name] != []}


def inputs_of(webhook: Webhook) -> dict[str, Any]:
    """The inputs that would declare the webhook as it is."""
    return {
        "target_url": webhook.target_url,
        "event_types": _canonical(webhook.event_types or []),
        "is_active": webhook.is_active,
    }


def keep(webhook: Webhook, known: Mapping[str, Any]) -> dict[str, Any]:
    """The state to keep after an answer of Truto, given what was known before.

    What Truto left out of its answer stays as it was: the secret above all, which is in no answer but that of the
    create. A URL that Truto only spells differently stays as it was declared, or it would be a change for ever.
    """
    state: dict[str, Any] = {
        **inputs_of(webhook),
        "environment_id": webhook.environment_id or known.get("environment_id"),
        "created_at": webhook.created_at_text or known.get("created_at"),
        "updated_at": webhook.updated_at_text or known.get("updated_at"),
        "secret": known.get("secret") or webhook.secret,
    }
    if known.get(FINGERPRINT):
        state[FINGERPRINT] = known[FINGERPRINT]
    declared = known.get("target_url")
    if isinstance(declared, str) and same_url(declared, webhook.target_url):
        state["target_url"] = declared
    return state


def same_url(one: str, other: str) -> bool:
    """Whether two URLs are the same but for their spelling: see `normal_url`."""
    return one == other or normal_url(one) == normal_url(other)


def normal_url(url: str) -> str:
    """The URL after the normalisation that URL parsers apply (RFC 3986, 6.2.2 and 6.2.3); as it is if it is none.

    The case of scheme and host, the default port and the empty path do not count. Everything else does.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = parts.hostname or ""
    user = parts.netloc.rpartition("@")[0]
    where = f"[{host}]" if ":" in host else host
    if port is not None and port != {"https": 443, "http": 80}.get(parts.scheme):
        where += f":{port}"
    return parts._replace(netloc=f"{user}@{where}" if user else where, path=parts.path or "/").geturl()


def _same(name: str, old: object, new: object) -> bool:
    if name == "target_url":
        return isinstance(old, str) and isinstance(new, str) and same_url(old, new)
    if name == "event_types":
        if new is UNKNOWN or not isinstance(new, Sequence) or UNKNOWN in new:
            return False
        return _canonical(old if isinstance(old, Sequence) and not isinstance(old, str) else []) == _canonical(new)
    return old is new


def _canonical(event_types: Sequence[Any]) -> list[Any]:
    """Sorted, each once, elements that are not known yet last."""
    known = sorted({str(each) for each in event_types if each is not UNKNOWN})
    return [*known, *(each for each in event_types if each is UNKNOWN)]


def _target_url_faults(url: object, api_on_loopback: bool) -> list[str]:
    """What is wrong with it, never repeating any of it: a path or a query can be a secret, a user part a password."""
    if url is UNKNOWN:
        return []
    if url is None or url == "":
        return ["is required: the https:// URL that Truto posts the events to"]
    if not isinstance(url, str):
        return [f"must be a string, the https:// URL that Truto posts the events to, not {describe_type(url)}"]
    faults = []
    # First, as urlsplit drops some of these characters in silence.
    if any(character.isspace() or not character.isprintable() for character in url):
        faults.append("must not contain whitespace or control characters, including at either end")
    if len(url) > MAXIMUM_URL_LENGTH:
        faults.append(f"must have at most {MAXIMUM_URL_LENGTH:,} characters, and it has {len(url):,}")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        # Without the reason: it can repeat a password.
        return [*faults, "is not a URL; one is like https://hooks.example.com/truto"]
    if parts.scheme == "http" and is_loopback(host):
        if not api_on_loopback:
            faults.append("must start with https://: Truto cannot reach a service on your own machine")
    elif parts.scheme != "https":
        how = "it does not" if parts.scheme else "it has no scheme: write it like https://hooks.example.com/truto"
        faults.append(f"must start with https://, and {how}")
    if parts.scheme and not host:
        faults.append("must name a host, as in https://hooks.example.com/truto")
    if "@" in parts.netloc:
        faults.append("must not contain a user name or password; verify the signature of each delivery instead")
    if "#" in url:
        faults.append("must not have a fragment (#...), as it would never be sent")
    return faults


def _check_event_types(value: Any) -> tuple[Any, list[str], list[str]]:
    """The canonical list, the faults and the warnings. None repeats a value, which can be a secret."""
    if value is UNKNOWN:
        return value, [], []
    if value is None:
        return [], [], []
    if isinstance(value, str):
        return value, ['must be a list, not a single string: put it in brackets, as in ["record:created"]'], []
    if not isinstance(value, (list, tuple)):
        return value, [f'must be a list like ["record:created"], not {describe_type(value)}'], []
    faults, warnings = [], []
    for index, each in enumerate(value):
        if each is UNKNOWN:
            continue
        if not isinstance(each, str):
            faults.append(f"[{index}] must be a string, not {describe_type(each)}")
        elif not _EVENT_TYPE.fullmatch(each):
            faults.append(f'[{index}] is not an event type: they have the form "resource:event"')
        elif each not in _KNOWN_EVENT_TYPES and each not in value[:index]:
            warnings.append(_unknown_event_type(index, each))
    if faults:
        return value, faults, warnings
    return _canonical(value), [], warnings


def _is_active_faults(value: object) -> list[str]:
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
    """What kind of value it is, in words that never show it."""
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
    return "nothing" if value is None else f"a value of the type {type(value).__name__}"
