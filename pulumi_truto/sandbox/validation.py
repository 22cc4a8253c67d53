"""What a request to the Truto API may hold; it must import neither aiohttp nor the state."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import datetime, timezone
from urllib.parse import urlsplit

from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.models import Json


def validate_body(body: Json) -> Json:
    """The known fields of a body, each of the right type; unknown ones are ignored, as Truto does."""
    fields: Json = {}
    if "target_url" in body:
        fields["target_url"] = _target_url(body["target_url"])
    if "is_active" in body:
        if not isinstance(body["is_active"], bool):
            raise ApiError(400, "is_active must be a boolean")
        fields["is_active"] = body["is_active"]
    if "event_types" in body:
        fields["event_types"] = _event_types(body["event_types"])
    return fields


def _target_url(value: object) -> str:
    if not isinstance(value, str):
        raise ApiError(400, "target_url must be a string")
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port  # both are only looked at, and may only fail, when read
    except ValueError:
        raise ApiError(400, "target_url must be a valid URL") from None
    if not host or not value.isprintable() or " " in value:
        raise ApiError(400, "target_url must be a valid URL")
    # http is the sandbox's own addition: a receiver under development seldom has a certificate.
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ApiError(400, "target_url must be an https:// URL")
    return value


def _event_types(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ApiError(400, "event_types must be an array of strings")
    return [*value]


def validate_edit(name: str, value: object) -> object:
    """The value for a field that is edited from outside; a wrong name or value is a ValueError."""
    if name == "event_types":
        try:
            return _event_types(value)
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
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return value


def page_limit(value: str | None, default: int) -> int:
    """How many items a page may have."""
    if value is None:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", value, re.ASCII):
        raise ApiError(400, "limit must be a positive whole number")
    return int(value)


def cursor(number: int) -> str:
    """The cursor of the page after this webhook, which is not to be understood by the client."""
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode("ascii")


def cursor_number(given: str | None) -> int:
    """The number of the last webhook of the page before; 0 for the first page.

    An empty cursor is the first page too: Truto's own TypeScript SDK (2.0.12) sends one.
    """
    if not given:
        return 0
    try:
        text = base64.b64decode(given, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(r"after:([0-9]{1,18})", text)
    if not found:
        raise ApiError(400, "next_cursor is not a cursor of this list")
    return int(found[1])


def is_loopback(host: str | None) -> bool:
    """Whether a host, a name or an address without brackets, is this machine itself by its spelling alone."""
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
