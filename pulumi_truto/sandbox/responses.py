"""Builds responses, applies injected faults to them and sends them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import ALTERED_RESPONSE_KINDS, NO_RESPONSE_KINDS, Fault

__all__ = ["ApiResponse", "apply_fault", "send"]

_DEFAULT_STATUSES = {"html": 502, "empty": 500, "status": 503, "rate_limited": 429, "redirect": 302}
_HTML = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1>proxy</body></html>"
_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class ApiResponse:
    """A response that has not been sent yet."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, body: object, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Returns a response with a JSON body."""
        content_type = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(body).encode(), {**content_type, **(headers or {})})

    @classmethod
    def error(cls, error: ApiError, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Returns a response with the error envelope."""
        return cls.json(error.status, error.envelope(), {**(headers or {}), **error.headers})


def apply_fault(fault: Fault, response: ApiResponse | None, headers: Mapping[str, str]) -> ApiResponse | None:
    """Returns the response to send because of a fault; None for no response.

    Args:
        fault: the fault.
        response: the correct response, if `Fault.processes_request`.
        headers: the headers that the API adds to every response.
    """
    if fault.kind in NO_RESPONSE_KINDS:
        return None
    if fault.kind in ALTERED_RESPONSE_KINDS:
        return _alter_json(fault, response) if response and response.body else response
    if fault.kind in ("status", "rate_limited"):
        return _error_response(fault, headers)
    content_type, body = _replacement_body(fault)
    location = {"Location": "/elsewhere"} if fault.kind == "redirect" else {}
    given = {name.lower() for name in fault.headers}
    headers = {} if "content-type" in given else {"Content-Type": content_type}
    return ApiResponse(_status_of(fault), body, {**headers, **location, **fault.headers})


def _status_of(fault: Fault) -> int:
    return fault.status or _DEFAULT_STATUSES.get(fault.kind, 200)


def _error_response(fault: Fault, headers: Mapping[str, str]) -> ApiResponse:
    if fault.kind == "status":
        error = ApiError(_status_of(fault), fault.message or "injected by the sandbox", fault.headers)
        return ApiResponse.error(error, headers)
    retry_after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    # Without ratelimit-reset, so that Retry-After alone states how long to wait.
    headers = {name: value for name, value in headers.items() if name != "ratelimit-reset"}
    headers["ratelimit-remaining"] = "0"
    error = ApiError(_status_of(fault), fault.message or "Rate limit exceeded", {**retry_after, **fault.headers})
    return ApiResponse.error(error, headers)


def _alter_json(fault: Fault, response: ApiResponse) -> ApiResponse:
    body = json.loads(response.body)
    # A fault of a webhook affects every item of a list.
    items = [item for item in body.get("result", ()) if isinstance(item, dict)]
    webhooks = items if "result" in body else [body]
    if fault.kind == "wrong_types":
        body = {name: _change_type(value) for name, value in body.items()}
    elif fault.kind == "missing_fields":
        for json_object in (body, *items):
            for name in fault.fields:
                json_object.pop(name, None)
    elif fault.kind == "other_id":
        for webhook in webhooks:
            webhook["id"] = str(uuid.uuid4())
    elif fault.kind == "extra_fields":
        for json_object in (body, *items):
            json_object.update(new_field="new", new_object={"nested": [1, None]}, __proto__=None)
    else:
        return response
    return ApiResponse(response.status, json.dumps(body).encode(), response.headers)


def _change_type(value: object) -> object:
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, (int, float)):
        return "12345"
    if isinstance(value, list):
        return "none"
    return 12345


def _replacement_body(fault: Fault) -> tuple[str, bytes]:
    """Returns the content type and the body of a kind that replaces the response."""
    if fault.kind == "html":
        return "text/html", (fault.body or _HTML.format(_status_of(fault))).encode()
    if fault.kind == "not_json":
        return "text/plain", (fault.body or "\x00{upstream says hello").encode()
    if fault.kind == "huge":  # `send` adds the padding and the end
        return "application/json", f'{{"id": "{uuid.uuid4()}", "padding": "'.encode()
    if fault.kind == "response" and fault.body is not None:
        body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
        return "application/json", body.encode()
    return "application/json", b""


async def send(request: web.Request, response: ApiResponse | None, fault: Fault | None) -> web.StreamResponse:
    """Sends a response in the way that the fault determines."""
    if fault is not None and fault.kind in NO_RESPONSE_KINDS:
        return await _close_without_response(request, fault)
    assert response is not None
    if fault is not None and fault.kind in ("truncated", "slow_drip", "huge"):
        return await _send_in_parts(request, response, fault)
    return web.Response(status=response.status, body=response.body or None, headers=response.headers)


async def _close_without_response(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.kind == "timeout":
        await asyncio.sleep(fault.seconds)
    _close_connection(request, reset=fault.kind == "reset")
    return web.Response()  # aiohttp needs one; it is never sent, as the connection is closed


async def _send_in_parts(request: web.Request, response: ApiResponse, fault: Fault) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    if fault.kind != "huge":  # without a Content-Length, so that the client cannot know the size in advance
        stream.content_length = len(response.body)
    await stream.prepare(request)
    if fault.kind == "truncated":
        await stream.write(response.body[: len(response.body) // 2])
        _close_connection(request, reset=False)
    elif fault.kind == "slow_drip":
        for byte in response.body:
            await stream.write(bytes([byte]))
            await asyncio.sleep(fault.seconds)
    else:
        await stream.write(response.body)
        for start in range(0, fault.size_bytes, len(_CHUNK)):
            await stream.write(_CHUNK[: fault.size_bytes - start])
        await stream.write(b'"}')
    return stream


def _close_connection(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:  # the client has already closed it
        return
    if reset:
        # Closing a socket that lingers for 0 seconds sends RST instead of FIN.
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
