"""The Truto API as plain Python on per-instance state; it must import neither aiohttp nor what does I/O.

What Truto would accept, refuse and answer is decided here and nowhere else. Where Truto's own sources differ,
`Settings` chooses; where they are silent, the docstrings say what the sandbox does.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
import secrets
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlsplit

Json = dict[str, Any]
Webhooks = list["Webhook"]  # an alias, as `list` inside `Truto` is a method
Environments = list["Environment"]


class ApiError(Exception):
    """An error that the API answers with.

    Args:
        status: the HTTP status.
        message: what is wrong, for a person.
        headers: headers that belong to the error, such as ``Retry-After``.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def envelope(self) -> Json:
        """The body that Truto sends with every error."""
        return {
            "statusCode": self.status,
            "error": HTTPStatus(self.status).phrase if self.status in _KNOWN_STATUSES else "Error",
            "message": self.message,
        }


_KNOWN_STATUSES = frozenset(status.value for status in HTTPStatus)


class Clock:
    """The sandbox's time, in UTC: it runs, unless frozen, and never goes back.

    Args:
        start: where it starts, an aware datetime; by default the present.
        frozen: it stands still until it is advanced.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the clock's start must be an aware datetime")
        self._lock = threading.Lock()
        self._time = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)
        self._since = time.monotonic()
        self._frozen = frozen

    def now(self) -> datetime:
        """The present time, aware and in UTC."""
        with self._lock:
            return self._read()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward; a negative or endless duration is a ValueError."""
        if not _is_number(seconds) or seconds < 0:
            raise ValueError("the clock advances by a number of seconds that is not negative")
        try:
            with self._lock:
                self._time += timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError("the clock cannot advance that far") from None

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self._lock:
            self._time, self._since = self._read(), time.monotonic()
            self._frozen = frozen

    def _read(self) -> datetime:
        running = 0.0 if self._frozen else time.monotonic() - self._since
        return self._time + timedelta(seconds=running)


@dataclass(frozen=True)
class Settings:
    """How this Truto behaves. A value that makes no sense is a ValueError."""

    timestamp_format: Literal["iso", "space"] = "iso"
    """``2021-08-10T10:00:00.000Z`` or ``2021-08-10 10:00:00``."""
    everything_as: Literal["empty", "null", "absent"] = "empty"
    """How ``event_types`` of a webhook that is subscribed to everything is shown."""
    delete_answer: Literal["object", "no_content"] = "object"
    """200 with ``{"id": ...}``, or 204 with no body."""
    digest: Literal["hex", "base64"] = "hex"
    """How the signature of a delivery is written."""
    latency_seconds: float = 0.0
    """How long every API answer is held back."""
    page_default: int = 100
    """Items in a page where the request names no limit."""
    page_maximum: int = 1000
    """A larger limit is taken as this one, without an error."""
    rate_limit: int = 500
    rate_window_seconds: int = 10
    webhook_limit: int | None = None
    """Webhooks per environment; one more is refused with 403. None: no limit."""
    retry_backoff_seconds: float = 0.01
    """The pause before the first of a delivery's 3 retries; it doubles each time."""
    delivery_timeout_seconds: float = 5.0
    deactivate_after: int = 5
    """So many failed deliveries in a row switch the webhook off."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}")
        for name, least in _COUNTS.items():
            value = getattr(self, name)
            if name == "webhook_limit" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}")
        for name in ("latency_seconds", "retry_backoff_seconds", "delivery_timeout_seconds"):
            if not _is_number(getattr(self, name)) or getattr(self, name) < 0:
                raise ValueError(f"{name} must be a number of seconds that is not negative")

    def changed(self, fields: Mapping[str, Any]) -> Settings:
        """These settings with some of them replaced; an unknown name is a ValueError."""
        unknown = sorted(set(fields) - set(self.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}: one of {', '.join(self.__dataclass_fields__)}")
        return replace(self, **fields)


_CHOICES = {
    "timestamp_format": ("iso", "space"),
    "everything_as": ("empty", "null", "absent"),
    "delete_answer": ("object", "no_content"),
    "digest": ("hex", "base64"),
}
_COUNTS = {
    "page_default": 1,
    "page_maximum": 1,
    "rate_limit": 0,
    "rate_window_seconds": 1,
    "webhook_limit": 0,
    "deactivate_after": 1,
}


@dataclass(frozen=True)
class Environment:
    """A Truto environment, with the token it was made with."""

    id: str
    name: str
    token: str = field(repr=False)


@dataclass
class Webhook:
    """A webhook as the server holds it; empty ``event_types`` are a subscription to everything."""

    id: str
    environment_id: str
    target_url: str
    is_active: bool
    event_types: list[str]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    number: int
    """Its place in the order of creation, which is the order of the list."""
    failures: int = 0
    """Failed deliveries in a row."""

    def wants(self, event: str) -> bool:
        """Whether an event of this type is delivered to it."""
        wildcard = event.partition(":")[0] + ":*"
        wanted = not self.event_types or event in self.event_types or wildcard in self.event_types
        return self.is_active and wanted


@dataclass(frozen=True)
class Rate:
    """Where a token stands in its rate limit."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class Truto:
    """One Truto with environments, tokens and webhooks. Every method may be called from any thread.

    `create`, `read`, `update`, `delete` and `list` are the API: they take the environment of the caller's
    token, return the JSON that is answered, and raise `ApiError`. The rest is what happens around the API.
    """

    def __init__(self, *, clock: Clock | None = None, **settings: Any) -> None:
        self.clock = clock or Clock()
        self._settings = Settings().changed(settings)
        self._lock = threading.RLock()
        self._environments: dict[str, Environment] = {}
        self._tokens: dict[str, str] = {}
        self._webhooks: dict[str, Webhook] = {}
        self._windows: dict[str, tuple[datetime, int]] = {}
        self._created = 0

    # The API -----------------------------------------------------------------------------------------------

    def create(self, environment_id: str, body: Json) -> Json:
        """``POST /webhook``; the only answer that holds the secret."""
        fields = _checked(body)
        if "target_url" not in fields:
            raise ApiError(400, "target_url is required")
        # Null is what an SDK sends for a field that its caller left out.
        if body.get("environment_id") is not None and body["environment_id"] != environment_id:
            raise ApiError(403, "environment_id is not the environment of this token")
        with self._lock:
            limit = self._settings.webhook_limit
            if limit is not None and len(self._in(environment_id)) >= limit:
                raise ApiError(403, f"the plan allows {limit} webhooks per environment")
            self._created += 1
            now = self.clock.now()
            webhook = Webhook(
                id=str(uuid.uuid4()),
                environment_id=environment_id,
                target_url=fields["target_url"],
                is_active=fields.get("is_active", True),
                event_types=fields.get("event_types", []),
                secret=str(uuid.uuid4()),
                created_at=now,
                updated_at=now,
                number=self._created,
            )
            self._webhooks[webhook.id] = webhook
            return {**self._shown(webhook), "secret": webhook.secret}

    def read(self, environment_id: str, webhook_id: str) -> Json:
        """``GET /webhook/{id}``."""
        return self._shown(self.find(environment_id, webhook_id))

    def update(self, environment_id: str, webhook_id: str, body: Json) -> Json:
        """``PATCH /webhook/{id}``: a field left out stays as it was."""
        with self._lock:
            self.find(environment_id, webhook_id)
            return self._shown(self._change(webhook_id, _checked(body)))

    def delete(self, environment_id: str, webhook_id: str) -> Json | None:
        """``DELETE /webhook/{id}``; None for an answer without a body."""
        with self._lock:
            self.find(environment_id, webhook_id)
            del self._webhooks[webhook_id]
            return {"id": webhook_id} if self._settings.delete_answer == "object" else None

    def list(self, environment_id: str, query: Mapping[str, str]) -> Json:
        """``GET /webhook``: oldest first, as much as `limit` allows from `next_cursor` on."""
        settings = self._settings
        limit = min(_limit(query.get("limit"), settings.page_default), settings.page_maximum)
        after = _cursor_number(query.get("next_cursor"))
        active = query.get("is_active")
        if active not in (None, "true", "false"):
            raise ApiError(400, "is_active must be true or false")
        with self._lock:
            found = [
                webhook
                for webhook in self._in(environment_id)
                if webhook.number > after
                and (active is None or webhook.is_active == (active == "true"))
                and query.get("environment_id", environment_id) == environment_id
            ]
            page = found[:limit]
            return {
                "result": [self._shown(webhook) for webhook in page],
                "next_cursor": _cursor(page[-1].number) if len(found) > limit else None,
                "limit": limit,
            }

    # Around the API ----------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """How this Truto behaves now."""
        return self._settings

    def change_settings(self, fields: Mapping[str, Any]) -> Settings:
        """Replaces some settings; a wrong name or value is a ValueError and changes nothing."""
        with self._lock:
            self._settings = self._settings.changed(fields)
            return self._settings

    def add_environment(self, name: str, token: str | None = None) -> Environment:
        """Makes an environment and a token for it: the given one, or a new random one."""
        with self._lock:
            environment_id = str(uuid.uuid4())
            environment = Environment(environment_id, name, self._bind(environment_id, token))
            self._environments[environment_id] = environment
            return environment

    def environments(self) -> Environments:
        """All environments, oldest first."""
        with self._lock:
            return [*self._environments.values()]

    def add_token(self, environment_id: str, token: str | None = None) -> str:
        """Makes another token for an environment; an environment that does not exist is a ValueError."""
        with self._lock:
            self._require_environment(environment_id)
            return self._bind(environment_id, token)

    def revoke_token(self, token: str) -> None:
        """Makes a token worthless; one that does not exist is a ValueError."""
        with self._lock:
            if self._tokens.pop(token, None) is None:
                raise ValueError("there is no such token")

    def tokens(self) -> dict[str, str]:
        """The valid tokens, each with the id of its environment."""
        with self._lock:
            return dict(self._tokens)

    def rate(self, token: str, *, count: bool = True) -> Rate:
        """Where the token stands; a request that is allowed is counted, one over the limit is not."""
        with self._lock:
            limit, window = self._settings.rate_limit, timedelta(seconds=self._settings.rate_window_seconds)
            now = self.clock.now()
            start, used = self._windows.get(token, (now, 0))
            if now - start >= window:
                start, used = now, 0
            allowed = used < limit
            if count and allowed:
                used += 1
                self._windows[token] = (start, used)
            reset = math.ceil((start + window - now).total_seconds())
            return Rate(allowed, limit, max(0, limit - used), reset)

    def webhooks(self) -> Webhooks:
        """Copies of all webhooks of all environments, oldest first."""
        with self._lock:
            return [replace(webhook) for webhook in self._webhooks.values()]

    def find(self, environment_id: str, webhook_id: str) -> Webhook:
        """A copy of a webhook; 404 where there is none, or it is another environment's."""
        with self._lock:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None or webhook.environment_id != environment_id:
                raise ApiError(404, "Webhook not found")
            return replace(webhook)

    def edit(self, webhook_id: str, fields: Json) -> Webhook:
        """Changes a webhook from outside, as a person in the dashboard would, or worse.

        Only types are checked, so that states which the API itself refuses can be made. Wrong fields are a
        ValueError, a webhook that does not exist is a 404.
        """
        checked = {name: _edited(name, value) for name, value in fields.items()}
        with self._lock:
            if "environment_id" in checked:
                self._require_environment(checked["environment_id"])
            if webhook_id not in self._webhooks:
                raise ApiError(404, "Webhook not found")
            return replace(self._change(webhook_id, checked))

    def remove(self, webhook_id: str) -> None:
        """Deletes a webhook of any environment from outside; one that does not exist is a 404."""
        with self._lock:
            if self._webhooks.pop(webhook_id, None) is None:
                raise ApiError(404, "Webhook not found")

    def note_delivery(self, webhook_id: str, *, ok: bool) -> None:
        """Counts failed deliveries in a row, and switches the webhook off after too many of them."""
        with self._lock:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None:  # deleted while the delivery was under way
                return
            failures = 0 if ok else webhook.failures + 1
            webhook.failures = failures
            if failures >= self._settings.deactivate_after and webhook.is_active:
                self._change(webhook_id, {"is_active": False})

    def timestamp(self, moment: datetime) -> str:
        """A time as the API writes it."""
        if self._settings.timestamp_format == "space":
            return moment.strftime("%Y-%m-%d %H:%M:%S")
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

    # Parts -------------------------------------------------------------------------------------------------

    def _shown(self, webhook: Webhook) -> Json:
        """The webhook as every answer shows it: without its secret."""
        shown: Json = {
            "id": webhook.id,
            "target_url": webhook.target_url,
            "is_active": webhook.is_active,
            "event_types": [*webhook.event_types],
            "environment_id": webhook.environment_id,
            "created_at": self.timestamp(webhook.created_at),
            "updated_at": self.timestamp(webhook.updated_at),
        }
        if not webhook.event_types and self._settings.everything_as == "null":
            shown["event_types"] = None
        if not webhook.event_types and self._settings.everything_as == "absent":
            del shown["event_types"]
        return shown

    def _change(self, webhook_id: str, fields: Json) -> Webhook:
        webhook = self._webhooks[webhook_id]
        # A millisecond at least, so that a change is visible even where the clock is frozen.
        moved = max(self.clock.now(), webhook.updated_at + timedelta(milliseconds=1))
        # A webhook that is switched on again starts with a clean record.
        failures = 0 if fields.get("is_active") else webhook.failures
        changed = replace(webhook, **{"updated_at": moved, "failures": failures, **fields})
        self._webhooks[webhook_id] = changed
        return changed

    def _in(self, environment_id: str) -> Webhooks:
        return [webhook for webhook in self._webhooks.values() if webhook.environment_id == environment_id]

    def _bind(self, environment_id: str, token: str | None) -> str:
        token = secrets.token_urlsafe(32) if token is None else token
        if not re.fullmatch(r"[!-~]+", token):
            raise ValueError("a token must be visible ASCII characters without spaces")
        if token in self._tokens:
            raise ValueError("that token is taken")
        self._tokens[token] = environment_id
        return token

    def _require_environment(self, environment_id: object) -> None:
        if environment_id not in self._environments:
            raise ValueError(f"there is no environment {environment_id!r}")


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


# What a request may hold -----------------------------------------------------------------------------------


def _checked(body: Json) -> Json:
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


def _edited(name: str, value: object) -> object:
    """The value for a field that is edited from outside."""
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


def _limit(value: str | None, default: int) -> int:
    if value is None:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", value, re.ASCII):
        raise ApiError(400, "limit must be a positive whole number")
    return int(value)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode("ascii")


def _cursor_number(cursor: str | None) -> int:
    """The number of the last webhook of the page before; 0 for the first page."""
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(r"after:([0-9]{1,18})", text)
    if not found:
        raise ApiError(400, "next_cursor is not a cursor of this list")
    return int(found[1])


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
