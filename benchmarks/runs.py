"""Whole runs of a Pulumi program, on the local engine and on the real CLI: their calls and their time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pulumi.automation import ConfigValue

from benchmarks.kinds import CALLS_PER_CREATE, THREADS, Kind
from benchmarks.report import Row
from benchmarks.startup import interleaved, later_create, ratio
from pulumi_truto.testing import Engine, open_stack
from tests.support.commands import REPOSITORY
from tests.support.plugin import install_plugin
from tests.support.provider_process import ENGINE_THREADS, SandboxProcess

__all__ = ["Runs", "measure_calls", "measure_many", "measure_one"]

_MODULES: dict[Kind, str] = {
    "dynamic": "pulumi_truto",
    "native": "pulumi_truto_native",
    "naive": "benchmarks.naive",
    "bare": "benchmarks.bare",
}
_PROGRAM = """\
import {module} as truto
for number in range({count}):
    truto.Webhook(f"hook-{{number}}", target_url="https://hooks.example.com/truto/" + str(number),
                  event_types=["integrated_account:active", "record:created"], is_active={is_active})
"""
#: The CLI saves its whole state after each step unless it is told so; that time is not a provider's.
_NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


class Runs:
    """A stack of webhooks of one kind."""

    def __init__(self, engine: Engine, kind: Kind, sandbox: SandboxProcess, folder: Path) -> None:
        self._kind = kind
        self._work_dir = folder / "program"
        self._work_dir.mkdir(parents=True)
        project = "name: bench\nruntime: python\n"
        if kind == "native":
            project += install_plugin(folder, self._work_dir)
        (self._work_dir / "Pulumi.yaml").write_text(project, encoding="utf-8")
        env = {"TRUTO_API_TOKEN": "", "TRUTO_BASE_URL": "", "PYTHONPATH": str(REPOSITORY), **_NO_CHECKPOINTS}
        self._stack: Any = open_stack(engine, self._work_dir, folder / "home", env_vars=env)
        self._stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
        self._stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        self.declare(1)

    def declare(self, count: int, *, is_active: bool = True) -> None:
        """Writes the program."""
        text = _PROGRAM.format(module=_MODULES[self._kind], count=count, is_active=is_active)
        (self._work_dir / "__main__.py").write_text(text, encoding="utf-8")

    def run(self, operation: str) -> float:
        """One run of Pulumi; the seconds it took."""
        method: Callable[..., Any] = getattr(self._stack, operation)
        began = time.perf_counter()
        method(parallel=ENGINE_THREADS)
        return time.perf_counter() - began


def measure_calls(engine: Engine, folder: Path) -> list[Row]:
    """The number of API calls of each provider kind, in each kind of run."""
    counts: dict[Kind, dict[str, int]] = {}
    with SandboxProcess() as sandbox:
        for kind in ("dynamic", "native", "naive"):
            runs = Runs(engine, kind, sandbox, folder / kind)
            counted = counts[kind] = {}
            for name, operation, is_active in (
                ("create", "up", True),
                ("no-op preview", "preview", True),
                ("no-op up", "up", True),
                ("update", "up", False),
                ("delete", "destroy", False),
            ):
                runs.declare(1, is_active=is_active)
                sandbox.reset()
                runs.run(operation)
                counted[name] = len(sandbox.calls())
    ours: tuple[Kind, ...] = ("dynamic", "native")
    # A delete lists the cron triggers once.
    limits = {"create": CALLS_PER_CREATE["dynamic"], "no-op preview": 0, "no-op up": 0, "update": 1, "delete": 2}
    return [
        Row(
            "API calls of a run",
            f"{name}, {kind}",
            f"whole runs, engine: {engine}",
            counts[kind][name],
            counts["naive"][name],
            "calls",
            float(limits[name]),
            float(limits[name]),
        )
        for name, kind in itertools.product(counts["naive"], ours)
    ]


def measure_one(engine: Engine, folder: Path, latency: float, repeats: int) -> list[Row]:
    """The time of a run with one webhook, over that of one with a dynamic resource that calls nothing."""
    kinds: tuple[Kind, ...] = ("bare", "dynamic", "naive")
    with SandboxProcess(latency_seconds=latency, rate_limit=10**9) as sandbox:
        stacks = {kind: Runs(engine, kind, sandbox, folder / kind) for kind in kinds}
        no_op_seconds: dict[Kind, list[float]] = {kind: [] for kind in kinds}

        def life(kind: Kind) -> float:
            created = stacks[kind].run("up")
            no_op_seconds[kind].append(stacks[kind].run("up"))
            stacks[kind].run("destroy")
            return created

        seconds = interleaved(repeats, {kind: partial(life, kind) for kind in kinds})
        calls = {kind: median(later_create(kind, sandbox.base_url) for _ in range(5)) for kind in kinds}
    no_op_seconds = {kind: values[1:] for kind, values in no_op_seconds.items()}
    created = {kind: [time_ - calls[kind] for time_ in values] for kind, values in seconds.items()}
    group = f"one webhook at {1000 * latency:.0f} ms"
    method = f"whole runs, engine: {engine}, wall time, medians of the ratios turn by turn"
    return [
        Row(
            group,
            f"{name}, over the same with a bare resource",
            method,
            ratio(times["dynamic"], times["bare"]),
            ratio(times["naive"], times["bare"]),
            "x",
            1.0,
            1.05,
            {
                **{kind: median(values) for kind, values in times.items()},
                "bare from": min(times["bare"]),
                "to": max(times["bare"]),
            },
        )
        for name, times in (("up with nothing to do", no_op_seconds), ("up that creates, its API call aside", created))
    ]


def measure_many(engine: Engine, folder: Path, count: int, latency: float, repeats: int) -> list[Row]:
    """The time of a run that creates many webhooks, less that of a run with as many resources that call nothing.

    Not less a run with nothing to do: the slower a provider compares, the better it would look.
    """
    kinds: tuple[Kind, ...] = ("bare", "naive", "dynamic", "native")
    targets: dict[Kind, float] = {"dynamic": 1.10, "native": 1.15}
    with SandboxProcess(latency_seconds=latency, rate_limit=10**9) as sandbox:
        stacks = {kind: Runs(engine, kind, sandbox, folder / kind) for kind in kinds}

        def create(kind: Kind) -> float:
            stacks[kind].declare(count)
            seconds = stacks[kind].run("up")
            stacks[kind].declare(0)
            stacks[kind].run("up")
            return seconds

        seconds = interleaved(repeats, {kind: partial(create, kind) for kind in kinds}, warm_up=False)
    medians = {kind: median(values) for kind, values in seconds.items()}
    limits = {kind: -(-count // THREADS[kind]) * CALLS_PER_CREATE[kind] * latency for kind in kinds}
    ratios = {kind: (medians[kind] - medians["bare"]) / limits[kind] for kind in kinds}
    return [
        Row(
            f"creating {count} at {1000 * latency:.0f} ms",
            f"up less one of a bare provider, over the limit of {THREADS[kind]} at once: {kind}",
            f"whole runs, engine: {engine}" + ("" if engine == "local" else ", no checkpoints"),
            ratios[kind],
            ratios["naive"] if kind == "dynamic" else None,
            "x",
            1.0,
            target,
            {"up": medians[kind], "bare": medians["bare"], "limit": limits[kind]},
        )
        for kind, target in targets.items()
    ]
