"""Faults that a test injects into the API or a receiver, and the plan of the faults to come.

`pulumi_truto.sandbox.responses` applies them to the responses.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pulumi_truto.sandbox.clock import is_duration

__all__ = ["ALTERED_RESPONSE_KINDS", "DELIVERY", "KINDS", "NO_RESPONSE_KINDS", "OPERATIONS", "Fault", "FaultPlan"]

OPERATIONS = ("create", "read", "update", "delete", "list", "test", "log")
#: Faults of the receiver: this operation is a delivery to it, and "any" does not include it.
DELIVERY = "delivery"
_DELIVERY_KINDS = ("status", "timeout", "close")

#: The connection ends without a response.
NO_RESPONSE_KINDS = ("reset", "close", "timeout")
#: The request is processed, and its response is altered.
ALTERED_RESPONSE_KINDS = ("truncated", "wrong_types", "missing_fields", "other_id", "extra_fields", "slow_drip")
#: Another response is sent instead.
_REPLACED_RESPONSE_KINDS = ("html", "empty", "status", "rate_limited", "not_json", "huge", "redirect", "response")
KINDS = (*NO_RESPONSE_KINDS, *ALTERED_RESPONSE_KINDS, *_REPLACED_RESPONSE_KINDS)


@dataclass(frozen=True)
class Fault:
    """One kind of failure, and the requests that it affects.

    | kind           | what the client sees |
    |----------------|---|
    | reset          | the connection is reset (TCP RST) without a response |
    | close          | the connection is closed without a response |
    | timeout        | nothing for ``seconds``, then the connection is closed without a response |
    | truncated      | the correct status and Content-Length, half of the body, then the end |
    | slow_drip      | the correct response, one byte of the body every ``seconds`` |
    | wrong_types    | the correct response, but every field has another type |
    | missing_fields | the correct response without ``fields`` |
    | other_id       | the correct response with the id of another webhook |
    | extra_fields   | the correct response with additional unknown fields |
    | html           | a proxy's error page, 502 |
    | empty          | no body, 500 |
    | status         | the error envelope, 503 |
    | rate_limited   | 429, with Retry-After unless ``retry_after`` is None |
    | not_json       | 200 and a body that is not JSON |
    | huge           | 200 and a valid JSON object of slightly more than ``size_bytes`` |
    | redirect       | 302 to /elsewhere |
    | response       | ``status`` (200), ``headers`` and ``body`` as given |

    Three kinds also affect deliveries, as faults of the receiver: "status" makes it return that status, "timeout" makes
    it slow by ``seconds``, and "close" makes it refuse the connection.

    Attributes:
        kind: one of the above.
        operation: the operation that it affects; "any" means every operation of the API, "delivery" a delivery.
        times: the number of requests that it affects; 0 means all until the plan is cleared.
        skip: the number of matching requests that it lets pass first.
        processed: the request is processed although the response does not show it. The kinds that alter the correct
            response always process it. The other kinds otherwise act before the API sees the request.
        processed_after_seconds: the request is processed this long after the fault, as behind a gateway that timed out.
        seconds: see "timeout" and "slow_drip".
        status: replaces the status in the table, from "html" on.
        message: the message of "status" and "rate_limited".
        body: the body of "response", a string unchanged, every other value as JSON; of "html" and "not_json", a
            string.
        headers: additional headers of the response, from "html" on.
        retry_after: see "rate_limited".
        fields: see "missing_fields".
        size_bytes: see "huge".

    Raises:
        ValueError: a value is unknown or out of range.
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
        self._validate_matching()
        self._validate_processing()
        self._validate_response()

    def _validate_matching(self) -> None:
        _require(self.kind in KINDS, f"unknown kind of fault {self.kind!r}: one of {', '.join(KINDS)}")
        known = (*OPERATIONS, DELIVERY, "any")
        _require(self.operation in known, f"unknown operation {self.operation!r}: one of {', '.join(known)}")
        _require(
            self.operation != DELIVERY or self.kind in _DELIVERY_KINDS,
            f"{self.kind!r} is no fault of a receiver: one of {', '.join(_DELIVERY_KINDS)}",
        )
        for name in ("times", "skip", "size_bytes"):
            _require(_is_count(getattr(self, name)), f"{name} must be a non-negative integer")

    def _validate_processing(self) -> None:
        _require(isinstance(self.processed, bool), "processed must be true or false")
        _require(is_duration(self.seconds), "seconds must be a non-negative number")
        delay = self.processed_after_seconds
        _require(delay is None or is_duration(delay), "processed_after_seconds must be a non-negative number")
        _require(
            delay is None or self.kind not in ALTERED_RESPONSE_KINDS,
            f"{self.kind!r} needs the request to be processed first",
        )

    def _validate_response(self) -> None:
        status = self.status
        _require(status is None or (_is_count(status) and 200 <= status <= 599), "status must be from 200 to 599")
        _require(self.message is None or isinstance(self.message, str), "message must be a string")
        _require(
            self.kind not in ("html", "not_json") or self.body is None or isinstance(self.body, str),
            f"body must be a string for {self.kind!r}",
        )
        _require(_are_headers(self.headers), "headers must be an object of header names and values")
        _require(self.retry_after is None or _is_header(self.retry_after), "retry_after must be a string or null")
        are_names = isinstance(self.fields, tuple) and all(isinstance(name, str) for name in self.fields)
        _require(are_names, "fields must be a list of names")
        _require(self.kind != "missing_fields" or bool(self.fields), "missing_fields needs fields")

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Fault:
        """Returns the fault that a JSON object describes. Its keys are the attributes; ``kind`` is required.

        Raises:
            ValueError: a key is unknown, ``kind`` is missing, or a value is invalid.
        """
        known = [attribute.name for attribute in fields(cls)]
        unknown = sorted(set(body) - set(known))
        _require(not unknown, f"a fault has no field {unknown[:1]}: one of {', '.join(known)}")
        _require("kind" in body, f"kind is required: one of {', '.join(KINDS)}")
        names = body.get("fields", ())
        return cls(**{**body, "fields": tuple(names) if isinstance(names, list) else names})

    @property
    def processes_request(self) -> bool:
        """Whether the request is processed before the fault acts."""
        return self.processed or self.kind in ALTERED_RESPONSE_KINDS


@dataclass
class _PlannedFault:
    fault: Fault
    remaining_skips: int
    remaining: int | None  # None: until the plan is cleared


class FaultPlan:
    """The faults to come, in the order in which they were added. Thread-safe.

    At most one fault affects a request: the first that matches. Later faults do not count that request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_PlannedFault] = []

    def add(self, fault: Fault) -> None:
        """Adds a fault at the end of the plan."""
        with self._lock:
            self._planned.append(_PlannedFault(fault, fault.skip, fault.times or None))

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._planned.clear()

    def take(self, operation: str) -> Fault | None:
        """Returns the fault that affects the current request for this operation, if any, and counts the request."""
        with self._lock:
            for planned in self._planned:
                if planned.fault.operation != operation and (planned.fault.operation != "any" or operation == DELIVERY):
                    continue
                if planned.remaining_skips:
                    planned.remaining_skips -= 1
                    continue
                if planned.remaining is not None:
                    planned.remaining -= 1
                    if not planned.remaining:
                        self._planned.remove(planned)
                return planned.fault
            return None

    def pending(self) -> list[tuple[Fault, int | None]]:
        """The planned faults, each with the number of requests that it still affects; None means all."""
        with self._lock:
            return [(planned.fault, planned.remaining) for planned in self._planned]


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
