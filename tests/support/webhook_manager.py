"""A webhook manager on a sandbox, the faults that make the outcome of a create unknown, and small helpers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.webhooks import Webhook
from pulumi_truto.webhook.manager import WebhookManager
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.clients import client_for

#: Inputs of a webhook in canonical form, as `check` returns them.
INPUTS: Final[Any] = {
    "target_url": "https://hooks.example.com/truto",
    "event_types": ["record:created"],
    "is_active": True,
}
#: Canonical inputs that differ from `INPUTS` in every property.
OTHER_INPUTS: Final[Any] = {
    "target_url": "https://hooks.example.com/other",
    "event_types": ["record:deleted"],
    "is_active": False,
}

#: How long the sandbox stays silent before it closes the connection. A client waits for a create until the deadline.
_SILENCE_SECONDS: Final = 0.4
#: Faults that leave the outcome of a create unknown. Truto does not process the request.
UNPROCESSED_FAULTS: Final[dict[str, dict[str, Any]]] = {
    "timeout": {"kind": "timeout", "seconds": _SILENCE_SECONDS},
    "reset": {"kind": "reset"},
    "close": {"kind": "close"},
    "empty 500": {"kind": "empty"},
    "HTML 502": {"kind": "html"},
    "status 503": {"kind": "status"},
    **{f"status {status}": {"kind": "status", "status": status} for status in (408, 409, 425, 499, 504)},
    "not JSON": {"kind": "not_json"},
    "empty 200": {"kind": "empty", "status": 200},
}
#: Faults that leave the outcome of a create unknown. Truto processes the request.
PROCESSED_FAULTS: Final[dict[str, dict[str, Any]]] = {
    **{name: {**fault, "processed": True} for name, fault in UNPROCESSED_FAULTS.items()},
    "truncated": {"kind": "truncated"},
    "wrong types": {"kind": "wrong_types"},
    "no secret": {"kind": "missing_fields", "fields": ["secret"]},
    "no id": {"kind": "missing_fields", "fields": ["id"]},
    "no id and no secret": {"kind": "missing_fields", "fields": ["id", "secret"]},
}
#: Values for the parameters `fault` and `processed`: all faults.
ALL_FAULTS: Final = [
    *(pytest.param(fault, False, id=f"{name}, not processed") for name, fault in UNPROCESSED_FAULTS.items()),
    *(pytest.param(fault, True, id=f"{name}, processed") for name, fault in PROCESSED_FAULTS.items()),
]
#: Values for the parameters `fault` and `processed`: a few different faults.
TYPICAL_FAULTS: Final = [
    pytest.param(UNPROCESSED_FAULTS["reset"], False, id="reset, not processed"),
    pytest.param(PROCESSED_FAULTS["reset"], True, id="reset, processed"),
    pytest.param(UNPROCESSED_FAULTS["HTML 502"], False, id="HTML 502, not processed"),
    pytest.param(PROCESSED_FAULTS["no secret"], True, id="no secret, processed"),
]


class ManagerHarness:
    """A `WebhookManager` connected to a sandbox, as in one Pulumi run.

    Args:
        sandbox: the Truto API.
        token: the API token. Default: the token of the sandbox's default environment.
        environment_id: the environment that the settings name.
        **policy: the limits of requests; see `client_for`.

    Attributes:
        warnings: the warnings that the user has seen.
        known_ids: the ids of the webhooks that this run has seen or created.
        client: the API client.
        manager: the manager under test.
    """

    def __init__(self, sandbox: Sandbox, token: str | None = None, environment_id: str = "", **policy: Any) -> None:
        self.warnings: list[str] = []
        self.known_ids: set[str] = set()
        self.client = client_for(
            sandbox.base_url, token or sandbox.token, environment_id, **{"total_seconds": 30, **policy}
        )
        # `Any`: the tests pass plain dictionaries.
        self.manager: Any = WebhookManager(WEBHOOK, self.client, self.warnings.append, self.known_ids)

    @property
    def warnings_text(self) -> str:
        """All warnings in one string."""
        return "".join(self.warnings)

    def create(self, **overrides: Any) -> tuple[str, str]:
        """Creates a webhook and returns its id and secret.

        Args:
            **overrides: inputs that differ from `INPUTS`.
        """
        id_, state = self.manager.create({**INPUTS, **overrides})
        return id_, state["secret"]

    def operations(self) -> dict[str, Callable[[str, dict[str, Any]], object]]:
        """The operations on an existing webhook, by name. Each takes the webhook's id and state."""
        return {
            "read": self.manager.read,
            "update": lambda id_, state: self.manager.update(id_, state, OTHER_INPUTS),
            "delete": self.manager.delete,
        }


def webhooks_by_id(sandbox: Sandbox) -> dict[str, Webhook]:
    """All webhooks of all environments, oldest first."""
    return {webhook.id: webhook for webhook in sandbox.backend.webhooks()}


def webhook_ids(sandbox: Sandbox) -> list[str]:
    """The ids of all webhooks of all environments, oldest first."""
    return [*webhooks_by_id(sandbox)]


def secrets_by_id(sandbox: Sandbox) -> dict[str, str]:
    """The secrets of all webhooks of all environments."""
    return {webhook.id: webhook.secret for webhook in sandbox.backend.webhooks()}


def request_bodies(sandbox: Sandbox, operation: str) -> list[Any]:
    """The bodies of all requests for an operation, in order."""
    return [call.body for call in sandbox.calls if call.operation == operation]


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until a condition is true, at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true within ten seconds"
        time.sleep(0.002)
