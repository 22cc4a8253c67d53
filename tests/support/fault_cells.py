"""Runs one cell of test_fault_matrix.py: one operation under one fault, in a sandbox of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.models import Webhook
from pulumi_truto.webhook.tester import WebhookTester
from tests.support.fault_causes import SLOW_FAULTS, cause, injected_fields, sandbox_for
from tests.support.webhook_manager import INPUTS, ManagerHarness, webhooks_by_id

__all__ = ["Cell", "run_cell"]

_CHANGED: Final = {**INPUTS, "event_types": ["record:*"], "is_active": False}
#: The properties of the webhook's state before the operation, which a read and an update return.
_KEPT: Final = (*INPUTS, "environment_id", "secret")


@dataclass(frozen=True)
class Cell:
    """One operation under one fault, and its expected outcome in the notation of the tables."""

    fault: str
    times: str
    operation: str
    outcome: str

    @property
    def min_requests(self) -> int | None:
        """The minimum number of requests if the operation retries until the deadline, otherwise ``None``."""
        found = re.match(r"\w+ (\d+)\+", self.outcome)
        return int(found[1]) if found else None


def run_cell(cell: Cell, receiver: str) -> str:
    """Runs one operation under one fault in a new sandbox and returns the outcome in the notation of the tables."""
    with sandbox_for(cell.fault) as sandbox:
        run = CellRun(sandbox, cell, receiver)
        run.run()
        return run.describe()


class CellRun:
    """One operation under one fault.

    Args:
        sandbox: a new sandbox, from `sandbox_for`.
        cell: the operation and the fault.
        receiver: the target URL of the webhook to read, update, delete or test.
    """

    def __init__(self, sandbox: Sandbox, cell: Cell, receiver: str) -> None:
        self.sandbox, self.cell = sandbox, cell
        self.state = sandbox.backend.create(sandbox.environment_id, {**INPUTS, "target_url": receiver})
        self.id: str = self.state["id"]
        older = [sandbox.backend.create(sandbox.environment_id, inputs) for inputs in (INPUTS, _CHANGED)]
        self.older_ids: list[str] = [webhook["id"] for webhook in older]
        hour_ago = (sandbox.backend.clock.now() - timedelta(hours=1)).isoformat()
        for id_ in self.older_ids:
            sandbox.backend.edit(id_, {"created_at": hour_ago, "updated_at": hour_ago})
        self.before = self.after = webhooks_by_id(sandbox)
        token = sandbox.add_environment("empty").token if cell.fault == "empty environment" else sandbox.token
        is_slow = cell.fault in SLOW_FAULTS
        # Until a deadline that leaves time for a second attempt after the longest fault.
        total_seconds = 30 if cell.min_requests is None else 8 if is_slow else 2
        self.harness = ManagerHarness(
            sandbox, token, connect_seconds=2, read_seconds=1 if is_slow else 5, total_seconds=total_seconds
        )
        self.changed = {**_CHANGED, "target_url": receiver}
        self.result: Any = None
        self.error: TrutoError | None = None
        self.took_seconds = 0.0

    def run(self) -> None:
        """Runs the operation under the fault."""
        manager, client = self.harness.manager, self.harness.client
        tester = WebhookTester(client, self.harness.warnings.append)
        state = {name: self.state[name] for name in _KEPT}
        operations: dict[str, Callable[[], Any]] = {
            "create": lambda: manager.create(INPUTS),
            "read": lambda: manager.read(self.id, state),
            "update": lambda: manager.update(self.id, state, self.changed),
            "delete": lambda: manager.delete(self.id, state),
            "list": lambda: [webhook.id for webhook in client.iter_webhooks()],
            "test": lambda: tester.run({"webhook_id": self.id, "triggers": [], "retry_for_seconds": 0}),
            "log": lambda: client.list_deliveries(self.id),
        }
        with cause(self.sandbox, self.cell.fault, self.cell.times, self.cell.operation):
            started = time.monotonic()
            try:
                self.result = operations[self.cell.operation]()
            except TrutoError as error:
                self.error = error
            self.took_seconds = time.monotonic() - started
        self.after = webhooks_by_id(self.sandbox)

    def describe(self) -> str:
        """The outcome in the notation of the tables, followed by everything that must never happen."""
        result = "ok" if self.error is None else type(self.error).__name__.removesuffix("Error")
        requests, minimum = self.sandbox.count(self.cell.operation), self.cell.min_requests
        count = str(requests) if minimum is None or requests < minimum else f"{minimum}+"
        return ", ".join([f"{result} {count}", *self._effects(), *self._violations()])

    def _effects(self) -> Iterator[str]:
        if new := self._new_webhooks():
            yield f"{len(new)} new" if self.error is None else "leftovers"
        old, now = self.before[self.id], self.after.get(self.id)
        if now is None:
            yield "deleted"
        elif now != old:
            is_as_requested = _inputs_of(now) == self.changed and now.secret == old.secret
            yield "changed" if is_as_requested else f"changed to {now}"
        if self.cell.operation == "list":
            lists = {"all": [*self.before], "older": self.older_ids, "none": []}
            yield from (name for name, ids in lists.items() if ids == self.result)
        if events := [delivery.event for delivery in self.sandbox.deliveries]:
            yield "sent" if events == ["test"] else f"sent {events}"
        if warnings := self.harness.warnings:
            yield f"{len(warnings)} warning"
        retry_after = injected_fields(self.cell.fault, self.cell.times).get("retry_after")
        if retry_after and self.took_seconds >= float(retry_after):
            yield "waited"

    def _violations(self) -> Iterator[str]:
        for id_ in self.older_ids:
            if self.after.get(id_) != self.before[id_]:
                yield f"older webhook changed to {self.after.get(id_)}"
        for webhook in self._new_webhooks():
            if _inputs_of(webhook) != INPUTS:
                yield f"new webhook differs from the request: {webhook}"
        if self.error is None and not self._is_result_right():
            yield f"wrong result {self.result}"
        if self.error is not None and not self._is_message_right(str(self.error)):
            yield f"wrong message {str(self.error)!r}"

    def _is_result_right(self) -> bool:
        operation = self.cell.operation
        if operation == "create":
            id_, state = self.result
            secrets = {webhook.id: webhook.secret for webhook in self._new_webhooks()}
            expected = {**INPUTS, "secret": secrets.get(id_)}
            return {name: state[name] for name in expected} == expected
        if operation in ("read", "update"):
            expected = {**self.state, **(self.changed if operation == "update" else {})}
            return all(self.result[name] == expected[name] for name in _KEPT)
        if operation == "log":
            return bool(self.result == [])
        return operation != "test" or re.fullmatch(r"[-\d]{10}T[:\d]{8}\.\d{3}Z", self.result) is not None

    def _is_message_right(self, message: str) -> bool:
        confidential = [self.sandbox.token, *(webhook.secret for webhook in self.after.values())]
        return (
            len(message.splitlines()) == 1
            and not any(each in message for each in confidential)
            and all(webhook.id in message for webhook in self._new_webhooks())
        )

    def _new_webhooks(self) -> list[Webhook]:
        return [webhook for id_, webhook in self.after.items() if id_ not in self.before]


def _inputs_of(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in INPUTS}
