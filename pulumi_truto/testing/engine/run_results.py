"""What the runs of a stack share: refusing arguments, ``expect_no_changes``, the summary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from pulumi.automation import CommandError, OpType, UpdateSummary
from pulumi.automation._cmd import CommandResult  # the class that CommandError requires; not exported

from pulumi_truto.testing.engine.display import Display

__all__ = ["check_no_changes", "now", "refuse", "summarize"]


def refuse(method: str, arguments: Mapping[str, Any]) -> None:
    """Refuses arguments of `pulumi.automation.Stack` that the local engine does not support.

    Raises:
        TypeError: one of them is given.
    """
    given = sorted(name for name, value in arguments.items() if value is not None)
    if given:
        raise TypeError(
            f"the local engine does not support {', '.join(given)} of Stack.{method}. Leave it out, or run this on the "
            "Pulumi CLI"
        )


def check_no_changes(display: Display, is_expected: bool) -> None:
    """Fails a finished run that was expected to change nothing.

    Raises:
        CommandError: it is expected, and something changed.
    """
    changed = {op.value: count for op, count in display.counts.items() if op is not OpType.SAME and count}
    if is_expected and changed:
        display.error(f"no changes were expected, but there are some: {changed}")
        raise CommandError(CommandResult(display.stdout, display.stderr, 255))


def summarize(kind: str, start_time: datetime, display: Display) -> UpdateSummary:
    """Returns the summary of a run that ends now."""
    return UpdateSummary(
        kind=kind,
        start_time=start_time,
        end_time=now(),
        message="",
        environment={},
        config={},
        result="failed" if display.failed else "succeeded",
        resource_changes=dict(display.counts),
    )


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(timezone.utc)
