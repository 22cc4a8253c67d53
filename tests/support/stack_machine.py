"""A state machine that runs random stacks with faults, edits outside Pulumi, and killed providers.

The stacks run on the local engine with real provider processes.
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import hypothesis.strategies as st
import requests
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project
from tests.support.stack_strategies import LATE_SECONDS, OUTSIDE_CHANGES, PROGRAM_CHANGES, RUNS

__all__ = ["COUNTS", "StackMachine"]

#: The totals of all examples of this process.
COUNTS: Final[Counter[str]] = Counter()

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class DeclaredWebhook:
    """A webhook that the program declares.

    Attributes:
        path: The last part of its target URL.
        event_types: Its event types.
        is_active: Whether it is active.
        trigger: Its replacement trigger.
        in_second_environment: Whether it uses the provider of the second environment.
    """

    path: str = "1"
    event_types: list[str] = field(default_factory=list)
    is_active: bool = True
    trigger: int = 0
    in_second_environment: bool = False


class StackMachine(RuleBasedStateMachine):
    """A stack that starts with two webhooks and ends with an `up` without faults."""

    @initialize()
    def create_stack(self) -> None:
        """Creates two environments, with unmanaged webhooks that equal a declared one, and runs the first `up`."""
        self.folder = tempfile.TemporaryDirectory(prefix="pulumi-truto-stack-", ignore_cleanup_errors=True)
        self.sandbox = Sandbox().start()
        self.second_environment = self.sandbox.add_environment("second")
        for environment_id in (self.sandbox.environment_id, self.second_environment.id):
            self.sandbox.backend.create(environment_id, {"target_url": f"{URL}/a/1"})
        self.unmanaged = {webhook.id: repr(webhook) for webhook in self.sandbox.backend.webhooks()}
        self.project = Project("local", self.sandbox, Path(self.folder.name))
        self.declared = {"a": DeclaredWebhook(), "b": DeclaredWebhook(event_types=["record:*"])}
        self.max_orphans = 0
        COUNTS["examples"] += 1
        self.up(refresh=False)

    # There is only one rule, because Hypothesis disables some rules in each example, and every example needs runs.
    @rule(
        program_changes=st.lists(PROGRAM_CHANGES, min_size=1, max_size=3),
        outside_changes=st.lists(OUTSIDE_CHANGES, max_size=3),
        run=RUNS,
    )
    def step(self, program_changes: list[Any], outside_changes: list[Any], run: Any) -> None:
        """Changes the program, changes Truto, and runs Pulumi."""
        for name, *arguments in [*program_changes, *outside_changes, run]:
            getattr(self, name)(*arguments)

    # --- changes of the program ---

    def declare(self, name: str, event_types: list[str], is_active: bool, in_second_environment: bool) -> None:
        """Declares a new webhook, or changes a declared one."""
        old = self.declared.get(name, DeclaredWebhook())
        # Moving to another environment needs a new trigger, because Pulumi ignores a changed provider.
        trigger = old.trigger + (in_second_environment != old.in_second_environment)
        self.declared[name] = DeclaredWebhook(old.path, event_types, is_active, trigger, in_second_environment)

    def change_url(self, name: str, path: str) -> None:
        """Changes the target URL of a webhook."""
        if name in self.declared:
            self.declared[name].path = path

    def remove(self, name: str) -> None:
        """Removes a webhook from the program."""
        self.declared.pop(name, None)

    def replace(self, name: str) -> None:
        """Changes the replacement trigger of a webhook, which gives it a new secret."""
        if name in self.declared:
            self.declared[name].trigger += 1

    def reorder(self) -> None:
        """Reverses the order of the webhooks and of their event types."""
        self.declared = dict(reversed(self.declared.items()))
        for webhook in self.declared.values():
            webhook.event_types = list(reversed(webhook.event_types))

    # --- changes outside of the program ---

    def inject_fault(self, operation: str, fault: dict[str, Any], times: int) -> None:
        """Makes the next requests fail."""
        self.sandbox.inject(operation=operation, times=times, **fault)
        COUNTS["faults"] += times

    def set_lag_and_skew(self, lag_seconds: float, skew_seconds: float) -> None:
        """Sets how far Truto's list lags behind, and how wrong its Date header is."""
        self.sandbox.backend.change_settings({"list_lag_seconds": lag_seconds, "date_skew_seconds": skew_seconds})

    def edit_outside(self, index: int, edit: str) -> None:
        """Changes or deletes a managed webhook outside Pulumi."""
        existing = {webhook.id for webhook in self.sandbox.backend.webhooks()}
        managed = sorted({resource["id"] for resource in self.project.managed} & existing)
        if not managed:
            return
        webhook_id = managed[index % len(managed)]
        if edit == "remove":
            self.sandbox.backend.remove(webhook_id)
        else:
            changes = {"is_active": False} if edit == "deactivate" else {"event_types": ["batch_job:failed"]}
            self.sandbox.backend.edit(webhook_id, changes)
        COUNTS["outside edits"] += 1

    # --- runs of Pulumi ---

    def up(self, refresh: bool) -> None:
        """Runs `up`, which faults may make fail, and then follows the advice in its messages."""
        self._write_program()
        COUNTS["runs"] += 1
        try:
            text = self.project.up(refresh=refresh).text
        except CommandError as error:
            COUNTS["failed runs"] += 1
            text = str(error)
            assert "Traceback (most recent call last)" not in text or "pulumi_truto.errors." in text, text
        self._follow_advice(text)

    def preview(self) -> None:
        """Runs `preview`, which must change nothing."""
        time.sleep(2 * LATE_SECONDS)  # until Truto has processed all late requests of earlier runs
        old_webhooks = sorted(map(repr, self.sandbox.backend.webhooks()))
        self._write_program()
        try:
            self.project.preview()
        except CommandError as error:
            message = f"a preview makes no API call, so no fault can make it fail, but it failed: {error}"
            raise AssertionError(message) from error
        new_webhooks = sorted(map(repr, self.sandbox.backend.webhooks()))
        assert new_webhooks == old_webhooks, f"a preview changed {old_webhooks} to {new_webhooks}"

    def up_with_kill(self, skip: int) -> None:
        """Runs `up` and kills the provider during a request.

        Args:
            skip: The number of requests before that one.
        """
        self._write_program()
        hold = self.sandbox.hold(skip=skip)
        errors: list[str] = []

        def run() -> None:
            try:
                self.project.stack.up()
            except CommandError as error:
                errors.append(str(error))

        old_ids = {webhook.id for webhook in self.sandbox.backend.webhooks()}
        thread = threading.Thread(target=run)
        thread.start()
        killed = False
        while thread.is_alive() and not killed:
            if hold.held:
                for process in self.project.stack.provider_processes():
                    process.kill()
                killed = True
            time.sleep(0.002)
        thread.join(timeout=60)
        assert not thread.is_alive()
        hold.release()
        if killed and errors:
            COUNTS["kills"] += 1
            # Truto still processes the requests that the killed provider has sent. This request waits for them.
            requests.get(f"{self.sandbox.base_url}/__sandbox__/time", timeout=60).raise_for_status()
            managed = {resource["id"] for resource in self.project.managed}
            created = {webhook.id for webhook in self.sandbox.backend.webhooks()} - old_ids
            self.max_orphans += len(created - managed)
        self._follow_advice("\n".join(errors))

    def teardown(self) -> None:
        """Runs `up` without faults and checks that Truto has exactly the declared webhooks."""
        if not hasattr(self, "project"):
            return
        try:
            self.sandbox.faults.clear()
            self.set_lag_and_skew(0.0, 0.0)
            self._write_program()
            self.project.up(refresh=True)
            self._check_webhooks()
        finally:
            COUNTS["operations"] += sum(call.operation != "" for call in self.sandbox.calls)
            self.sandbox.stop()
            self.folder.cleanup()

    def _check_webhooks(self) -> None:
        outputs = self.project.outputs
        webhooks = {webhook.id: webhook for webhook in self.sandbox.backend.webhooks()}
        for webhook_id, old_webhook in self.unmanaged.items():
            assert repr(webhooks.pop(webhook_id)) == old_webhook, "an unmanaged webhook was changed"
        for name, declared in self.declared.items():
            webhook = webhooks.pop(outputs[name]["id"])
            if webhook.secret != outputs[name]["secret"]:
                COUNTS["secrets lost"] += 1
            assert webhook.secret == outputs[name]["secret"], f"the secret of {name} was lost"
            environment_id = (
                self.second_environment.id if declared.in_second_environment else self.sandbox.environment_id
            )
            actual = (webhook.target_url, sorted(webhook.event_types), webhook.is_active, webhook.environment_id)
            event_types = sorted(set(declared.event_types))
            expected = (f"{URL}/{name}/{declared.path}", event_types, declared.is_active, environment_id)
            assert actual == expected, f"webhook {name} is {actual}, but the program declares {expected}"
        COUNTS["orphans of kills"] += len(webhooks)
        assert len(webhooks) <= self.max_orphans, f"orphans: {list(webhooks.values())}"
        assert self.sandbox.token not in self.project.output_text
        calls = self.project.up().calls
        assert calls == [], f"an up of an unchanged program made the calls {calls}"

    def _follow_advice(self, text: str) -> None:
        """Deletes the orphans that a message names, or all that no stack manages if it says so."""
        for line in text.splitlines():
            names_no_ids = "pulumi-truto orphans" in line
            if not names_no_ids and "have the same inputs" not in line and "is left over" not in line:
                continue
            if names_no_ids:
                time.sleep(2 * LATE_SECONDS)  # until Truto has processed all late requests
            existing = {webhook.id for webhook in self.sandbox.backend.webhooks()}
            managed = {resource["id"] for resource in self.project.managed}
            named = existing if names_no_ids else existing & set(UUID.findall(line))
            COUNTS["advice followed"] += 1
            for webhook_id in named - managed - set(self.unmanaged):
                self.sandbox.backend.remove(webhook_id)

    def _write_program(self) -> None:
        lines = [f"second = truto.Provider('second', api_token={self.second_environment.token!r})"]
        for name, webhook in self.declared.items():
            provider = ", provider=second" if webhook.in_second_environment else ""
            lines.append(
                f"hook = truto.Webhook({name!r}, {f'{URL}/{name}/{webhook.path}'!r}, "
                f"{json.dumps(webhook.event_types)}, {webhook.is_active}, "
                f"pulumi.ResourceOptions(replacement_trigger={webhook.trigger + 1}{provider}))"
            )
            lines.append(f"pulumi.export({name!r}, {{'id': hook.id, 'secret': hook.secret}})")
        self.project.program("\n".join(lines))
