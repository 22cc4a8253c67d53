"""Serves the admin API under ``/__sandbox__/``, which controls a sandbox from another process or a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from pulumi_truto.sandbox import console
from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.call_log import CallLog
from pulumi_truto.sandbox.deliveries import Delivery, DeliveryWorker
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import Fault, FaultPlan
from pulumi_truto.sandbox.responses import ApiResponse, send
from pulumi_truto.sandbox.settings import SandboxSettings
from pulumi_truto.sandbox.validation import is_loopback, parse_json_object
from pulumi_truto.sandbox.webhooks import Json, Webhook

__all__ = ["AdminApi"]

_PREFIX = "/__sandbox__/"

_EVENT = {"event": "str", "payload": "Any", "environment_id": "str | None", "files": "dict[str, str]"}
_EDITABLE = {"target_url": "str", "event_types": "list[str]", "is_active": "bool"}

_Handler = Callable[[web.Request, Json], Awaitable[Json]]


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    handler: _Handler
    body: Mapping[str, str] = field(default_factory=dict)
    """The type of each field of the body; all are optional unless the handler requires them."""


class AdminApi:
    """Shows and changes the state of a sandbox. Only local callers have access; see `_require_local_caller`."""

    def __init__(self, backend: TrutoBackend, faults: FaultPlan, worker: DeliveryWorker, log: CallLog) -> None:
        self._backend = backend
        self._faults = faults
        self._worker = worker
        self._log = log

    def add_routes(self, app: web.Application) -> None:
        """Adds the admin routes to an application. Every other path under their prefix is a 404."""
        for route in self._routes:
            app.router.add_route(route.method, _PREFIX + route.path, _json_endpoint(route.handler))
        app.router.add_route("GET", _PREFIX, self._show_console_or_routes)
        app.router.add_route("*", _PREFIX + "{rest:.*}", _json_endpoint(self._raise_not_found))

    @property
    def _routes(self) -> list[_Route]:
        return [
            _Route(*each)
            for each in (
                ("GET", "calls", self._get_calls),
                ("DELETE", "calls", self._reset_calls),
                ("GET", "faults", self._get_faults),
                ("POST", "faults", self._add_fault, _types(Fault)),
                ("DELETE", "faults", self._clear_faults),
                ("GET", "settings", self._get_settings),
                ("PATCH", "settings", self._change_settings, _types(SandboxSettings)),
                ("GET", "time", self._get_time),
                ("POST", "time", self._change_time, {"advance_seconds": "float", "frozen": "bool"}),
                ("GET", "state", self._get_state),
                ("POST", "environments", self._add_environment, {"name": "str"}),
                ("POST", "tokens", self._add_token, {"environment_id": "str"}),
                ("DELETE", "tokens/{token}", self._revoke_token),
                ("PATCH", "webhooks/{id}", self._edit_webhook, _EDITABLE),
                ("DELETE", "webhooks/{id}", self._remove_webhook),
                ("POST", "events", self._publish_event, _EVENT),
                ("GET", "deliveries", self._get_deliveries),
            )
        ]

    async def _show_console_or_routes(self, request: web.Request) -> web.StreamResponse:
        """Responds with the console to a browser, with the routes as JSON to everyone else."""
        if "text/html" not in request.headers.get("Accept", ""):
            return await _json_endpoint(self._list_routes)(request)
        try:
            _require_local_caller(request)
        except ApiError as error:
            return await send(request, ApiResponse.error(error), None)
        return console.make_response()

    async def _list_routes(self, _request: web.Request, _body: Json) -> Json:
        return {
            "routes": [{"method": each.method, "path": _PREFIX + each.path, "body": each.body} for each in self._routes]
        }

    async def _get_calls(self, _request: web.Request, _body: Json) -> Json:
        calls = [{**asdict(call), "at": call.at.isoformat()} for call in self._log.calls]
        return {"calls": calls, "connections": self._log.connections}

    async def _reset_calls(self, _request: web.Request, _body: Json) -> Json:
        self._log.reset()
        return {}

    async def _get_faults(self, _request: web.Request, _body: Json) -> Json:
        return {"faults": [{**asdict(fault), "remaining": remaining} for fault, remaining in self._faults.pending()]}

    async def _add_fault(self, request: web.Request, body: Json) -> Json:
        self._faults.add(Fault.from_json(body))
        return await self._get_faults(request, body)

    async def _clear_faults(self, _request: web.Request, _body: Json) -> Json:
        self._faults.clear()
        return {"faults": []}

    async def _get_settings(self, _request: web.Request, _body: Json) -> Json:
        return asdict(self._backend.settings)

    async def _change_settings(self, _request: web.Request, body: Json) -> Json:
        return asdict(self._backend.change_settings(body))

    async def _get_time(self, _request: web.Request, _body: Json) -> Json:
        clock = self._backend.clock
        return {"now": clock.now().isoformat(), "frozen": clock.frozen}

    async def _change_time(self, request: web.Request, body: Json) -> Json:
        if not body or set(body) - {"advance_seconds", "frozen"}:
            raise ValueError("give advance_seconds, frozen, or both")
        frozen = body.get("frozen", self._backend.clock.frozen)
        if not isinstance(frozen, bool):
            raise ValueError("frozen must be true or false")
        self._backend.clock.advance(body.get("advance_seconds", 0))
        self._backend.clock.frozen = frozen
        return await self._get_time(request, body)

    async def _get_state(self, _request: web.Request, _body: Json) -> Json:
        tokens = self._backend.tokens()
        environments = [
            {
                "id": environment.id,
                "name": environment.name,
                "tokens": [token for token, environment_id in tokens.items() if environment_id == environment.id],
            }
            for environment in self._backend.environments()
        ]
        webhooks = [_webhook_with_secret(webhook) for webhook in self._backend.webhooks()]
        return {"environments": environments, "webhooks": webhooks}

    async def _add_environment(self, _request: web.Request, body: Json) -> Json:
        environment = self._backend.add_environment(_required_string(body, "name"))
        return {"id": environment.id, "name": environment.name, "token": environment.token}

    async def _add_token(self, _request: web.Request, body: Json) -> Json:
        environment_id = _required_string(body, "environment_id")
        return {"environment_id": environment_id, "token": self._backend.add_token(environment_id)}

    async def _revoke_token(self, request: web.Request, _body: Json) -> Json:
        try:
            self._backend.revoke_token(request.match_info["token"])
        except ValueError as error:
            raise ApiError(404, str(error)) from None
        return {}

    async def _edit_webhook(self, request: web.Request, body: Json) -> Json:
        return _webhook_with_secret(self._backend.edit(request.match_info["id"], body))

    async def _remove_webhook(self, request: web.Request, _body: Json) -> Json:
        self._backend.remove(request.match_info["id"])
        return {"id": request.match_info["id"]}

    async def _publish_event(self, _request: web.Request, body: Json) -> Json:
        event_type = _required_string(body, "event")
        known = [environment.id for environment in self._backend.environments()]
        environment_id = body.get("environment_id", known[0])
        if environment_id not in known:
            raise ValueError(f"there is no environment {environment_id!r}")
        deliveries = await self._worker.publish(environment_id, event_type, body.get("payload", {}), _files(body))
        return {"deliveries": [_delivery(each) for each in deliveries]}

    async def _get_deliveries(self, _request: web.Request, _body: Json) -> Json:
        return {"deliveries": [_delivery(each) for each in self._worker.deliveries]}

    async def _raise_not_found(self, request: web.Request, _body: Json) -> Json:
        known = ", ".join(sorted({_PREFIX + route.path for route in self._routes}))
        raise ApiError(404, f"there is no admin route {request.method} {request.path}; the routes are: {known}")


def _json_endpoint(handler: _Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wraps a handler: checks the caller, parses the body, sends the result as JSON and errors as envelopes."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        try:
            _require_local_caller(request)
            result = await handler(request, parse_json_object(await request.read()))
        except ApiError as error:
            return await send(request, ApiResponse.error(error), None)
        except ValueError as error:
            return await send(request, ApiResponse.error(ApiError(400, str(error))), None)
        return await send(request, ApiResponse.json(200, result), None)

    return endpoint


def _require_local_caller(request: web.Request) -> None:
    """Rejects other machines, and web pages from elsewhere.

    The peer's address identifies other machines. A web page in a local browser has a loopback address too: the Host
    header identifies a page whose name was rebound to 127.0.0.1, the Origin header every other foreign page.
    """
    peer = request.transport.get_extra_info("peername") if request.transport else None
    host = _host_of("//" + request.headers.get("Host", ""))
    origin = request.headers.get("Origin")
    if not peer or not is_loopback(peer[0]) or not is_loopback(host):
        raise ApiError(403, "the admin API is for this machine only, under a loopback name")
    if origin is not None and not is_loopback(_host_of(origin)):
        raise ApiError(403, "the admin API is not for web pages from elsewhere")


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _webhook_with_secret(webhook: Webhook) -> dict[str, Any]:
    times = {"created_at": webhook.created_at.isoformat(), "updated_at": webhook.updated_at.isoformat()}
    return {**asdict(webhook), **times}


def _required_string(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is required and must be a string")
    return value


def _delivery(delivery: Delivery) -> Json:
    return {**asdict(delivery), "created_at": delivery.created_at.isoformat()}


def _types(model: type[Fault] | type[SandboxSettings]) -> dict[str, str]:
    return {each.name: str(each.type) for each in fields(model)}


def _files(body: Json) -> dict[str, str]:
    files = body.get("files", {})
    if not isinstance(files, dict) or not all(isinstance(content, str) for content in files.values()):
        raise ValueError("files must be an object of file names and contents, both strings")
    return files
