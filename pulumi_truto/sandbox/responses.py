"""An answer on its way to the client, right or spoiled by a fault; it must import neither the routes nor the server.

`apply_fault` decides which answer goes out, `send` how it goes over the wire.
"""

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
from pulumi_truto.sandbox.faults import NO_RESPONSE, REAL_RESPONSE, Fault

_DEFAULT_STATUS = {"html": 502, "empty": 500, "status": 503, "rate_limited": 429, "redirect": 302}
_HTML = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1>proxy</body></html>"
_CHUNK = b"x" * 65536


@dataclass(frozen=True)
class ApiResponse:
    """An answer before it goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, body: object, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """An answer with a JSON body."""
        content_type = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(body).encode(), {**content_type, **(headers or {})})

    @classmethod
    def error(cls, error: ApiError, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """An answer with the error envelope."""
        return cls.json(error.status, error.envelope(), {**(headers or {}), **error.headers})


def apply_fault(fault: Fault, real: ApiResponse | None, headers: Mapping[str, str]) -> ApiResponse | None:
    """The answer that goes out instead of the real one; None where none does.

    Args:
        fault: what goes wrong.
        real: the right answer, given where `Fault.needs_processing`.
        headers: what the API itself adds to every answer.
    """
    if fault.kind in NO_RESPONSE:
        return None
    if fault.kind in REAL_RESPONSE:
        return _spoiled_json(fault, real) if real and real.body else real
    status = fault.status or _DEFAULT_STATUS.get(fault.kind, 200)
    if fault.kind in ("status", "rate_limited"):
        limited = fault.kind == "rate_limited"
        extra = {"Retry-After": fault.retry_after} if limited and fault.retry_after is not None else {}
        if limited:  # Retry-After alone says how long to wait
            headers = {name: value for name, value in headers.items() if name != "ratelimit-reset"}
            headers["ratelimit-remaining"] = "0"
        message = fault.message or ("Rate limit exceeded" if limited else "injected by the sandbox")
        return ApiResponse.error(ApiError(status, message, {**extra, **fault.headers}), headers)
    content_type, body = _own_body(fault, status)
    return ApiResponse(status, body, {"Content-Type": content_type, **_location(fault), **fault.headers})


async def send(request: web.Request, answer: ApiResponse | None, fault: Fault | None) -> web.StreamResponse:
    """Puts an answer on the wire in the way that the fault asks for."""
    kind = fault.kind if fault else ""
    if fault is None or kind not in (*NO_RESPONSE, "truncated", "slow_drip", "huge"):
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


def _spoiled_json(fault: Fault, real: ApiResponse) -> ApiResponse:
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
    return ApiResponse(real.status, json.dumps(answer).encode(), real.headers)


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
    if fault.kind == "response" and fault.body is not None:
        text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
        return "application/json", text.encode()
    return "application/json", b""


def _location(fault: Fault) -> dict[str, str]:
    return {"Location": "/elsewhere"} if fault.kind == "redirect" else {}
