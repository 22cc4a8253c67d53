"""The HTTP side of the Truto API; it must not import the control routes, nor decide what state.py decides."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.deliveries import DeliveryWorker
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import FaultPlan
from pulumi_truto.sandbox.holds import Hold
from pulumi_truto.sandbox.models import Json, RateLimitStatus
from pulumi_truto.sandbox.responses import ApiResponse, apply_fault, send

MAX_BODY_BYTES = 1024 * 1024
#: So many calls the log keeps, so that a sandbox can serve for weeks.
MAX_CALLS = 10_000


@dataclass(frozen=True)
class Call:
    """One request to the API as it was answered. Of the request's headers it holds one, and so no token."""

    operation: str
    """"create", "read", "update", "delete", "list", "test"; "" for anything that is none of these."""
    method: str
    path: str
    """Without the query."""
    status: int | None
    """None where the connection ended without an answer."""
    environment_id: str | None
    """The environment of the request's token, None where that is not valid."""
    body: Any
    """The request's JSON; None where it has none or it cannot be parsed."""
    at: datetime
    query: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    """The header of that name, which Truto documents for other endpoints."""


class CallLog:
    """The newest calls and the number of connections; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self._connections = 0

    def add(self, call: Call) -> None:
        """Records a call."""
        with self._lock:
            self._calls.append(call)

    def add_connection(self) -> None:
        """Counts an accepted connection."""
        with self._lock:
            self._connections += 1

    def reset(self) -> None:
        """Forgets the calls; the number of connections stays."""
        with self._lock:
            self._calls.clear()

    @property
    def calls(self) -> list[Call]:
        """The calls so far, oldest first; of more than `MAX_CALLS` the newest."""
        with self._lock:
            return [*self._calls]

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted since the sandbox was made."""
        with self._lock:
            return self._connections


@dataclass(frozen=True)
class _Route:
    operation: str
    webhook_id: str = ""
    allowed: tuple[str, ...] = ()
    """The methods that the path has; empty for an unknown path."""


class Api:
    """Answers every request outside the control routes."""

    def __init__(
        self, truto: TrutoBackend, faults: FaultPlan, worker: DeliveryWorker, log: CallLog, holds: Sequence[Hold] = ()
    ) -> None:
        self._backend = truto
        self._faults = faults
        self._worker = worker
        self._log = log
        self._late: set[asyncio.Task[None]] = set()
        self._holds = holds

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The one handler: fault or not, record, answer."""
        route = _route(request.method, request.path)
        body = await _read(request)
        await asyncio.sleep(self._backend.settings.latency_seconds)
        for hold in tuple(self._holds):
            await hold.pass_through(route.operation)
        environment_id = self._backend.tokens().get(_token(request))
        fault = self._faults.take(route.operation) if route.operation else None
        response: ApiResponse | None = None
        if fault is not None and fault.processed_after_seconds is not None:
            self._process_later(fault.processed_after_seconds, request, route, body)
        elif fault is None or fault.needs_processing:
            response = await self._respond(request, route, body)
        if fault is not None:
            headers = _rate_headers(self._backend.rate(_token(request), count=False))
            response = apply_fault(fault, response, headers)
        # Before the answer goes out, so that whoever has the answer finds the call in the log.
        self._log.add(
            Call(
                operation=route.operation,
                method=request.method,
                path=request.path,
                status=response.status if response else None,
                environment_id=environment_id,
                body=_parsed_or_none(body),
                at=self._backend.clock.now(),
                query=dict(request.query),
                idempotency_key=request.headers.get("Idempotency-Key"),
            )
        )
        return await send(request, response, fault)

    def _process_later(self, seconds: float, request: web.Request, route: _Route, body: bytes | None) -> None:
        """Carries the request out when its answer is long gone, as behind a gateway that gave up."""

        async def process() -> None:
            await asyncio.sleep(seconds)
            await self._respond(request, route, body)

        task = asyncio.get_running_loop().create_task(process())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _respond(self, request: web.Request, route: _Route, body: bytes | None) -> ApiResponse:
        """What Truto would answer: the token first, then its rate limit, then the route, then the request."""
        token = _token(request)
        environment_id = self._backend.tokens().get(token)
        headers = _rate_headers(self._backend.rate(token, count=False))
        try:
            if environment_id is None:
                raise ApiError(401, "Unauthorized: the API token is missing, expired or wrong")
            rate = self._backend.rate(token)
            headers = _rate_headers(rate)
            if not rate.allowed:
                # The whole window rather than its rest, as Truto documents `Retry-After: 10`.
                window = str(self._backend.settings.rate_window_seconds)
                raise ApiError(429, "Rate limit exceeded", {"Retry-After": window})
            result = await self._carry_out(request, route, environment_id, body)
        except ApiError as error:
            return ApiResponse.error(error, headers)
        return ApiResponse(204, headers=headers) if result is None else ApiResponse.json(200, result, headers)

    async def _carry_out(
        self, request: web.Request, route: _Route, environment_id: str, body: bytes | None
    ) -> Json | None:
        truto = self._backend
        if not route.allowed:
            raise ApiError(404, f"Cannot {request.method} {request.path}")
        if not route.operation:
            raise ApiError(
                405, f"{request.method} is not allowed on {request.path}", {"Allow": ", ".join(route.allowed)}
            )
        if body is None:
            raise ApiError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        if route.operation == "create":
            return truto.create(environment_id, parse_object(body))
        if route.operation == "list":
            return truto.list(environment_id, request.query)
        if route.operation == "read":
            return truto.read(environment_id, route.webhook_id)
        if route.operation == "update":
            return truto.update(environment_id, route.webhook_id, parse_object(body))
        if route.operation == "delete":
            return truto.delete(environment_id, route.webhook_id)
        return await self._test(environment_id, parse_object(body))

    async def _test(self, environment_id: str, body: Json) -> Json:
        webhook_id = body.get("id")
        if not isinstance(webhook_id, str):
            raise ApiError(400, "id is required" if webhook_id is None else "id must be a string")
        return {"success": await self._worker.test(self._backend.find(environment_id, webhook_id))}


def parse_object(body: bytes) -> Json:
    """The JSON object in a request's body, ``{}`` for no body at all; anything else is a 400."""
    if not body:
        return {}
    try:
        parsed = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise ApiError(400, "the body must be a JSON object")
    return parsed


def _refuse_constant(name: str) -> None:
    # Python's parser takes NaN and Infinity, which are not JSON.
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1e999: JSON by its form, and no number that could be shown again
        raise ValueError(text)
    return number


def _parsed_or_none(body: bytes | None) -> Any:
    try:
        return json.loads(body or b"null", parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


async def _read(request: web.Request) -> bytes | None:
    """The body, None where it is too large."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _route(method: str, path: str) -> _Route:
    parts = path.split("/")[1:]
    webhook_id = ""
    if parts == ["webhook"]:
        operations = {"POST": "create", "GET": "list"}
    elif parts == ["webhook", "test"] and method == "POST":
        operations = {"POST": "test"}
    elif len(parts) == 2 and parts[0] == "webhook" and parts[1]:
        operations = {"GET": "read", "PATCH": "update", "DELETE": "delete"}
        webhook_id = parts[1]
    else:
        operations = {}
    return _Route(operations.get(method, ""), webhook_id, tuple(operations))


def _token(request: web.Request) -> str:
    """The bearer token, "" where there is none or the header is malformed."""
    parts = request.headers.get("Authorization", "").split(" ")
    return parts[1] if len(parts) == 2 and parts[0].lower() == "bearer" else ""


def _rate_headers(rate: RateLimitStatus) -> Mapping[str, str]:
    return {
        "ratelimit-limit": str(rate.limit),
        "ratelimit-remaining": str(rate.remaining),
        "ratelimit-reset": str(rate.reset_seconds),
    }
