"""Validates what a request to the Truto API contains: body, query, target URL."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import math
import re
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.webhooks import Json

__all__ = [
    "decode_cursor",
    "encode_cursor",
    "is_loopback",
    "parse_json",
    "parse_json_object",
    "parse_limit",
    "validate_body",
    "validate_edit",
]


def parse_json(body: bytes) -> Any:
    """Parses JSON strictly: unlike Python's parser, it rejects NaN, Infinity and numbers that overflow.

    Raises:
        ValueError: the body is not valid JSON.
    """
    try:
        return json.loads(body, parse_constant=_reject_constant, parse_float=_parse_finite_float)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _reject_constant(name: str) -> None:
    raise ValueError(name)


def _parse_finite_float(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):  # 1e999 is valid JSON, but no response could contain the parsed number.
        raise ValueError(literal)
    return number


def parse_json_object(body: bytes) -> Json:
    """Parses a request's body; an empty body is ``{}``.

    Raises:
        ApiError: 400, the body is not a JSON object.
    """
    if not body:
        return {}
    try:
        parsed = parse_json(body)
    except ValueError:
        raise ApiError(400, "the body is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise ApiError(400, "the body must be a JSON object")
    return parsed


def validate_body(body: Json) -> Json:
    """Returns the known fields of a create or update. Unknown fields are ignored, as Truto does.

    Raises:
        ApiError: 400, a field has an invalid value.
    """
    fields: Json = {}
    if "target_url" in body:
        fields["target_url"] = _validate_target_url(body["target_url"])
    if "is_active" in body:
        if not isinstance(body["is_active"], bool):
            raise ApiError(400, "is_active must be a boolean")
        fields["is_active"] = body["is_active"]
    if "event_types" in body:
        fields["event_types"] = _validate_event_types(body["event_types"])
    return fields


def _validate_target_url(value: object) -> str:
    if not isinstance(value, str):
        raise ApiError(400, "target_url must be a string")
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port  # reading these properties validates them
    except ValueError:
        raise ApiError(400, "target_url must be a valid URL") from None
    if not host or not value.isprintable() or " " in value:
        raise ApiError(400, "target_url must be a valid URL")
    # Truto requires https. The sandbox also accepts http: a receiver under development seldom has a certificate.
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ApiError(400, "target_url must be an https:// URL")
    return value


def _validate_event_types(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ApiError(400, "event_types must be an array of strings")
    return [*value]


def validate_edit(name: str, value: object) -> object:
    """Returns the value of a field that is edited without the API.

    Raises:
        ValueError: the name is unknown or the value is invalid.
    """
    if name == "event_types":
        try:
            return _validate_event_types(value)
        except ApiError as error:
            raise ValueError(error.message) from None
    if name == "is_active":
        if not isinstance(value, bool):
            raise ValueError("is_active must be a boolean")
        return value
    if name not in ("target_url", "secret", "environment_id", "created_at", "updated_at"):
        raise ValueError(f"{name!r} is not a field of a webhook that can be edited")
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise ValueError(f"{name} must be a string of printable characters")
    if name in ("created_at", "updated_at"):
        return parse_time(name, value)
    return value


def parse_time(name: str, value: str) -> datetime:
    """Returns a time in UTC; a time without a zone is in UTC.

    Raises:
        ValueError: it is no time, or out of range.
    """
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is not a time: {value!r}") from None


def parse_limit(value: str | None, default: int) -> int:
    """Returns the page size that a request asks for.

    Raises:
        ApiError: 400, it is not a positive integer.
    """
    if value is None:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", value, re.ASCII):
        raise ApiError(400, "limit must be a positive integer")
    return int(value)


def encode_cursor(number: int) -> str:
    """Returns the opaque cursor of the page that follows the webhook with this number."""
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode("ascii")


def decode_cursor(cursor: str | None) -> int:
    """Returns the number of the last webhook of the previous page; 0 for the first page.

    An empty cursor means the first page too: Truto's own TypeScript SDK (2.0.12) sends one.

    Raises:
        ApiError: 400, the cursor is invalid.
    """
    if not cursor:
        return 0
    try:
        decoded = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    match = re.fullmatch(r"after:([0-9]{1,18})", decoded)
    if not match:
        raise ApiError(400, "next_cursor is not a cursor of this list")
    return int(match[1])


# The client has its own implementation. The sandbox shares no code with it, so that both cannot have the same bug.
def is_loopback(host: str | None) -> bool:
    """Whether a host name, or an address without brackets, is loopback. Does not resolve names."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
