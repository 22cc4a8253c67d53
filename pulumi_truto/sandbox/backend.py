"""The Truto API as plain Python on per-instance state; it must import neither aiohttp nor what does I/O.

What Truto would accept, refuse and answer is decided here and in validation.py, and nowhere else. Where Truto's own
sources differ, `Settings` chooses; where they are silent, the docstrings say what the sandbox does.
"""

from __future__ import annotations

import math
import re
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.models import Environment, Json, RateLimitStatus, Webhook
from pulumi_truto.sandbox.settings import Settings
from pulumi_truto.sandbox.validation import cursor, cursor_number, page_limit, validate_body, validate_edit

MAX_LAG_SECONDS = 10**9
Webhooks = list[Webhook]  # an alias, as `list` inside `TrutoBackend` is a method
Environments = list[Environment]


class TrutoBackend:
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
        fields = validate_body(body)
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
            return self._shown(self._change(webhook_id, validate_body(body)))

    def delete(self, environment_id: str, webhook_id: str) -> Json | None:
        """``DELETE /webhook/{id}``; None for an answer without a body."""
        with self._lock:
            self.find(environment_id, webhook_id)
            del self._webhooks[webhook_id]
            return {"id": webhook_id} if self._settings.delete_response == "object" else None

    def list(self, environment_id: str, query: Mapping[str, str]) -> Json:
        """``GET /webhook``: oldest first, as much as `limit` allows from `next_cursor` on."""
        settings = self._settings
        limit = min(page_limit(query.get("limit"), settings.page_default), settings.page_maximum)
        after = cursor_number(query.get("next_cursor"))
        active = query.get("is_active")
        if active not in (None, "true", "false"):
            raise ApiError(400, "is_active must be true or false")
        with self._lock:
            newest = self.clock.now() - timedelta(seconds=min(settings.list_lag_seconds, MAX_LAG_SECONDS))
            found = [
                webhook
                for webhook in self._in(environment_id)
                if webhook.number > after
                and (webhook.created_at <= newest or not settings.list_lag_seconds)
                and (active is None or webhook.is_active == (active == "true"))
                and query.get("environment_id", environment_id) == environment_id
            ]
            page = found[:limit]
            return {
                "result": [self._shown(webhook) for webhook in page],
                "next_cursor": cursor(page[-1].number) if len(found) > limit else None,
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

    def rate(self, token: str, *, count: bool = True) -> RateLimitStatus:
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
            return RateLimitStatus(allowed, limit, max(0, limit - used), reset)

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
        valid = {name: validate_edit(name, value) for name, value in fields.items()}
        with self._lock:
            if "environment_id" in valid:
                self._require_environment(valid["environment_id"])
            if webhook_id not in self._webhooks:
                raise ApiError(404, "Webhook not found")
            return replace(self._change(webhook_id, valid))

    def remove(self, webhook_id: str) -> None:
        """Deletes a webhook of any environment from outside; one that does not exist is a 404."""
        with self._lock:
            if self._webhooks.pop(webhook_id, None) is None:
                raise ApiError(404, "Webhook not found")

    def record_delivery(self, webhook_id: str, *, ok: bool) -> None:
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
        if not webhook.event_types and self._settings.empty_event_types_as == "null":
            shown["event_types"] = None
        if not webhook.event_types and self._settings.empty_event_types_as == "absent":
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
