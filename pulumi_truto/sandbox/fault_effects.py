"""Applies injected faults to responses and sends them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import uuid
from collections.abc import Mapping

from aiohttp import web

from pulumi_truto.sandbox.faults import ALTERED_RESPONSE_KINDS, NO_RESPONSE_KINDS, Fault
from pulumi_truto.sandbox.responses import ErrorResponse

__all__ = ["apply_fault", "send"]

_DEFAULT_STATUSES = {"html": 502, "empty": 500, "status": 503, "rate_limited": 429, "redirect": 302}
_HTML = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1>proxy</body></html>"
_DEFAULT_MESSAGE = "injected by the sandbox"
_CHUNK = b"x" * 65536


def apply_fault(fault: Fault, response: web.Response | None, headers: Mapping[str, str]) -> web.Response | None:
    """Returns the response to send because of a fault; None for no response.

    Args:
        fault: the fault.
        response: the correct response, if `Fault.processes_request`.
        headers: the headers that the API adds to every response.
    """
    if fault.kind in NO_RESPONSE_KINDS:
        return None
    if fault.kind in ALTERED_RESPONSE_KINDS:
        # A response is a mapping, and mostly an empty one: its truth value says nothing.
        return _alter_json(fault, response) if response is not None and response.body else response
    status = fault.status or _DEFAULT_STATUSES.get(fault.kind, 200)
    if fault.kind == "status":
        return ErrorResponse(status, fault.message or _DEFAULT_MESSAGE, fault.headers).with_headers(headers)
    if fault.kind == "rate_limited":
        retry_after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        # Without ratelimit-reset, so that Retry-After alone states how long to wait.
        headers = {name: value for name, value in headers.items() if name != "ratelimit-reset"}
        error = ErrorResponse(status, fault.message or "Rate limit exceeded", {**retry_after, **fault.headers})
        return error.with_headers({**headers, "ratelimit-remaining": "0"})
    content_type, body = _replacement_body(fault, status)
    headers = {"Location": "/elsewhere"} if fault.kind == "redirect" else {}
    if "content-type" not in map(str.lower, fault.headers):
        headers = {**headers, "Content-Type": content_type}
    return web.Response(status=status, body=body.encode(), headers={**headers, **fault.headers})


def _alter_json(fault: Fault, response: web.Response) -> web.Response:
    body = json.loads(_body_of(response))
    # A fault of an item affects every item of a list.
    json_objects = [body, *body.get("result", body.get("results", ()))]
    if fault.kind == "wrong_types":
        body = {name: _change_type(value) for name, value in body.items()}
    for json_object in json_objects:
        if fault.kind == "other_id" and "id" in json_object:
            json_object["id"] = str(uuid.uuid4())
        if fault.kind == "extra_fields":
            json_object.update(new_field="new", new_object={"nested": [1, None]}, __proto__=None)
        for name in fault.fields if fault.kind == "missing_fields" else ():
            json_object.pop(name, None)
    response.body = json.dumps(body).encode()
    return response


def _body_of(response: web.Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def _change_type(value: object) -> object:
    if isinstance(value, (bool, list)):
        return "yes" if isinstance(value, bool) else "none"
    return "12345" if isinstance(value, (int, float)) else 12345


def _replacement_body(fault: Fault, status: int) -> tuple[str, str]:
    """Returns the content type and the body of a kind that replaces the response."""
    if fault.kind == "html":
        return "text/html", fault.body or _HTML.format(status)
    if fault.kind == "not_json":
        return "text/plain", fault.body or "\x00{upstream says hello"
    if fault.kind == "huge":  # `send` adds the padding and the end
        return "application/json", f'{{"id": "{uuid.uuid4()}", "padding": "'
    if fault.kind != "response" or fault.body is None:
        return "application/json", ""
    return "application/json", fault.body if isinstance(fault.body, str) else json.dumps(fault.body)


async def send(request: web.Request, response: web.Response | None, fault: Fault | None) -> web.StreamResponse:
    """Sends a response in the way that the fault determines."""
    if fault is not None and fault.kind in NO_RESPONSE_KINDS:
        if fault.kind == "timeout":
            await asyncio.sleep(fault.seconds)
        _close_connection(request, reset=fault.kind == "reset")
        return web.Response()  # aiohttp needs one; it is never sent, because the connection is closed
    assert response is not None
    if fault is not None and fault.kind in ("truncated", "slow_drip", "huge"):
        return await _send_in_parts(request, response, fault)
    return response


async def _send_in_parts(request: web.Request, response: web.Response, fault: Fault) -> web.StreamResponse:
    body = _body_of(response)
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    stream = web.StreamResponse(status=response.status, headers=headers)
    if fault.kind != "huge":  # without a Content-Length, so that the client cannot know the size in advance
        stream.content_length = len(body)
    await stream.prepare(request)
    if fault.kind == "truncated":
        await stream.write(body[: len(body) // 2])
        _close_connection(request, reset=False)
    elif fault.kind == "slow_drip":
        for byte in body:
            await stream.write(bytes([byte]))
            await asyncio.sleep(fault.seconds)
    else:
        await stream.write(body)
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
        linger_option = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_option)
        transport.abort()
    else:
        transport.close()
