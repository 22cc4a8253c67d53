"""What a run tells: its steps, counts and diagnostics, as text while it goes on and as figures afterwards."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from pulumi.automation import OpType

from pulumi_truto.local_engine.snapshot import Resource

__all__ = ["Display"]

_MARKS = {
    OpType.CREATE: "+",
    OpType.UPDATE: "~",
    OpType.DELETE: "-",
    OpType.REPLACE: "+-",
    OpType.READ: "<=",
    OpType.IMPORT: "=",
}
_PAST = {
    OpType.CREATE: "created",
    OpType.UPDATE: "updated",
    OpType.DELETE: "deleted",
    OpType.REPLACE: "replaced",
    OpType.READ: "read",
    OpType.IMPORT: "imported",
    OpType.SAME: "unchanged",
}


class Display:
    """Collects what happens in one run. Safe to use from several threads."""

    def __init__(self, on_output: Callable[[str], None] | None, *, dry_run: bool = False) -> None:
        self._dry_run = dry_run
        self._lock = threading.Lock()
        self._on_output = on_output
        self._out: list[str] = []
        self._err: list[str] = []
        self._began = time.monotonic()
        self.counts: Counter[OpType] = Counter()
        self.failed = False

    @property
    def stdout(self) -> str:
        """Everything shown so far."""
        return "".join(line + "\n" for line in self._out)

    @property
    def stderr(self) -> str:
        """The errors, again."""
        return "".join(line + "\n" for line in self._err)

    def line(self, text: str = "") -> None:
        """Shows one line."""
        with self._lock:
            self._out.append(text)
        if self._on_output is not None:
            self._on_output(text)

    def step(self, op: OpType, resource: Resource, changed: list[str] | None = None, *, counted: bool = True) -> None:
        """Counts a step that is done, and shows it unless it did nothing."""
        if counted:
            with self._lock:
                self.counts[op] += 1
        if op in _MARKS:
            which = f" [{', '.join(changed)}]" if changed else ""
            verb = op.value if self._dry_run else _PAST[op]
            self.line(f" {_MARKS[op]:>2} {resource.type} {resource.name} {verb}{which}")

    def error(self, message: str, resource: Resource | None = None) -> None:
        """Shows an error; the run has failed."""
        self.failed = True
        self.logged_error(message, resource)

    def logged_error(self, message: str, resource: Resource | None = None) -> None:
        """Shows what a program or a provider logs as an error: that alone fails no run."""
        self._diagnostic("error", message, resource)

    def warning(self, message: str) -> None:
        """Shows a warning."""
        self._diagnostic("warning", message, None)

    def info(self, message: str) -> None:
        """Shows what a program or a provider printed."""
        self.line(f"    {message}")

    def summary(self) -> dict[OpType, int]:
        """Shows the counts and the duration, and returns the counts."""
        self.line("Resources:")
        for op, count in sorted(self.counts.items(), key=lambda item: item[0].value):
            verb = f"to {op.value}" if self._dry_run and op is not OpType.SAME else _PAST.get(op, op.value)
            self.line(f"    {_MARKS.get(op, ''):>2} {count} {verb}")
        self.line(f"Duration: {time.monotonic() - self._began:.1f} s")
        return dict(self.counts)

    def _diagnostic(self, severity: str, message: str, resource: Resource | None) -> None:
        where = f"{resource.type} ({resource.name}): " if resource is not None else ""
        text = f"  {where}{severity}: {message}"
        if severity == "error":
            with self._lock:
                self._err.append(text)
        self.line(text)
