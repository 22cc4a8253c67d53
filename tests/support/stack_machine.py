"""A state machine that runs random stacks with faults, edits outside Pulumi, and killed providers.

The stacks run on the local engine with real provider processes.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from tests.support.crash_points import up_with_failure
from tests.support.declared_stack import DeclaredStack, DeclaredWebhook
from tests.support.project import Project
from tests.support.stack_strategies import LATE_SECONDS, OUTSIDE_CHANGES, PROGRAM_CHANGES, RUNS

__all__ = ["COUNTS", "StackMachine"]

#: What all examples of this process did together.
COUNTS: Final[Counter[str]] = Counter()

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class StackMachine(RuleBasedStateMachine):
    """A stack that starts with two webhooks and ends with an `up` without faults."""

    @initialize()
    def create_stack(self) -> None:
        """Creates two environments, with a stranger's webhooks that equal a declared one, and runs the first `up`."""
        self.folder = tempfile.TemporaryDirectory(prefix="pulumi-truto-stack-", ignore_cleanup_errors=True)
        self.sandbox = Sandbox().start()
        second = self.sandbox.add_environment("second")
        self.project = Project("local", self.sandbox, Path(self.folder.name))
        self.stack = DeclaredStack(self.project, second_environment=second)
        self.stack.add_stranger("a", DeclaredWebhook())
        self.declared = {"a": DeclaredWebhook(), "b": DeclaredWebhook(event_types=["record:*"])}
        self.may_be_on: set[str] = set()
        COUNTS["examples"] += 1
        self.up(refresh=False)

    # There is only one rule, because Hypothesis disables some rules in each example, and every example needs runs.
    @rule(
        program_changes=st.lists(PROGRAM_CHANGES, min_size=1, max_size=3),
        outside_changes=st.lists(OUTSIDE_CHANGES, max_size=3),
        run=RUNS,
    )
    def step(self, program_changes: list[Any], outside_changes: list[Any], run: Any) -> None:
        """Changes the program, changes what is outside of it, and runs Pulumi."""
        for name, *arguments in [*program_changes, *outside_changes]:
            getattr(self, name)(*arguments)
        self.stack.declare(self.declared)
        name, *arguments = run
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
            self.declared[name] = replace(self.declared[name], path=path)

    def remove(self, name: str) -> None:
        """Removes a webhook from the program."""
        self.declared.pop(name, None)

    def replace(self, name: str) -> None:
        """Changes the replacement trigger of a webhook, which gives it a new secret."""
        if name in self.declared:
            self.declared[name] = replace(self.declared[name], trigger=self.declared[name].trigger + 1)

    def reorder(self) -> None:
        """Reverses the order of the webhooks and of their event types."""
        self.declared = {
            name: replace(webhook, event_types=webhook.event_types[::-1])
            for name, webhook in reversed(self.declared.items())
        }

    # --- changes outside of the program ---

    def inject_fault(self, operation: str, fault: dict[str, Any], times: int) -> None:
        """Makes the next requests fail."""
        self.sandbox.inject(operation=operation, times=times, **fault)
        COUNTS["faults"] += times

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
        """Runs `up`, which faults may make fail."""
        self.stack.declare(self.declared)
        COUNTS["runs"] += 1
        try:
            self.project.up(refresh=refresh)
        except CommandError as error:
            COUNTS["failed runs"] += 1
            self._read_error(str(error))

    def preview(self) -> None:
        """Runs `preview`, which must change nothing."""
        time.sleep(2 * LATE_SECONDS)  # until Truto has processed all late requests of earlier runs
        before = sorted(map(repr, self.sandbox.backend.webhooks()))
        try:
            self.project.preview()
        except CommandError as error:
            message = f"a preview makes no API call, so no fault can make it fail, but it failed: {error}"
            raise AssertionError(message) from error
        after = sorted(map(repr, self.sandbox.backend.webhooks()))
        assert after == before, f"a preview changed {before} to {after}"

    def up_with_kill(self, failure: str, skip: int) -> None:
        """Runs `up` and kills the provider at the call that follows `skip` others, or at a lost response before it."""
        disturbed = up_with_failure(self.project, failure, skip)
        self.sandbox.faults.clear()
        COUNTS["kills"] += bool(disturbed.operation and disturbed.error)
        self.may_be_on |= disturbed.may_be_on
        self._read_error(disturbed.error)

    def teardown(self) -> None:
        """Runs `up` without faults and checks that Truto has exactly the declared webhooks."""
        if not hasattr(self, "project"):
            return
        try:
            self.sandbox.faults.clear()
            time.sleep(2 * LATE_SECONDS)
            self.stack.declare(self.declared)
            self.project.up(refresh=True)
            COUNTS["orphans"] += self.stack.check(self.may_be_on)
        finally:
            COUNTS["operations"] += sum(call.operation != "" for call in self.sandbox.calls)
            self.sandbox.stop()
            self.folder.cleanup()

    def _read_error(self, text: str) -> None:
        """A webhook that no stack knows may be switched on if the error says so, and names it."""
        assert "Traceback (most recent call last)" not in text or "pulumi_truto.errors." in text, text
        for line in text.splitlines():
            if "may be switched on" in line:
                self.may_be_on |= set(UUID.findall(line))
