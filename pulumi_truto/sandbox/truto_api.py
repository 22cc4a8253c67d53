"""Serves the Truto API over HTTP: authentication, rate limit, injected faults, and a response of the right endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.call_log import Call, Record
from pulumi_truto.sandbox.collection import Collection
from pulumi_truto.sandbox.deliveries import DeliveryWorker
from pulumi_truto.sandbox.fault_effects import apply_fault, send
from pulumi_truto.sandbox.faults import FaultPlan
from pulumi_truto.sandbox.holds import Hold
from pulumi_truto.sandbox.log_route import list_deliveries
from pulumi_truto.sandbox.responses import ErrorResponse, json_response
from pulumi_truto.sandbox.routes import match_route
from pulumi_truto.sandbox.validation import Json, parse_json, parse_json_object

__all__ = ["MAX_BODY_BYTES", "TrutoApi"]

#: The maximum size of a request's body.
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class TrutoApi:
    """Handles every request except those to the admin API."""

    backend: TrutoBackend
    faults: FaultPlan
    worker: DeliveryWorker
    calls: Record[Call]
    holds: Sequence[Hold]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Processes a request, applies an injected fault, records the call and sends the response."""
        endpoint, _, _ = match_route(request.method, request.path)
        operation = endpoint.operation if endpoint else ""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = None
        await asyncio.sleep(self.backend.settings.latency_seconds)
        for hold in tuple(self.holds):
            await hold.wait_until_released(operation)
        token = _bearer_token(request)
        environment_id = self.backend.tokens().get(token)
        fault = self.faults.take(operation) if operation else None
        response = None
        if fault is not None and fault.processed_after_seconds is not None:
            # As behind a gateway that timed out.
            asyncio.get_running_loop().call_later(
                fault.processed_after_seconds, lambda: asyncio.ensure_future(self._process(request, token, body))
            )
        elif fault is None or fault.processes_request:
            response = await self._process(request, token, body)
        if fault is not None:
            response = apply_fault(fault, response, self.backend.rate_limit_headers(token))
        # Recorded before the response is sent, so that a client that has the response finds the call in the log.
        self.calls.add(
            Call(
                operation=operation,
                method=request.method,
                path=request.path,
                status=None if response is None else response.status,
                environment_id=environment_id,
                body=parse_json(body) if body else None,
                at=self.backend.clock.now(),
                query=dict(request.query),
                idempotency_key=request.headers.get("Idempotency-Key"),
            )
        )
        return await send(request, response, fault)

    async def _process(self, request: web.Request, token: str, body: bytes | None) -> web.Response:
        """Returns Truto's response: it checks the token first, then its rate limit, then the route and the body."""
        environment_id = self.backend.tokens().get(token)
        try:
            if environment_id is None:
                raise ErrorResponse(401, "Unauthorized: the API token is missing, expired or wrong")
            if not self.backend.count_request(token):
                # The length of the whole window, not of its rest: Truto documents `Retry-After: 10`.
                window = str(self.backend.settings.rate_window_seconds)
                raise ErrorResponse(429, "Rate limit exceeded", {"Retry-After": window})
            result = await self._dispatch(request, environment_id, body)
        except (ErrorResponse, ValueError) as error:
            return ErrorResponse.from_error(error).with_headers(self.backend.rate_limit_headers(token))
        headers = self.backend.rate_limit_headers(token)
        return web.Response(status=204, headers=headers) if result is None else json_response(200, result, headers)

    async def _dispatch(self, request: web.Request, environment_id: str, body: bytes | None) -> Json | None:
        endpoint, item_id, allowed_methods = match_route(request.method, request.path)
        if not allowed_methods:
            raise ErrorResponse(404, f"Cannot {request.method} {request.path}")
        if endpoint is None:
            allow = {"Allow": ", ".join(allowed_methods)}
            raise ErrorResponse(405, f"{request.method} is not allowed on {request.path}", allow)
        if body is None:
            raise ErrorResponse(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        fields = parse_json_object(body) if request.method in ("POST", "PATCH") else {}
        if endpoint.verb == "test":
            return await self.worker.respond_to_test(endpoint.resource, environment_id, fields)
        if endpoint.operation == "log":
            deliveries = self.worker.deliveries.entries()
            return list_deliveries(deliveries, environment_id, request.query, self.backend.settings)
        collection: Collection[Any] = self.backend.collections[endpoint.resource]
        return collection.respond(endpoint.verb, environment_id, item_id, request.query, fields)


def _bearer_token(request: web.Request) -> str:
    """Returns the token of the ``Authorization`` header; "" if the header is missing or malformed."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and " " not in token else ""
