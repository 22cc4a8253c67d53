"""What can go wrong on the way to Truto, on demand; it must import neither the routes nor the server.

A test or a person plans a `Fault`, the next requests that it matches meet it. How it shows is in wire.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pulumi_truto.sandbox.clock import is_duration

OPERATIONS = ("create", "read", "update", "delete", "list", "test")

NO_RESPONSE = ("reset", "close", "timeout")
REAL_RESPONSE = ("truncated", "wrong_types", "missing_fields", "other_id", "extra_fields", "slow_drip")
_OWN_RESPONSE = ("html", "empty", "status", "rate_limited", "not_json", "huge", "redirect", "response")
KINDS = (*NO_RESPONSE, *REAL_RESPONSE, *_OWN_RESPONSE)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. Anything unknown or out of range is a ValueError.

    ====================  =================================================================================
    kind                  what the client sees
    ====================  =================================================================================
    reset                 the connection is reset (TCP RST), no answer
    close                 the connection is closed, no answer
    timeout               silence for ``seconds``, then the connection is closed, no answer
    truncated             the right status and Content-Length, half of the body, then the end
    slow_drip             the right answer, one byte of the body every ``seconds``
    wrong_types           the right answer, every field with another type
    missing_fields        the right answer without ``fields``
    other_id              the right answer with the id of another webhook
    extra_fields          the right answer and fields that nobody knows
    html                  a proxy's error page, 502
    empty                 no body, 500
    status                the error envelope, 503
    rate_limited          429, with Retry-After unless ``retry_after`` is None
    not_json              200 and a text that is not JSON
    huge                  200 and a valid JSON object of ``size_bytes`` and a little more
    redirect              302 to /elsewhere
    response              ``status`` (200), ``headers`` and ``body`` as given
    ====================  =================================================================================

    Attributes:
        kind: one of the above.
        operation: the requests it matches; "any" is every known operation.
        times: how many requests meet it; 0 is all until the plan is cleared.
        skip: how many matching requests pass first.
        processed: the request is carried out although the answer does not tell. The kinds that spoil the
            right answer always carry it out; the others otherwise happen before the API sees the request.
        processed_after_seconds: the request is carried out so long after the fault, as behind a gateway that gave up.
        seconds: see "timeout" and "slow_drip".
        status: instead of the kind's own status, for the kinds from "html" on.
        message: the message of "status" and "rate_limited".
        body: the body of "response", a string as it is, anything else as JSON; of "html" and "not_json", a
            string.
        headers: added to the answer, for the kinds from "html" on.
        retry_after: see "rate_limited".
        fields: see "missing_fields".
        size_bytes: see "huge".
    """

    kind: str
    operation: str = "any"
    times: int = 1
    skip: int = 0
    processed: bool = False
    processed_after_seconds: float | None = None
    seconds: float = 1.0
    status: int | None = None
    message: str | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: str | None = "10"
    fields: tuple[str, ...] = ()
    size_bytes: int = 10_000_000

    def __post_init__(self) -> None:
        _require(self.kind in KINDS, f"unknown kind of fault {self.kind!r}: one of {', '.join(KINDS)}")
        known = (*OPERATIONS, "any")
        _require(self.operation in known, f"unknown operation {self.operation!r}: one of {', '.join(known)}")
        for name in ("times", "skip", "size_bytes"):
            _require(_is_count(getattr(self, name)), f"{name} must be a whole number that is not negative")
        _require(isinstance(self.processed, bool), "processed must be true or false")
        _require(is_duration(self.seconds), "seconds must be a number that is not negative")
        late = self.processed_after_seconds
        _require(late is None or is_duration(late), "processed_after_seconds must be a number that is not negative")
        _require(
            late is None or self.kind not in REAL_RESPONSE, f"{self.kind!r} needs the request to be processed first"
        )
        status = self.status
        _require(status is None or (_is_count(status) and 200 <= status <= 599), "status must be from 200 to 599")
        _require(self.message is None or isinstance(self.message, str), "message must be a string")
        text_kinds = ("html", "not_json")
        _require(
            self.kind not in text_kinds or self.body is None or isinstance(self.body, str),
            f"body must be a string for {self.kind!r}",
        )
        _require(_are_headers(self.headers), "headers must be an object of header names and values")
        _require(self.retry_after is None or _is_header(self.retry_after), "retry_after must be a string or null")
        names = isinstance(self.fields, tuple) and all(isinstance(name, str) for name in self.fields)
        _require(names, "fields must be a list of names")
        _require(self.kind != "missing_fields" or bool(self.fields), "missing_fields needs fields")

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Fault:
        """A fault from a JSON object with the attributes' names; `kind` is required."""
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(given) - set(known))
        _require(not unknown, f"a fault has no field {unknown[:1]}: one of {', '.join(known)}")
        _require("kind" in given, f"kind is required: one of {', '.join(KINDS)}")
        names = given.get("fields", ())
        return cls(**{**given, "fields": tuple(names) if isinstance(names, list) else names})

    @property
    def needs_processing(self) -> bool:
        """Whether the request is carried out before the fault happens."""
        return self.processed or self.kind in REAL_RESPONSE


@dataclass
class _Planned:
    fault: Fault
    to_skip: int
    left: int | None  # None: until cleared


class FaultPlan:
    """The faults to come, in the order they were added; every method may be called from any thread.

    A request meets one fault at most: the first that matches. The ones after it do not see that request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        """Plans a fault after the ones that are planned."""
        with self._lock:
            self._planned.append(_Planned(fault, fault.skip, fault.times or None))

    def clear(self) -> None:
        """Forgets all faults."""
        with self._lock:
            self._planned.clear()

    def take(self, operation: str) -> Fault | None:
        """The fault that a request for this operation meets now, if any."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.operation not in (operation, "any"):
                    continue
                if planned.to_skip:
                    planned.to_skip -= 1
                    continue
                if planned.left is not None:
                    planned.left -= 1
                    if not planned.left:
                        self._planned.remove(planned)
                return planned.fault
            return None

    def pending(self) -> list[tuple[Fault, int | None]]:
        """The planned faults, each with how many requests will still meet it; None: all, until cleared."""
        with self._lock:
            return [(planned.fault, planned.left) for planned in self._planned]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _are_headers(headers: object) -> bool:
    return isinstance(headers, Mapping) and all(
        isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9-]+", name) and _is_header(value)
        for name, value in headers.items()
    )
