"""The responses of the sandbox before they are sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

__all__ = ["ErrorResponse", "json_response"]

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def json_response(status: int, body: object, headers: Mapping[str, str]) -> web.Response:
    """Returns a response with a JSON body. It may contain dataclasses, models and times."""
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    return web.Response(status=status, body=json.dumps(body, default=_encode).encode(), headers=headers)


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.model_dump() if isinstance(value, BaseModel) else asdict(value)


class ErrorResponse(Exception):
    """An error response of the API, with headers that belong to the error, such as ``Retry-After``."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}

    @classmethod
    def from_error(cls, error: ErrorResponse | ValueError) -> ErrorResponse:
        """Returns the response to an error: a 400 to invalid input."""
        return error if isinstance(error, ErrorResponse) else cls(400, str(error))

    def with_headers(self, headers: Mapping[str, str]) -> web.Response:
        """Returns the response with the envelope that Truto sends with every error, and additional headers."""
        envelope = {"statusCode": self.status, "error": _PHRASES.get(self.status, "Error"), "message": str(self)}
        return json_response(self.status, envelope, {**headers, **self.headers})
