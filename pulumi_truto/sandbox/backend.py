"""The behaviour of the Truto API on in-memory state, without HTTP.

This module and `pulumi_truto.sandbox.validation` alone decide what Truto accepts, rejects and returns. Where Truto's
own sources disagree, a setting chooses; where they are silent, a docstring states what the sandbox does.
"""

from __future__ import annotations

import math
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.settings import SandboxSettings
from pulumi_truto.sandbox.validation import decode_cursor, encode_cursor, parse_limit, validate_body, validate_edit
from pulumi_truto.sandbox.webhooks import Environment, Json, RateLimitStatus, Webhook, format_timestamp

__all__ = ["TrutoBackend"]

_MAX_LAG_SECONDS = 10**9
# Aliases, as `list` is a method inside the class.
_Webhooks = list[Webhook]
_Environments = list[Environment]


class TrutoBackend:
    """One Truto with environments, tokens and webhooks. Thread-safe.

    `create`, `read`, `update`, `delete` and `list` are the API: they take the environment of the caller's token,
    return the JSON of the response, and raise `ApiError`. The other methods are for tests and for the sandbox itself.

    Args:
        clock: the clock for all timestamps; by default the current time.
        new_id: returns the next id of an environment, then the id and the secret of each new webhook; by default UUIDs.
        **settings: fields of `SandboxSettings`.

    Raises:
        ValueError: a setting is unknown or invalid.
    """

    def __init__(self, *, clock: Clock | None = None, new_id: Callable[[], str] | None = None, **settings: Any) -> None:
        self.clock = clock or Clock()
        self._new_id = new_id or (lambda: str(uuid.uuid4()))
        self._settings = SandboxSettings().with_changes(settings)
        self._lock = threading.RLock()
        self._environments: dict[str, Environment] = {}
        self._tokens: dict[str, str] = {}
        self._webhooks: dict[str, Webhook] = {}
        self._rate_windows: dict[str, tuple[datetime, int]] = {}
        self._created_count = 0

    # The API -----------------------------------------------------------------------------------------------

    def create(self, environment_id: str, body: Json) -> Json:
        """``POST /webhook``. No other response contains the secret."""
        fields = validate_body(body)
        if "target_url" not in fields:
            raise ApiError(400, "target_url is required")
        # SDKs send null for a field that their caller omits.
        if body.get("environment_id") is not None and body["environment_id"] != environment_id:
            raise ApiError(403, "environment_id is not the environment of this token")
        with self._lock:
            limit = self._settings.webhook_limit
            if limit is not None and len(self._webhooks_of(environment_id)) >= limit:
                raise ApiError(403, f"the plan allows {limit} webhooks per environment")
            self._created_count += 1
            now = self.clock.now()
            webhook = Webhook(
                id=self._new_id(),
                environment_id=environment_id,
                target_url=fields["target_url"],
                is_active=fields.get("is_active", True),
                event_types=fields.get("event_types", []),
                secret=self._new_id(),
                created_at=now,
                updated_at=now,
                number=self._created_count,
            )
            self._webhooks[webhook.id] = webhook
            return {**self._to_json(webhook), "secret": webhook.secret}

    def read(self, environment_id: str, webhook_id: str) -> Json:
        """``GET /webhook/{id}``."""
        return self._to_json(self.find(environment_id, webhook_id))

    def update(self, environment_id: str, webhook_id: str, body: Json) -> Json:
        """``PATCH /webhook/{id}``. Omitted fields stay unchanged; for ``event_types`` a setting chooses."""
        with self._lock:
            self.find(environment_id, webhook_id)
            omitted: Json = {"event_types": []} if self._settings.omitted_event_types == "all" else {}
            return self._to_json(self._update_fields(webhook_id, {**omitted, **validate_body(body)}))

    def delete(self, environment_id: str, webhook_id: str) -> Json | None:
        """``DELETE /webhook/{id}``. None stands for a response without a body."""
        with self._lock:
            self.find(environment_id, webhook_id)
            del self._webhooks[webhook_id]
            return {"id": webhook_id} if self._settings.delete_response == "object" else None

    def list(self, environment_id: str, query: Mapping[str, str]) -> Json:
        """``GET /webhook``. One page, oldest webhook first."""
        limit = min(parse_limit(query.get("limit"), self._settings.page_default), self._settings.page_maximum)
        after = decode_cursor(query.get("next_cursor"))
        active = query.get("is_active")
        if active not in (None, "true", "false"):
            raise ApiError(400, "is_active must be true or false")
        with self._lock:
            visible_until = self.clock.now() - timedelta(seconds=min(self._settings.list_lag_seconds, _MAX_LAG_SECONDS))
            matches = [
                webhook
                for webhook in self._webhooks_of(environment_id)
                if webhook.number > after
                and (webhook.created_at <= visible_until or not self._settings.list_lag_seconds)
                and (active is None or webhook.is_active == (active == "true"))
                and query.get("environment_id", environment_id) == environment_id
            ]
            page = matches[:limit]
            return {
                "result": [self._to_json(webhook) for webhook in page],
                "next_cursor": encode_cursor(page[-1].number) if len(matches) > limit else None,
                "limit": limit,
            }

    # Settings, environments, tokens ------------------------------------------------------------------------

    @property
    def settings(self) -> SandboxSettings:
        """The current settings."""
        return self._settings

    def change_settings(self, fields: Mapping[str, Any]) -> SandboxSettings:
        """Changes some settings and returns all of them.

        Raises:
            ValueError: a setting is unknown or invalid; none is changed.
        """
        with self._lock:
            self._settings = self._settings.with_changes(fields)
            return self._settings

    def add_environment(self, name: str, token: str | None = None) -> Environment:
        """Adds an environment with a token: the given one, or a new random one.

        Raises:
            ValueError: the token has invalid characters or is already in use.
        """
        with self._lock:
            environment_id = self._new_id()
            environment = Environment(environment_id, name, self._register_token(environment_id, token))
            self._environments[environment_id] = environment
            return environment

    def environments(self) -> _Environments:
        """All environments, oldest first."""
        with self._lock:
            return [*self._environments.values()]

    def add_token(self, environment_id: str, token: str | None = None) -> str:
        """Adds another token to an environment: the given one, or a new random one.

        Raises:
            ValueError: there is no such environment, or the token has invalid characters or is already in use.
        """
        with self._lock:
            self._require_environment(environment_id)
            return self._register_token(environment_id, token)

    def revoke_token(self, token: str) -> None:
        """Makes a token invalid.

        Raises:
            ValueError: there is no such token.
        """
        with self._lock:
            if self._tokens.pop(token, None) is None:
                raise ValueError("there is no such token")

    def tokens(self) -> dict[str, str]:
        """The valid tokens, each with the id of its environment."""
        with self._lock:
            return dict(self._tokens)

    def rate(self, token: str, *, count: bool = True) -> RateLimitStatus:
        """Returns the rate limit status of a token.

        Args:
            token: the token.
            count: whether this is a request. It is counted unless it exceeds the limit.
        """
        with self._lock:
            limit, window = self._settings.rate_limit, timedelta(seconds=self._settings.rate_window_seconds)
            now = self.clock.now()
            start, used = self._rate_windows.get(token, (now, 0))
            if now - start >= window:
                start, used = now, 0
            allowed = used < limit
            if count and allowed:
                used += 1
                self._rate_windows[token] = (start, used)
            reset = math.ceil((start + window - now).total_seconds())
            return RateLimitStatus(allowed, limit, max(0, limit - used), reset)

    # Webhooks without the API ------------------------------------------------------------------------------

    def webhooks(self) -> _Webhooks:
        """Copies of the webhooks of all environments, oldest first."""
        with self._lock:
            return [replace(webhook) for webhook in self._webhooks.values()]

    def find(self, environment_id: str, webhook_id: str) -> Webhook:
        """Returns a copy of a webhook.

        Raises:
            ApiError: 404, the environment has no such webhook.
        """
        with self._lock:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None or webhook.environment_id != environment_id:
                raise ApiError(404, "Webhook not found")
            return replace(webhook)

    def edit(self, webhook_id: str, fields: Json) -> Webhook:
        """Changes a webhook of any environment without the API, as a person can in Truto's dashboard.

        Only types are validated, so that a test can create states that the API itself would reject.

        Raises:
            ValueError: a field is unknown or has the wrong type.
            ApiError: 404, there is no such webhook.
        """
        valid = {name: validate_edit(name, value) for name, value in fields.items()}
        with self._lock:
            if "environment_id" in valid:
                self._require_environment(valid["environment_id"])
            if webhook_id not in self._webhooks:
                raise ApiError(404, "Webhook not found")
            return replace(self._update_fields(webhook_id, valid))

    def remove(self, webhook_id: str) -> None:
        """Deletes a webhook of any environment without the API.

        Raises:
            ApiError: 404, there is no such webhook.
        """
        with self._lock:
            if self._webhooks.pop(webhook_id, None) is None:
                raise ApiError(404, "Webhook not found")

    def record_delivery(self, webhook_id: str, *, ok: bool) -> None:
        """Counts consecutive failed deliveries, and deactivates the webhook after too many."""
        with self._lock:
            webhook = self._webhooks.get(webhook_id)
            if webhook is None:  # deleted while the delivery was in flight
                return
            webhook.failures = 0 if ok else webhook.failures + 1
            if webhook.failures >= self._settings.deactivate_after and webhook.is_active:
                self._update_fields(webhook_id, {"is_active": False})

    def timestamp(self, moment: datetime) -> str:
        """Returns a time in the format of the API."""
        return format_timestamp(moment, self._settings.timestamp_format)

    # Internals ---------------------------------------------------------------------------------------------

    def _to_json(self, webhook: Webhook) -> Json:
        return webhook.to_json(self._settings)

    def _update_fields(self, webhook_id: str, fields: Json) -> Webhook:
        webhook = self._webhooks[webhook_id]
        # At least a millisecond later, so that the change is visible even if the clock is frozen.
        updated_at = max(self.clock.now(), webhook.updated_at + timedelta(milliseconds=1))
        # A webhook that is activated again starts without failures.
        is_reactivated = bool(fields.get("is_active")) and not webhook.is_active
        failures = 0 if is_reactivated else webhook.failures
        updated = replace(webhook, **{"updated_at": updated_at, "failures": failures, **fields})
        self._webhooks[webhook_id] = updated
        return updated

    def _webhooks_of(self, environment_id: str) -> _Webhooks:
        return [webhook for webhook in self._webhooks.values() if webhook.environment_id == environment_id]

    def _register_token(self, environment_id: str, token: str | None) -> str:
        token = secrets.token_urlsafe(32) if token is None else token
        if not re.fullmatch(r"[!-~]+", token):
            raise ValueError("a token must consist of visible ASCII characters without spaces")
        if token in self._tokens:
            raise ValueError("the token is already in use")
        self._tokens[token] = environment_id
        return token

    def _require_environment(self, environment_id: object) -> None:
        if environment_id not in self._environments:
            raise ValueError(f"there is no environment {environment_id!r}")
