"""Serves the Truto API over HTTP: authentication, rate limit, routing, injected faults."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.call_log import Call, CallLog
from pulumi_truto.sandbox.deliveries import DeliveryWorker
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import FaultPlan
from pulumi_truto.sandbox.holds import Hold
from pulumi_truto.sandbox.log_route import list_deliveries
from pulumi_truto.sandbox.responses import ApiResponse, apply_fault, send
from pulumi_truto.sandbox.routes import Route, match_route
from pulumi_truto.sandbox.validation import parse_json, parse_json_object
from pulumi_truto.sandbox.webhooks import Json, RateLimitStatus

__all__ = ["MAX_BODY_BYTES", "TrutoApi"]

#: The maximum size of a request's body.
MAX_BODY_BYTES = 1024 * 1024


class TrutoApi:
    """Handles every request except those to the admin API."""

    def __init__(
        self,
        backend: TrutoBackend,
        faults: FaultPlan,
        worker: DeliveryWorker,
        log: CallLog,
        holds: Sequence[Hold] = (),
    ) -> None:
        self._backend = backend
        self._faults = faults
        self._worker = worker
        self._log = log
        self._holds = holds
        self._late_tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Processes a request, applies an injected fault, records the call and sends the response."""
        route = match_route(request.method, request.path)
        body = await _read_body(request)
        await asyncio.sleep(self._backend.settings.latency_seconds)
        for hold in tuple(self._holds):
            await hold.wait_until_released(route.operation)
        environment_id = self._backend.tokens().get(_bearer_token(request))
        fault = self._faults.take(route.operation) if route.operation else None
        response: ApiResponse | None = None
        if fault is not None and fault.processed_after_seconds is not None:
            self._process_later(fault.processed_after_seconds, request, route, body)
        elif fault is None or fault.processes_request:
            response = await self._process(request, route, body)
        if fault is not None:
            headers = _rate_limit_headers(self._backend.rate(_bearer_token(request), count=False))
            response = apply_fault(fault, response, headers)
        # Recorded before the response is sent, so that a client that has the response finds the call in the log.
        self._log.add(
            Call(
                operation=route.operation,
                method=request.method,
                path=request.path,
                status=response.status if response else None,
                environment_id=environment_id,
                body=_parse_or_none(body),
                at=self._backend.clock.now(),
                query=dict(request.query),
                idempotency_key=request.headers.get("Idempotency-Key"),
            )
        )
        return await send(request, response, fault)

    def _process_later(self, seconds: float, request: web.Request, route: Route, body: bytes | None) -> None:
        """Processes the request after its response, as behind a gateway that timed out."""

        async def process() -> None:
            await asyncio.sleep(seconds)
            await self._process(request, route, body)

        task = asyncio.get_running_loop().create_task(process())
        # The event loop itself keeps only a weak reference to the task.
        self._late_tasks.add(task)
        task.add_done_callback(self._late_tasks.discard)

    async def _process(self, request: web.Request, route: Route, body: bytes | None) -> ApiResponse:
        """Returns Truto's response: it checks the token first, then its rate limit, then the route and the body."""
        token = _bearer_token(request)
        environment_id = self._backend.tokens().get(token)
        headers = _rate_limit_headers(self._backend.rate(token, count=False))
        try:
            if environment_id is None:
                raise ApiError(401, "Unauthorized: the API token is missing, expired or wrong")
            rate = self._backend.rate(token)
            headers = _rate_limit_headers(rate)
            if not rate.allowed:
                # The length of the whole window, not of its rest: Truto documents `Retry-After: 10`.
                window = str(self._backend.settings.rate_window_seconds)
                raise ApiError(429, "Rate limit exceeded", {"Retry-After": window})
            result = await self._dispatch(request, route, environment_id, body)
        except ApiError as error:
            return ApiResponse.error(error, headers)
        return ApiResponse(204, headers=headers) if result is None else ApiResponse.json(200, result, headers)

    async def _dispatch(
        self, request: web.Request, route: Route, environment_id: str, body: bytes | None
    ) -> Json | None:
        if not route.allowed_methods:
            raise ApiError(404, f"Cannot {request.method} {request.path}")
        if not route.operation:
            allow = {"Allow": ", ".join(route.allowed_methods)}
            raise ApiError(405, f"{request.method} is not allowed on {request.path}", allow)
        if body is None:
            raise ApiError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        backend = self._backend
        if route.operation == "create":
            return backend.create(environment_id, parse_json_object(body))
        if route.operation == "list":
            return backend.list(environment_id, request.query)
        if route.operation == "read":
            return backend.read(environment_id, route.webhook_id)
        if route.operation == "update":
            return backend.update(environment_id, route.webhook_id, parse_json_object(body))
        if route.operation == "delete":
            return backend.delete(environment_id, route.webhook_id)
        if route.operation == "log":
            return self._list_deliveries(environment_id, request.query)
        return await self._test(environment_id, parse_json_object(body))

    def _list_deliveries(self, environment_id: str, query: Mapping[str, str]) -> Json:
        if not self._backend.settings.has_delivery_log:
            raise ApiError(404, "Cannot GET /log")
        deliveries = [each for each in self._worker.deliveries if each.environment_id == environment_id]
        return list_deliveries(deliveries, query, self._backend.settings)

    async def _test(self, environment_id: str, body: Json) -> Json:
        webhook_id = body.get("id")
        if not isinstance(webhook_id, str):
            raise ApiError(400, "id is required" if webhook_id is None else "id must be a string")
        return {"success": await self._worker.send_test_event(self._backend.find(environment_id, webhook_id))}


async def _read_body(request: web.Request) -> bytes | None:
    """Returns the body; None if it is too large."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _parse_or_none(body: bytes | None) -> Any:
    try:
        return parse_json(body or b"null")
    except ValueError:
        return None


def _bearer_token(request: web.Request) -> str:
    """Returns the token of the ``Authorization`` header; "" if the header is missing or malformed."""
    parts = request.headers.get("Authorization", "").split(" ")
    return parts[1] if len(parts) == 2 and parts[0].lower() == "bearer" else ""


def _rate_limit_headers(rate: RateLimitStatus) -> Mapping[str, str]:
    return {
        "ratelimit-limit": str(rate.limit),
        "ratelimit-remaining": str(rate.remaining),
        "ratelimit-reset": str(rate.reset_seconds),
    }
