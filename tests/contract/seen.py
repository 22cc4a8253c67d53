"""A webhook as one response shows it, and times as Truto writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from pulumi_truto.urls import ID
from tests.contract.fact import Contradiction

__all__ = ["Seen", "has_fraction", "parse_time", "pattern"]

#: What the client can read: ``2021-08-10T10:00:00.000Z``, ``2024-09-01 10:00:00``, and any offset.
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Seen:
    """A webhook in a response.

    Attributes:
        where: the request and the status of the response.
        fields: all fields of the webhook.
    """

    where: str
    fields: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, fields: object, where: str) -> Seen:
        """The webhook with these fields.

        Raises:
            Contradiction: a field that the client needs is missing, or has a type that it cannot read.
        """
        if not isinstance(fields, Mapping):
            raise Contradiction(f"{where}: the response is not a JSON object")
        id_ = fields.get("id")
        if not isinstance(id_, str) or not ID.fullmatch(id_):
            raise Contradiction(f"{where}: id is {'of another form' if isinstance(id_, str) else _type(id_)}")
        for name, types in (
            ("target_url", str),
            ("is_active", bool),
            ("event_types", (list, type(None))),
            ("environment_id", (str, type(None))),
            ("secret", (str, type(None))),
            ("created_at", (str, type(None))),
            ("updated_at", (str, type(None))),
        ):
            if not isinstance(fields.get(name), types):
                raise Contradiction(f"{where}: {name} is {_type(fields.get(name))}")
        if not all(isinstance(each, str) for each in fields.get("event_types") or []):
            raise Contradiction(f"{where}: an event type is not a string")
        return cls(where, fields)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.fields["id"])

    @property
    def target_url(self) -> str:
        """Its URL."""
        return str(self.fields["target_url"])

    @property
    def is_active(self) -> bool:
        """Whether it is active."""
        return bool(self.fields["is_active"])

    @property
    def event_types(self) -> list[str]:
        """Its event types; empty for every event, in whichever way the response says that."""
        return list(self.fields.get("event_types") or [])

    @property
    def event_types_shown(self) -> str:
        """How the response shows its event types: "absent", "null", "[]" or "a list of 2"."""
        if "event_types" not in self.fields:
            return "absent"
        shown = self.fields["event_types"]
        return "null" if shown is None else f"a list of {len(shown)}" if shown else "[]"

    @property
    def environment_id(self) -> str | None:
        """The id of its environment, if the response has it."""
        return self.fields.get("environment_id")

    @property
    def secret(self) -> str | None:
        """Its secret, if the response has it."""
        return self.fields.get("secret") or None

    @property
    def values(self) -> tuple[str, frozenset[str], bool]:
        """What a program declares: URL, event types in any order, and whether it is active."""
        return self.target_url, frozenset(self.event_types), self.is_active

    def time(self, name: str) -> datetime:
        """A time, in UTC.

        Raises:
            Contradiction: the response has none, or one that the client cannot read.
        """
        value = self.fields.get(name)
        moment = parse_time(value)
        if moment is None:
            shown = pattern(value) if isinstance(value, str) else _type(value)
            raise Contradiction(f"{self.where}: {name} is {shown}")
        return moment


def parse_time(value: object) -> datetime | None:
    """A time in UTC; one without a zone is in UTC. None if the client cannot read it."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    date, time, fraction, zone = match.groups()
    try:
        # Python 3.10 reads neither "Z" nor every number of digits.
        moment = datetime.fromisoformat(f"{date}T{time}{'' if zone in (None, 'Z') else zone}")
        moment = moment.replace(microsecond=int(f"{fraction or '0':0<6.6}"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def has_fraction(value: str) -> bool:
    """Whether a time has a fraction, and not just zeros."""
    match = _TIME.fullmatch(value)
    return bool(match and (match[3] or "").strip("0"))


def pattern(value: str) -> str:
    """The form of a time, as in ``0000-00-00T00:00:00.000Z``."""
    return re.sub(r"\d", "0", value[:40], flags=re.ASCII)


def _type(value: object) -> str:
    names = {type(None): "missing", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
