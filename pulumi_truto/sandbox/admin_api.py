"""Serves the admin API under ``/__sandbox__/``, which controls a sandbox from another process or a browser."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import Field, model_validator

from pulumi_truto.sandbox.collection import Collection
from pulumi_truto.sandbox.deliveries import DeliveryWorker
from pulumi_truto.sandbox.faults import DELIVERY, KINDS, Fault
from pulumi_truto.sandbox.responses import ErrorResponse, json_response
from pulumi_truto.sandbox.routes import OPERATIONS
from pulumi_truto.sandbox.settings import SandboxSettings
from pulumi_truto.sandbox.validation import OMITTED, Json, Seconds, StrictModel, is_loopback, parse_json_object, rule

if TYPE_CHECKING:
    from pulumi_truto.sandbox.server import Sandbox

__all__ = ["AdminApi"]

_PREFIX = "/__sandbox__/"

_Files = Annotated[dict[str, str], rule("must be an object of file names and contents, both strings")]
_RequiredString = Annotated[str, Field(min_length=1), rule("is required and must be a string")]


class _TimeChange(StrictModel):
    advance_seconds: Seconds = 0
    frozen: bool = OMITTED

    @model_validator(mode="before")
    @classmethod
    def _is_a_change(cls, fields: Json) -> Json:
        if not fields or set(fields) - set(cls.model_fields):
            raise ValueError("give advance_seconds, frozen, or both")
        return fields


class _NewEnvironment(StrictModel):
    name: _RequiredString


class _NewToken(StrictModel):
    environment_id: _RequiredString


class _Event(StrictModel):
    event: _RequiredString
    payload: Any = Field(default_factory=dict)
    environment_id: Annotated[str, rule("names no environment")] = OMITTED
    files: _Files = Field(default_factory=dict)


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    handler: Callable[..., Any]
    """Takes the body and the parameters of the path; returns the JSON of the response, or None for ``{}``."""
    model: type[StrictModel] = StrictModel
    """The content of the body."""

    def to_json(self) -> Json:
        """The route as the list of routes shows it, with the type of each field of the body."""
        types = {name: field.annotation for name, field in self.model.model_fields.items()}
        body = {name: kind.__name__ if isinstance(kind, type) else str(kind) for name, kind in types.items()}
        return {"method": self.method, "path": _PREFIX + self.path, "body": body}


class AdminApi:
    """Shows and changes the state of a sandbox. Only local callers have access; see `_require_local_caller`."""

    def __init__(self, sandbox: Sandbox, worker: DeliveryWorker) -> None:
        self._sandbox = sandbox
        self._backend = backend = sandbox.backend
        self._worker = worker
        self._routes = [
            _Route("GET", "calls", lambda _: {"calls": sandbox.calls, "connections": sandbox.connections}),
            _Route("DELETE", "calls", lambda _: sandbox.reset_calls()),
            _Route("GET", "faults", self._show_faults),
            _Route("POST", "faults", self._add_fault, Fault),
            _Route("DELETE", "faults", self._clear_faults),
            _Route("GET", "settings", lambda _: backend.settings),
            _Route("PATCH", "settings", backend.change_settings, SandboxSettings),
            _Route("GET", "time", self._show_time),
            _Route("POST", "time", self._change_time, _TimeChange),
            _Route("GET", "state", self._show_state),
            _Route("POST", "environments", self._add_environment, _NewEnvironment),
            _Route("POST", "tokens", self._add_token, _NewToken),
            _Route("DELETE", "tokens/{token}", self._revoke_token),
            _Route("POST", "events", self._publish_event, _Event),
            _Route("GET", "deliveries", lambda _: {"deliveries": sandbox.deliveries}),
            _Route("GET", "notifications", lambda _: {"notifications": sandbox.notifications}),
        ]
        for collection in backend.collections.values():
            path = collection.plural + "/{id}"
            self._routes += [
                _Route("PATCH", path, partial(self._edit_item, collection), collection.edit_body),
                _Route("DELETE", path, partial(self._remove_item, collection)),
            ]

    def add_routes(self, app: web.Application) -> None:
        """Adds the admin routes to an application. Every other path under their prefix is a 404."""
        for route in self._routes:
            app.router.add_route(route.method, _PREFIX + route.path, _json_endpoint(route.handler))
        app.router.add_route("GET", _PREFIX, self._show_console_or_routes)
        app.router.add_route("*", _PREFIX + "{path:.*}", _json_endpoint(self._raise_not_found))

    async def _show_console_or_routes(self, request: web.Request) -> web.StreamResponse:
        """Responds with the console to a browser, with the routes as JSON to everyone else."""
        response = await _json_endpoint(lambda _: {"routes": [route.to_json() for route in self._routes]})(request)
        is_page = response.status == 200 and "text/html" in request.headers.get("Accept", "")
        return _make_console() if is_page else response

    def _raise_not_found(self, _: Json, path: str) -> None:
        paths = ", ".join(sorted({_PREFIX + route.path for route in self._routes}))
        raise ErrorResponse(404, f"there is no admin route {_PREFIX}{path} with this method; the routes are: {paths}")

    def _show_faults(self, _: Json) -> Json:
        pending = self._sandbox.faults.pending()
        return {"faults": [{**fault.model_dump(), "remaining": remaining} for fault, remaining in pending]}

    def _add_fault(self, body: Json) -> Json:
        self._sandbox.faults.add(Fault.from_json(body))
        return self._show_faults(body)

    def _clear_faults(self, body: Json) -> Json:
        self._sandbox.faults.clear()
        return self._show_faults(body)

    def _show_time(self, _: Json) -> Json:
        return {"now": self._backend.clock.now(), "frozen": self._backend.clock.frozen}

    def _change_time(self, body: Json) -> Json:
        change, clock = _TimeChange.from_json(body), self._backend.clock
        clock.advance(change.advance_seconds)
        if change.frozen is not OMITTED:
            clock.frozen = change.frozen
        return self._show_time(body)

    def _show_state(self, _: Json) -> Json:
        tokens = self._backend.tokens()
        environments = [
            {"id": item.id, "name": item.name, "tokens": [token for token, id_ in tokens.items() if id_ == item.id]}
            for item in self._backend.environments()
        ]
        items = {collection.plural: collection.items() for collection in self._backend.collections.values()}
        return {"environments": environments, **items}

    def _add_environment(self, body: Json) -> object:
        return self._backend.add_environment(_NewEnvironment.from_json(body).name)

    def _add_token(self, body: Json) -> Json:
        environment_id = _NewToken.from_json(body).environment_id
        return {"environment_id": environment_id, "token": self._backend.add_token(environment_id)}

    def _revoke_token(self, _: Json, token: str) -> None:
        try:
            self._backend.revoke_token(token)
        except ValueError as error:
            raise ErrorResponse(404, str(error)) from None

    def _edit_item(self, collection: Collection[Any], body: Json, item_id: str) -> object:
        return collection.edit(item_id, body)

    def _remove_item(self, collection: Collection[Any], _: Json, item_id: str) -> Json:
        collection.remove(item_id)
        return {"id": item_id}

    async def _publish_event(self, body: Json) -> Json:
        event = _Event.from_json(body)
        environment_id = self._sandbox.environment_id if event.environment_id is OMITTED else event.environment_id
        self._backend.require_environment(environment_id)
        return {"deliveries": await self._worker.publish(environment_id, event.event, event.payload, event.files)}


def _make_console() -> web.Response:
    """Returns the console. Its content security policy allows its own script and style, and calls to its sandbox."""
    nonce = secrets.token_urlsafe(16)
    choices = json.dumps({"kind": KINDS, "operation": ("any", *OPERATIONS, DELIVERY)})
    page = files("pulumi_truto.sandbox").joinpath("console.html").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    text = page.replace("{{nonce}}", nonce).replace("{{choices}}", choices)
    return web.Response(text=text, content_type="text/html", headers=headers)


def _json_endpoint(handler: Callable[..., Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wraps a handler: checks the caller, parses the body, sends the result as JSON and errors as envelopes."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        try:
            _require_local_caller(request)
            result = handler(parse_json_object(await request.read()), *request.match_info.values())
            return json_response(200, (await result if inspect.isawaitable(result) else result) or {}, {})
        except (ErrorResponse, ValueError) as error:
            return ErrorResponse.from_error(error).with_headers({})

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
        raise ErrorResponse(403, "the admin API is for this machine only, under a loopback name")
    if origin is not None and not is_loopback(_host_of(origin)):
        raise ErrorResponse(403, "the admin API is not for web pages from elsewhere")


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
