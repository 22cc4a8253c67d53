"""Shows what a run found: as a table for people, and as JSON."""

from __future__ import annotations

import textwrap
from typing import Any, Final

from tests.contract.fact import Fact, Finding, Result
from tests.contract.suite import Outcome

__all__ = ["header", "row", "summary", "to_json"]

_RESULT_WIDTH: Final = max(len(result.value) for result in Result)


def header(name_width: int) -> str:
    """The first line of the table."""
    return f"{'fact':<{name_width}}  {'result':<{_RESULT_WIDTH}}  observed"


def row(fact: Fact, finding: Finding, *, name_width: int, width: int) -> str:
    """The lines of one fact in the table. For one that is contradicted they say what the code rests on, and where.

    Args:
        fact: the fact.
        finding: what its probe found.
        name_width: the width of the column of names.
        width: the width of the table.
    """
    indent = " " * (name_width + _RESULT_WIDTH + 4)
    result = finding.result.value
    if finding.result is Result.CONTRADICTED:
        result = result.upper()
    start = f"{fact.name:<{name_width}}  {result:<{_RESULT_WIDTH}}  "
    lines = [start + finding.observed]
    if finding.result is Result.CONTRADICTED:
        lines += [f"{indent}expected: {fact.statement}", f"{indent}rests on it: {fact.place}"]
    return "\n".join(textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False) for line in lines)


def summary(outcome: Outcome) -> list[str]:
    """The totals, and what became of the webhooks."""
    totals = ", ".join(f"{outcome.count(result)} {result.value}" for result in Result)
    lines = [f"{len(outcome.findings)} facts: {totals}"]
    if outcome.failed_requests:
        lines.append(f"{outcome.failed_requests} were not observed because requests failed: run it again")
    if outcome.signal is not None:
        lines.append("the run was stopped before its end")
    deleted = f"{outcome.made} webhooks were created, and all are deleted: the list shows none of this run"
    return lines + (outcome.cleanup.lines(outcome.run_id) or [deleted])


def to_json(outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    return {
        "base_url": outcome.base_url,
        "run_id": outcome.run_id,
        "facts": [
            {
                "name": fact.name,
                "statement": fact.statement,
                "place": fact.place,
                "result": finding.result.value,
                "observed": finding.observed,
            }
            for fact, finding in outcome.findings
        ],
        "totals": {result.value: outcome.count(result) for result in Result},
        "failed_requests": outcome.failed_requests,
        "webhooks": {
            "created": outcome.made,
            "not_deleted": list(outcome.cleanup.left),
            "problem": outcome.cleanup.problem or None,
        },
        "stopped_by_signal": outcome.signal,
        "exit_code": outcome.exit_code,
    }
