"""One Truto in memory, without HTTP: its settings, environments, tokens, rate limits and resources."""

from __future__ import annotations

import math
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pulumi_truto.sandbox.clock import Clock, format_time
from pulumi_truto.sandbox.cron_triggers import CronTriggers
from pulumi_truto.sandbox.notification_destinations import NotificationDestinations
from pulumi_truto.sandbox.routes import RESOURCES
from pulumi_truto.sandbox.settings import SandboxSettings
from pulumi_truto.sandbox.webhooks import Webhooks

__all__ = ["Environment", "TrutoBackend"]


@dataclass(frozen=True)
class Environment:
    """A Truto environment and its first token."""

    id: str
    name: str
    token: str = field(repr=False)


class TrutoBackend:
    """One Truto with environments, tokens and resources. Thread-safe.

    Args:
        clock: the clock for all timestamps; by default the current time.
        new_id: returns the next id of an environment, then the id and the secret of each new webhook; by default UUIDs.
        **settings: fields of `SandboxSettings`.

    Attributes:
        settings: the current settings; see `change_settings`.
        collections: the items of every resource, by its class.
        webhooks, edit, remove: the methods `items`, `edit` and `remove` of the collection of webhooks; see
            `pulumi_truto.sandbox.collection.Collection`. So are `create`, `read` and `list`.
        cron_triggers, notification_destinations: the collections of these resources.

    Raises:
        ValueError: a setting is unknown or invalid.
    """

    def __init__(self, *, clock: Clock | None = None, new_id: Callable[[], str] | None = None, **settings: Any) -> None:
        self.clock = clock or Clock()
        self.new_id = new_id or (lambda: str(uuid.uuid4()))
        self.lock = threading.RLock()
        self.settings = SandboxSettings.from_json(settings)
        self._environments: dict[str, Environment] = {}
        self._tokens: dict[str, str] = {}
        self._rate_windows: dict[str, tuple[datetime, int]] = {}
        self.collections: dict[Any, Any] = {resource: resource(self) for resource in RESOURCES}
        webhooks: Webhooks = self.collections[Webhooks]
        self.create, self.read, self.list = webhooks.create, webhooks.read, webhooks.list
        self.cron_triggers: CronTriggers = self.collections[CronTriggers]
        self.notification_destinations: NotificationDestinations = self.collections[NotificationDestinations]
        self.webhooks, self.edit, self.remove = webhooks.items, webhooks.edit, webhooks.remove

    def change_settings(self, fields: Mapping[str, Any]) -> SandboxSettings:
        """Changes some settings and returns all of them.

        Raises:
            ValueError: a setting is unknown or invalid; none is changed.
        """
        with self.lock:
            self.settings = SandboxSettings.from_json({**self.settings.model_dump(), **fields})
            return self.settings

    def add_environment(self, name: str, token: str | None = None) -> Environment:
        """Adds an environment with a token: the given one, or a new random one.

        Raises:
            ValueError: the token has invalid characters or is already in use.
        """
        with self.lock:
            environment_id = self.new_id()
            environment = Environment(environment_id, name, self._register_token(environment_id, token))
            self._environments[environment_id] = environment
            return environment

    def environments(self) -> list[Environment]:
        """All environments, oldest first."""
        with self.lock:
            return [*self._environments.values()]

    def add_token(self, environment_id: str, token: str | None = None) -> str:
        """Adds another token to an environment: the given one, or a new random one.

        Raises:
            ValueError: there is no such environment, or the token has invalid characters or is already in use.
        """
        with self.lock:
            self.require_environment(environment_id)
            return self._register_token(environment_id, token)

    def revoke_token(self, token: str) -> None:
        """Makes a token invalid.

        Raises:
            ValueError: there is no such token.
        """
        with self.lock:
            if self._tokens.pop(token, None) is None:
                raise ValueError("there is no such token")

    def tokens(self) -> dict[str, str]:
        """The valid tokens, each with the id of its environment."""
        with self.lock:
            return dict(self._tokens)

    def count_request(self, token: str) -> bool:
        """Counts a request; returns False, and does not count it, if it exceeds the rate limit of the token."""
        with self.lock:
            start, used = self._rate_window(token)
            is_allowed = used < self.settings.rate_limit
            self._rate_windows[token] = (start, used + is_allowed)
            return is_allowed

    def rate_limit_headers(self, token: str) -> dict[str, str]:
        """Returns the headers that every response has."""
        with self.lock:
            start, used = self._rate_window(token)
            elapsed = (self.clock.now() - start).total_seconds()
            return {
                "ratelimit-limit": str(self.settings.rate_limit),
                "ratelimit-remaining": str(max(0, self.settings.rate_limit - used)),
                "ratelimit-reset": str(math.ceil(self.settings.rate_window_seconds - elapsed)),
            }

    def _rate_window(self, token: str) -> tuple[datetime, int]:
        """Returns the start of the token's current window, and the number of requests in it."""
        now = self.clock.now()
        start, used = self._rate_windows.get(token, (now, 0))
        is_over = (now - start).total_seconds() >= self.settings.rate_window_seconds
        return (now, 0) if is_over else (start, used)

    def timestamp(self, moment: datetime) -> str:
        """Returns a time in the format of the API."""
        return format_time(moment, self.settings.timestamp_format)

    def require_environment(self, environment_id: str) -> None:
        """Raises ValueError if there is no such environment."""
        if environment_id not in self._environments:
            raise ValueError(f"there is no environment {environment_id!r}")

    def _register_token(self, environment_id: str, token: str | None) -> str:
        token = secrets.token_urlsafe(32) if token is None else token
        if not re.fullmatch(r"[!-~]+", token):
            raise ValueError("a token must consist of visible ASCII characters without spaces")
        if token in self._tokens:
            raise ValueError("the token is already in use")
        self._tokens[token] = environment_id
        return token
