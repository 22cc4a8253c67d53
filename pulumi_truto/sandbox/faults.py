"""What can go wrong on the way to Truto, on demand; it must import neither the routes nor the server.

A test or a person plans a `Fault`, the next requests that it matches meet it. `spoil` decides which answer
goes out, `send` how it goes over the wire.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import socket
import struct
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.state import ApiError

OPERATIONS = ("create", "read", "update", "delete", "list", "test")

_NO_ANSWER = ("reset", "close", "timeout")
_REAL_ANSWER = ("truncated", "wrong_types", "missing_fields", "other_id", "extra_fields", "slow_drip")
_OWN_ANSWER = ("html", "empty", "status", "rate_limited", "not_json", "huge", "redirect", "answer")
KINDS = (*_NO_ANSWER, *_REAL_ANSWER, *_OWN_ANSWER)

_DEFAULT_STATUS = {"html": 502, "empty": 500, "status": 503, "rate_limited": 429, "redirect": 302}
_HTML = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1>proxy</body></html>"
_CHUNK = b"x" * 65536


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
    answer                ``status`` (200), ``headers`` and ``body`` as given
    ====================  =================================================================================

    Attributes:
        kind: one of the above.
        operation: the requests it matches; "any" is every known operation.
        times: how many requests meet it; 0 is all until the plan is cleared.
        skip: how many matching requests pass first.
        processed: the request is carried out although the answer does not tell. The kinds that spoil the
            right answer always carry it out; the others otherwise happen before the API sees the request.
        seconds: see "timeout" and "slow_drip".
        status: instead of the kind's own status, for the kinds from "html" on.
        message: the message of "status" and "rate_limited".
        body: the body of "answer", a string as it is, anything else as JSON; of "html" and "not_json", a
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
        seconds = isinstance(self.seconds, (int, float)) and not isinstance(self.seconds, bool)
        _require(
            seconds and math.isfinite(self.seconds) and self.seconds >= 0,
            "seconds must be a number that is not negative",
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
        return self.processed or self.kind in _REAL_ANSWER


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


@dataclass(frozen=True)
class Answer:
    """An answer before it goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer with a JSON body."""
        content_type = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(body).encode(), {**content_type, **(headers or {})})

    @classmethod
    def error(cls, error: ApiError, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer with the error envelope."""
        return cls.json(error.status, error.envelope(), {**(headers or {}), **error.headers})


def spoil(fault: Fault, real: Answer | None, headers: Mapping[str, str]) -> Answer | None:
    """The answer that goes out instead of the real one; None where none does.

    Args:
        fault: what goes wrong.
        real: the right answer, given where `Fault.needs_processing`.
        headers: what the API itself adds to every answer.
    """
    if fault.kind in _NO_ANSWER:
        return None
    if fault.kind in _REAL_ANSWER:
        return _spoiled_json(fault, real) if real and real.body else real
    status = fault.status or _DEFAULT_STATUS.get(fault.kind, 200)
    if fault.kind in ("status", "rate_limited"):
        limited = fault.kind == "rate_limited"
        extra = {"Retry-After": fault.retry_after} if limited and fault.retry_after is not None else {}
        empty = {"ratelimit-remaining": "0"} if limited else {}
        message = fault.message or ("Rate limit exceeded" if limited else "injected by the sandbox")
        return Answer.error(ApiError(status, message, {**extra, **fault.headers}), {**headers, **empty})
    content_type, body = _own_body(fault, status)
    return Answer(status, body, {"Content-Type": content_type, **_location(fault), **fault.headers})


async def send(request: web.Request, answer: Answer | None, fault: Fault | None) -> web.StreamResponse:
    """Puts an answer on the wire in the way that the fault asks for."""
    kind = fault.kind if fault else ""
    if fault is None or kind not in (*_NO_ANSWER, "truncated", "slow_drip", "huge"):
        assert answer is not None
        return web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
    if answer is None:
        if kind == "timeout":
            await asyncio.sleep(fault.seconds)
        _hang_up(request, reset=kind == "reset")
        return web.Response()  # goes nowhere, as the connection is closed
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if kind != "huge":  # without a length, so that only reading it tells how big it is
        response.content_length = len(answer.body)
    await response.prepare(request)
    if kind == "truncated":
        await response.write(answer.body[: len(answer.body) // 2])
        _hang_up(request, reset=False)
    elif kind == "slow_drip":
        for byte in answer.body:
            await response.write(bytes([byte]))
            await asyncio.sleep(fault.seconds)
    else:
        await response.write(answer.body)
        for start in range(0, fault.size_bytes, len(_CHUNK)):
            await response.write(_CHUNK[: fault.size_bytes - start])
        await response.write(b'"}')
    return response


def _hang_up(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:  # the client was faster
        return
    if reset:
        # Closing a socket that lingers for 0 seconds sends RST instead of FIN.
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()


def _spoiled_json(fault: Fault, real: Answer) -> Answer:
    answer = json.loads(real.body)
    # In a list, what holds for a webhook holds for each of its items.
    items = [item for item in answer.get("result", ()) if isinstance(item, dict)]
    webhooks = items if "result" in answer else [answer]
    if fault.kind == "wrong_types":
        answer = {name: _wrong(value) for name, value in answer.items()}
    elif fault.kind == "missing_fields":
        for each in (answer, *items):
            for name in fault.fields:
                each.pop(name, None)
    elif fault.kind == "other_id":
        for each in webhooks:
            each["id"] = str(uuid.uuid4())
    elif fault.kind == "extra_fields":
        for each in (answer, *items):
            each.update(new_field="new", new_object={"nested": [1, None]}, __proto__=None)
    else:
        return real
    return Answer(real.status, json.dumps(answer).encode(), real.headers)


def _wrong(value: object) -> object:
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, (int, float)):
        return "12345"
    if isinstance(value, list):
        return "none"
    return 12345


def _own_body(fault: Fault, status: int) -> tuple[str, bytes]:
    """The content type and body of a kind that makes up its own answer."""
    if fault.kind == "html":
        return "text/html", (fault.body or _HTML.format(status)).encode()
    if fault.kind == "not_json":
        return "text/plain", (fault.body or "\x00{upstream says hello").encode()
    if fault.kind == "huge":
        return "application/json", f'{{"id": "{uuid.uuid4()}", "padding": "'.encode()
    if fault.kind == "answer" and fault.body is not None:
        text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
        return "application/json", text.encode()
    return "application/json", b""


def _location(fault: Fault) -> dict[str, str]:
    return {"Location": "/elsewhere"} if fault.kind == "redirect" else {}


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
