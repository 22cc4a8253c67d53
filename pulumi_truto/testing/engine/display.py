"""The display of a run: its steps, outputs, diagnostics and counts."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Final

from pulumi.automation import CommandError, OpMap, OpType, PreviewResult, UpdateSummary
from pulumi.automation._cmd import CommandResult  # the class that CommandError requires; not exported

from pulumi_truto.property_values import Properties, contains_secret, contains_unknown
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.urns import STACK_TYPE, name_of, qualified_type

__all__ = ["Display", "Preview"]

#: The symbol of each step that is shown, and its past tense.
_STEPS: Final = {
    OpType.CREATE: ("+", "created"),
    OpType.UPDATE: ("~", "updated"),
    OpType.DELETE: ("-", "deleted"),
    OpType.REPLACE: ("+-", "replaced"),
    OpType.READ: ("<=", "read"),
    OpType.IMPORT: ("=", "imported"),
}


class Preview(PreviewResult):
    """The result of a preview: that of `pulumi.automation`, with the names of the resources that change.

    Attributes:
        changes (dict[str, list[str]]): the sorted names for each operation, such as "create", "update", "replace" or
            "delete". Unchanged resources and the stack itself are not in it.
    """

    def __init__(self, stdout: str, stderr: str, change_summary: OpMap, steps: Iterable[tuple[str, str]]) -> None:
        super().__init__(stdout, stderr, change_summary)
        self.changes: dict[str, list[str]] = {}
        for op, urn in sorted(steps, key=lambda step: (step[0], name_of(step[1]))):
            is_default_provider = _type_of(urn).startswith("pulumi:providers:") and name_of(urn).startswith("default")
            # The CLI shows the steps of a replacement too, but counts the replacement only.
            if op != OpType.SAME and op in change_summary and _type_of(urn) != STACK_TYPE and not is_default_provider:
                self.changes.setdefault(op, []).append(name_of(urn))


class Display:
    """Shows and collects the events of one run. Thread-safe.

    Args:
        on_output: receives every line at once.
        dry_run: whether this is a preview.

    Attributes:
        counts: the number of steps of each kind.
        failed: whether the run has failed.
    """

    def __init__(self, on_output: Callable[[str], None] | None, *, dry_run: bool = False) -> None:
        self._dry_run = dry_run
        self._lock = threading.Lock()
        self._on_output = on_output
        self._lines: list[str] = []
        self._error_lines: list[str] = []
        self._start = datetime.now(timezone.utc)
        self.counts: Counter[OpType] = Counter()
        self._steps: list[tuple[str, str]] = []
        self.failed = False

    @property
    def stdout(self) -> str:
        """Every line shown so far."""
        return "".join(line + "\n" for line in self._lines)

    @property
    def stderr(self) -> str:
        """The errors among these lines."""
        return "".join(line + "\n" for line in self._error_lines)

    def line(self, line: str) -> None:
        """Shows one line."""
        with self._lock:
            self._lines.append(line)
        if self._on_output is not None:
            self._on_output(line)

    def step(self, op: OpType, resource: Resource, changed: list[str] | None = None, *, counted: bool = True) -> None:
        """Counts a step that has succeeded, and shows it if it did anything. Default providers are left out."""
        if resource.is_default_provider:
            return
        if counted:
            with self._lock:
                self.counts[op] += 1
                self._steps.append((op.value, resource.urn))
        if op in _STEPS:
            symbol, past_tense = _STEPS[op]
            verb = op.value if self._dry_run else past_tense
            properties = f" [{', '.join(changed)}]" if changed else ""
            self.line(f" {symbol:>2} {resource.type} {resource.name} {verb}{properties}")

    def error(self, message: str, resource: Resource | None = None) -> None:
        """Shows an error; the run has failed."""
        self.failed = True
        self.log("error", message, resource)

    def log(self, severity: str, message: str, resource: Resource | None = None) -> None:
        """Shows an error or a warning that a program or a provider logged; it does not fail the run."""
        subject = f"{resource.type} ({resource.name}): " if resource is not None else ""
        line = f"  {subject}{severity}: {message}"
        if severity == "error":
            with self._lock:
                self._error_lines.append(line)
        self.line(line)

    def info(self, message: str) -> None:
        """Shows a line that a program or a provider printed."""
        self.line(f"    {message}")

    def outputs(self, outputs: Properties) -> None:
        """Shows the stack's outputs, secrets masked."""
        if outputs:
            self.line("Outputs:")
        for name, value in sorted(outputs.items()):
            if contains_secret(value):
                text = "[secret]"
            else:
                text = "[unknown]" if contains_unknown(value) else json.dumps(value)
            self.line(f"    {name}: {text}")

    def summary(self) -> None:
        """Shows the counts and the duration."""
        self.line("Resources:")
        for op, count in sorted(self.counts.items(), key=lambda item: item[0].value):
            symbol, past_tense = _STEPS.get(op, ("", "unchanged" if op is OpType.SAME else op.value))
            verb = f"to {op.value}" if self._dry_run and op is not OpType.SAME else past_tense
            self.line(f"    {symbol:>2} {count} {verb}")
        self.line(f"Duration: {(datetime.now(timezone.utc) - self._start).total_seconds():.1f} s")

    def result(self, kind: str) -> UpdateSummary:
        """Returns the summary of a run that ends now."""
        return UpdateSummary(
            kind=kind,
            start_time=self._start,
            end_time=datetime.now(timezone.utc),
            message="",
            environment={},
            config={},
            result="failed" if self.failed else "succeeded",
            resource_changes=dict(self.counts),
        )

    def preview(self) -> Preview:
        """Returns the result of a preview that has ended."""
        return Preview(self.stdout, self.stderr, dict(self.counts), self._steps)

    def raise_if_failed(self, *, expect_no_changes: bool = False) -> None:
        """Ends a failed run, or one that changed something although nothing was expected to change.

        Raises:
            CommandError: the run failed.
        """
        changed = {op.value: count for op, count in self.counts.items() if op is not OpType.SAME and count}
        if expect_no_changes and changed and not self.failed:
            self.error(f"no changes were expected, but there are some: {changed}")
        if self.failed:
            raise CommandError(CommandResult(self.stdout, self.stderr, 255))


def _type_of(urn: str) -> str:
    return qualified_type(urn).rpartition("$")[2]
