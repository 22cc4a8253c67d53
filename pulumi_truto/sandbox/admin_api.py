"""The routes under /__sandbox__/ that steer a sandbox, for local callers; it must not import server.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from pulumi_truto.sandbox.api import CallLog, parse_object
from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.deliveries import DeliveryWorker
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import Fault, FaultPlan
from pulumi_truto.sandbox.models import Json, Webhook
from pulumi_truto.sandbox.responses import ApiResponse, send
from pulumi_truto.sandbox.validation import is_loopback

PREFIX = "/__sandbox__/"

_Handler = Callable[[web.Request, Json], Awaitable[Json]]


class AdminApi:
    """What a person or a test in another process can see and change; who may, `_require_local` decides."""

    def __init__(self, truto: TrutoBackend, faults: FaultPlan, worker: DeliveryWorker, log: CallLog) -> None:
        self._backend = truto
        self._faults = faults
        self._worker = worker
        self._log = log

    def add_to(self, app: web.Application) -> None:
        """Adds the control routes, and 404 for everything else under their prefix."""
        for method, path, handler in (
            ("GET", "calls", self._calls),
            ("DELETE", "calls", self._reset_calls),
            ("GET", "faults", self._pending_faults),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "settings", self._settings),
            ("PATCH", "settings", self._change_settings),
            ("GET", "time", self._time),
            ("POST", "time", self._change_time),
            ("GET", "state", self._state),
            ("POST", "environments", self._add_environment),
            ("POST", "tokens", self._add_token),
            ("DELETE", "tokens/{token}", self._revoke_token),
            ("PATCH", "webhooks/{id}", self._edit_webhook),
            ("DELETE", "webhooks/{id}", self._remove_webhook),
            ("POST", "events", self._publish),
            ("GET", "deliveries", self._deliveries),
            ("*", "{rest:.*}", self._unknown),
        ):
            app.router.add_route(method, PREFIX + path, _responding(handler))

    async def _calls(self, _request: web.Request, _body: Json) -> Json:
        calls = [{**asdict(call), "at": _iso(call.at)} for call in self._log.calls]
        return {"calls": calls, "connections": self._log.connections}

    async def _reset_calls(self, _request: web.Request, _body: Json) -> Json:
        self._log.reset()
        return {}

    async def _pending_faults(self, _request: web.Request, _body: Json) -> Json:
        return {"faults": [{**asdict(fault), "remaining": left} for fault, left in self._faults.pending()]}

    async def _add_fault(self, request: web.Request, body: Json) -> Json:
        self._faults.add(Fault.from_json(body))
        return await self._pending_faults(request, body)

    async def _clear_faults(self, _request: web.Request, _body: Json) -> Json:
        self._faults.clear()
        return {"faults": []}

    async def _settings(self, _request: web.Request, _body: Json) -> Json:
        return asdict(self._backend.settings)

    async def _change_settings(self, _request: web.Request, body: Json) -> Json:
        return asdict(self._backend.change_settings(body))

    async def _time(self, _request: web.Request, _body: Json) -> Json:
        clock = self._backend.clock
        return {"now": _iso(clock.now()), "frozen": clock.frozen}

    async def _change_time(self, request: web.Request, body: Json) -> Json:
        if not body or set(body) - {"advance_seconds", "frozen"}:
            raise ValueError("give advance_seconds, frozen, or both")
        frozen = body.get("frozen", self._backend.clock.frozen)
        if not isinstance(frozen, bool):
            raise ValueError("frozen must be true or false")
        self._backend.clock.advance(body.get("advance_seconds", 0))
        self._backend.clock.frozen = frozen
        return await self._time(request, body)

    async def _state(self, _request: web.Request, _body: Json) -> Json:
        tokens = self._backend.tokens()
        environments = [
            {
                "id": environment.id,
                "name": environment.name,
                "tokens": [token for token, bound_to in tokens.items() if bound_to == environment.id],
            }
            for environment in self._backend.environments()
        ]
        webhooks = [_whole_webhook(webhook) for webhook in self._backend.webhooks()]
        return {"environments": environments, "webhooks": webhooks}

    async def _add_environment(self, _request: web.Request, body: Json) -> Json:
        environment = self._backend.add_environment(_string(body, "name"))
        return {"id": environment.id, "name": environment.name, "token": environment.token}

    async def _add_token(self, _request: web.Request, body: Json) -> Json:
        environment_id = _string(body, "environment_id")
        return {"environment_id": environment_id, "token": self._backend.add_token(environment_id)}

    async def _revoke_token(self, request: web.Request, _body: Json) -> Json:
        try:
            self._backend.revoke_token(request.match_info["token"])
        except ValueError as error:
            raise ApiError(404, str(error)) from None
        return {}

    async def _edit_webhook(self, request: web.Request, body: Json) -> Json:
        return _whole_webhook(self._backend.edit(request.match_info["id"], body))

    async def _remove_webhook(self, request: web.Request, _body: Json) -> Json:
        self._backend.remove(request.match_info["id"])
        return {"id": request.match_info["id"]}

    async def _publish(self, _request: web.Request, body: Json) -> Json:
        event = _string(body, "event")
        known = [environment.id for environment in self._backend.environments()]
        environment_id = body.get("environment_id", known[0])
        if environment_id not in known:
            raise ValueError(f"there is no environment {environment_id!r}")
        deliveries = await self._worker.publish(environment_id, event, body.get("payload", {}))
        return {"deliveries": [asdict(delivery) for delivery in deliveries]}

    async def _deliveries(self, _request: web.Request, _body: Json) -> Json:
        return {"deliveries": [asdict(delivery) for delivery in self._worker.deliveries]}

    async def _unknown(self, request: web.Request, _body: Json) -> Json:
        routes = sorted({route.resource.canonical for route in request.app.router.routes() if route.resource})
        known = ", ".join(each for each in routes if each.startswith(PREFIX) and "rest" not in each)
        raise ApiError(404, f"the sandbox has no control route {request.method} {request.path}; there are: {known}")


def _responding(handler: _Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler behind the check for local callers, with its result as JSON and its errors as envelopes."""

    async def response(request: web.Request) -> web.StreamResponse:
        try:
            _require_local(request)
            result = await handler(request, parse_object(await request.read()))
        except ApiError as error:
            return await send(request, ApiResponse.error(error), None)
        except ValueError as error:
            return await send(request, ApiResponse.error(ApiError(400, str(error))), None)
        return await send(request, ApiResponse.json(200, result), None)

    return response


def _require_local(request: web.Request) -> None:
    """Refuses callers from elsewhere, web pages included.

    The peer's address keeps other machines out. A page in a browser on this machine has a loopback peer too:
    the Host header tells one whose name was rebound to 127.0.0.1, the Origin header one from anywhere else.
    """
    peer = request.transport.get_extra_info("peername") if request.transport else None
    host = _host("//" + request.headers.get("Host", ""))
    origin = request.headers.get("Origin")
    if not peer or not is_loopback(peer[0]) or not is_loopback(host):
        raise ApiError(403, "the sandbox is controlled from its own machine only, by a loopback name")
    if origin is not None and not is_loopback(_host(origin)):
        raise ApiError(403, "the sandbox is not controlled by web pages from elsewhere")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _whole_webhook(webhook: Webhook) -> dict[str, Any]:
    times = {"created_at": _iso(webhook.created_at), "updated_at": _iso(webhook.updated_at)}
    return {**asdict(webhook), **times}


def _string(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is required and must be a string")
    return value


def _iso(moment: datetime) -> str:
    return moment.isoformat()
