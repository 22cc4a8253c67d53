"""Faults that a test injects into the API or a receiver, and the plan of the faults to come.

`pulumi_truto.sandbox.fault_effects` applies them to the responses.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from pulumi_truto.sandbox.routes import OPERATIONS
from pulumi_truto.sandbox.validation import Count, Seconds, StrictModel, check_choice, rule

__all__ = ["ALTERED_RESPONSE_KINDS", "DELIVERY", "KINDS", "NO_RESPONSE_KINDS", "Fault", "FaultPlan"]

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

_HeaderName = Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")]
_HeaderValue = Annotated[str, Field(pattern="^[ -~]*$")]
_Headers = Annotated[dict[_HeaderName, _HeaderValue], rule("must be an object of header names and values")]
_Operation = Annotated[str, BeforeValidator(partial(check_choice, "operation", (*OPERATIONS, DELIVERY, "any")))]


class Fault(StrictModel):
    """One kind of failure, and the requests that it affects.

    | kind           | the client sees |
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

    _unknown_field: ClassVar[str] = "a fault has no field {name!r}: one of {known}"

    kind: Annotated[str, BeforeValidator(partial(check_choice, "kind of fault", KINDS))]
    operation: _Operation = "any"
    times: Count = 1
    skip: Count = 0
    processed: bool = False
    processed_after_seconds: Seconds | None = None
    seconds: Seconds = 1.0
    status: Annotated[int, Field(ge=200, le=599), rule("must be from 200 to 599")] | None = None
    message: str | None = None
    body: Any = None
    headers: _Headers = Field(default_factory=dict)
    retry_after: Annotated[_HeaderValue | None, rule("must be a string or null")] = "10"
    fields: Annotated[tuple[str, ...], Field(strict=False), rule("must be a list of names")] = ()
    size_bytes: Count = 10_000_000

    @model_validator(mode="after")
    def _fields_match_the_kind(self) -> Fault:
        if self.operation == DELIVERY and self.kind not in _DELIVERY_KINDS:
            raise ValueError(f"{self.kind!r} is not a fault of a receiver: one of {', '.join(_DELIVERY_KINDS)}")
        if self.processed_after_seconds is not None and self.kind in ALTERED_RESPONSE_KINDS:
            raise ValueError(f"{self.kind!r} needs the request to be processed first")
        if self.kind in ("html", "not_json") and not (self.body is None or isinstance(self.body, str)):
            raise ValueError(f"body must be a string for {self.kind!r}")
        if self.kind == "missing_fields" and not self.fields:
            raise ValueError("missing_fields needs fields")
        return self

    @property
    def processes_request(self) -> bool:
        """Whether the request is processed before the fault acts."""
        return self.processed or self.kind in ALTERED_RESPONSE_KINDS


@dataclass
class _PlannedFault:
    fault: Fault
    skips: int
    remaining: int | None  # None: until the plan is cleared

    def affects(self, operation: str) -> bool:
        return self.fault.operation == operation or (self.fault.operation == "any" and operation != DELIVERY)


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
                if not planned.affects(operation):
                    continue
                if not planned.skips:
                    planned.remaining = planned.remaining and planned.remaining - 1
                    if planned.remaining == 0:
                        self._planned.remove(planned)
                    return planned.fault
                planned.skips -= 1
            return None

    def pending(self) -> list[tuple[Fault, int | None]]:
        """The planned faults, each with the number of requests that it still affects; None means all."""
        with self._lock:
            return [(planned.fault, planned.remaining) for planned in self._planned]
