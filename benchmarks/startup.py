"""Measures loading: the package in a program, and the provider process until its first response.

In processor time, which depends least on other work of the machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import TypeVar

from benchmarks.kinds import Kind, start
from benchmarks.report import Row
from tests.support.commands import REPOSITORY

__all__ = ["interleaved", "later_create", "measure", "ratio"]

_Name = TypeVar("_Name", bound=str)
_HOW = "processor time of whole processes, the minimum of many, interleaved"
_PROGRAMS = {
    "ours": "import pulumi_truto; pulumi_truto.Webhook",
    "naive": "import benchmarks.naive",
}
#: Prints its processor time after loading pulumi, and the additional time after that.
_PROGRAM = """\
import time
import pulumi
pulumi_seconds = time.process_time()
{}
print(pulumi_seconds, time.process_time() - pulumi_seconds)
"""


def measure(runs: int) -> list[Row]:
    """Rows for the imports and the start of the provider process."""
    imports = interleaved(runs // 2, {name: partial(_import_overhead, code) for name, code in _PROGRAMS.items()})
    kinds: tuple[Kind, ...] = ("bare", "dynamic", "naive", "native")
    starts = interleaved(runs, {kind: partial(_first_check, kind) for kind in kinds})
    return [
        Row(
            "start",
            "import pulumi_truto and Webhook, on top of import pulumi",
            "processor time within a process, medians",
            median(imports["ours"]),
            median(imports["naive"]),
            "%",
            0.0,
            5.0,
        ),
        Row(
            "start",
            "process to first Check, on top of bare pulumi.dynamic: dynamic",
            _HOW,
            _start_overhead(starts["dynamic"], starts["bare"]),
            _start_overhead(starts["naive"], starts["bare"]),
            "%",
            0.0,
            5.0,
            {name: min(values) for name, values in starts.items()},
        ),
        Row(
            "start",
            "process to first Check, on top of bare pulumi.dynamic: native",
            _HOW,
            _start_overhead(starts["native"], starts["bare"]),
            None,
            "%",
            0.0,
            5.0,
        ),
    ]


def interleaved(
    runs: int, measures: Mapping[_Name, Callable[[], float]], *, warm_up: bool = True
) -> dict[_Name, list[float]]:
    """The values of each measure, interleaved (A, B, A, B, ...), after one round that does not count."""
    values: dict[_Name, list[float]] = {name: [] for name in measures}
    for run in range(-int(warm_up), runs):
        for name, measure_once in measures.items():
            value = measure_once()
            if run >= 0:
                values[name].append(value)
    return values


def ratio(our_times: list[float], base_times: list[float]) -> float:
    """The median of the ratios, round by round: a machine is faster in one minute than in the next."""
    return median(our_time / base_time for our_time, base_time in zip(our_times, base_times, strict=True))


def _start_overhead(our_times: list[float], base_times: list[float]) -> float:
    """The ratio of the minimum processor times, as additional percent: a busy machine only slows work down."""
    return 100 * (min(our_times) / min(base_times) - 1)


def _import_overhead(code: str) -> float:
    """How much longer a program takes to load, in percent."""
    command = [sys.executable, "-c", _PROGRAM.format(code)]
    run = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
    pulumi_seconds, added_seconds = map(float, run.stdout.split())
    return 100 * added_seconds / pulumi_seconds


def _first_check(kind: Kind) -> float:
    process = start(kind)
    process.check(process.webhook(0))
    return process.end()


def later_create(kind: Kind, base_url: str) -> float:
    """The wall time of a create in a process that has loaded everything."""
    with start(kind, base_url) as process:
        process.create(0)
        webhook = process.check(process.webhook(1))
        began = time.perf_counter()
        process.provider.create(webhook, preview=False)
        return time.perf_counter() - began
