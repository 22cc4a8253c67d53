"""Measures many webhooks without an engine: time over the limit, calls, connections, memory, growth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks.kinds import CALLS_PER_CREATE, THREADS, Kind, start
from benchmarks.report import Row
from benchmarks.startup import interleaved
from tests.support.provider_process import ENGINE_THREADS, ProviderProcess, SandboxProcess, Webhook

__all__ = ["measure_creates", "measure_growth", "measure_rate_limit", "measure_refresh"]

_KINDS: tuple[Kind, ...] = ("dynamic", "native", "naive")
#: The kinds of this provider.
_OURS: tuple[Kind, ...] = ("dynamic", "native")
_UNLIMITED = 10**9
#: Truto's rate limit.
_ALLOWED, _WINDOW_SECONDS = 500, 10


def measure_creates(count: int, latency: float, repeats: int) -> list[Row]:
    """Time and connections of many creates in a new process."""
    connections: dict[Kind, int] = {}
    with SandboxProcess(latency_seconds=latency, rate_limit=_UNLIMITED) as sandbox:

        def create(kind: Kind) -> float:
            with start(kind, sandbox.base_url) as process:
                sandbox.reset()
                _, failed, seconds = process.run_all(process.create, range(count))
                assert not failed
                connections[kind] = max(sandbox.connections(), connections.get(kind, 0))
            return seconds

        times = interleaved(repeats, {kind: partial(create, kind) for kind in _KINDS}, warm_up=False)
    return _create_rows(count, latency, times, connections)


def _create_rows(
    count: int, latency: float, times: Mapping[Kind, list[float]], connections: Mapping[Kind, int]
) -> list[Row]:
    group = f"creating {count} at {1000 * latency:.0f} ms"
    method = f"provider process over gRPC, {ENGINE_THREADS} requests at once; it starts without a connection"
    rows = []
    for kind in _OURS:
        limit = math.ceil(count / THREADS[kind]) * CALLS_PER_CREATE[kind] * latency
        naive_limit = math.ceil(count / THREADS["naive"]) * CALLS_PER_CREATE["naive"] * latency
        seconds = median(times[kind])
        rows += [
            Row(
                group,
                f"wall time over the limit of {THREADS[kind]} at once, loading and driving included: {kind}",
                method,
                seconds / limit,
                median(times["naive"]) / naive_limit if kind == "dynamic" else None,
                "x",
                1.0,
                None,
                {kind: seconds, "limit": limit},
            ),
            Row(
                group,
                f"connections opened: {kind}",
                method,
                connections[kind],
                connections["naive"],
                "connections",
                1.0,
                float(THREADS[kind]),
            ),
        ]
    return rows


def measure_refresh(count: int, latency: float, repeats: int) -> list[Row]:
    """Time and calls of reading many webhooks in a new process, over the naive provider's one GET for each."""
    calls: dict[Kind, int] = {}
    created: dict[Kind, list[Webhook]] = {}
    with ExitStack() as stack:
        sandboxes = {kind: stack.enter_context(SandboxProcess(rate_limit=_UNLIMITED)) for kind in _KINDS}
        for kind, sandbox in sandboxes.items():
            with start(kind, sandbox.base_url) as process:
                created[kind] = process.run_all(process.create, range(count))[0]
            sandbox.set(latency_seconds=latency)

        def read(kind: Kind) -> float:
            with start(kind, sandboxes[kind].base_url) as process:
                sandboxes[kind].reset()
                _, failed, seconds = process.run_all(process.read, created[kind])
                assert not failed
                calls[kind] = max(len(sandboxes[kind].calls()), calls.get(kind, 0))
            return seconds

        times = interleaved(repeats, {kind: partial(read, kind) for kind in _KINDS}, warm_up=False)
    return _refresh_rows(count, latency, times, calls)


def _refresh_rows(
    count: int, latency: float, times: Mapping[Kind, list[float]], calls: Mapping[Kind, int]
) -> list[Row]:
    group = f"refresh of {count} at {1000 * latency:.0f} ms"
    method = f"provider process over gRPC, {ENGINE_THREADS} requests at once; it starts without a connection"
    pages = math.ceil(count / 100)
    rows = []
    for kind in _OURS:
        rows += [
            Row(group, f"API calls: {kind}", method, calls[kind], calls["naive"], "calls", pages, 5.0),
            Row(
                group,
                f"API calls over those of the naive provider: {kind}",
                method,
                calls[kind] / calls["naive"],
                1.0,
                "x",
                pages / count,
                0.1,
            ),
            Row(
                group,
                f"wall time over that of the naive provider: {kind}",
                method,
                median(times[kind]) / median(times["naive"]),
                1.0,
                "x",
                pages * latency / median(times["naive"]),
                1.0,
                {name: median(times[name]) for name in (kind, "naive")} | {"limit": pages * latency},
            ),
        ]
    return rows


def measure_rate_limit(count: int, latency: float) -> list[Row]:
    """Time, calls and failures of more creates than Truto allows in one window."""
    rows = []
    outcomes = {}
    for kind in _KINDS:
        with SandboxProcess(latency_seconds=latency) as sandbox, start(kind, sandbox.base_url) as process:
            sandbox.reset()
            _, failed, seconds = process.run_all(process.create, range(count))
            outcomes[kind] = (failed, seconds, len(sandbox.calls()))
    group = f"{count} creates against {_ALLOWED} calls in {_WINDOW_SECONDS} s"
    method = f"provider process over gRPC, {ENGINE_THREADS} requests at once, {1000 * latency:.0f} ms latency"
    for kind in _OURS:
        failed, seconds, calls = outcomes[kind]
        windows, remainder = divmod(count * CALLS_PER_CREATE[kind] - 1, _ALLOWED)
        bound_seconds = windows * _WINDOW_SECONDS + math.ceil((remainder + 1) / THREADS[kind]) * latency
        rows += [
            Row(group, f"failed: {kind}", method, failed, outcomes["naive"][0], "creates", 0.0, 0.0),
            Row(
                group,
                f"wall time over the limiter's own bound: {kind}",
                method,
                seconds / bound_seconds,
                None,  # it gives up
                "x",
                1.0,
                1.35,
                {kind: seconds, "bound": bound_seconds},
            ),
            Row(
                group,
                f"API calls, including rejected ones: {kind}",
                method,
                calls,
                outcomes["naive"][2],
                "calls",
                count,
            ),
        ]
    return rows


def measure_growth(sizes: tuple[int, int, int], repeats: int) -> list[Row]:
    """The cost of a webhook among few and among many: processor time, calls, size of the state; and memory."""
    large = sizes[-1]
    figures: dict[Kind, dict[int, dict[str, float]]] = {kind: {} for kind in _KINDS}
    memory: dict[Kind, tuple[int, int]] = {}
    for kind, size in [(kind, size) for _ in range(repeats) for kind in _KINDS for size in sizes]:
        with SandboxProcess(rate_limit=_UNLIMITED) as sandbox, start(kind, sandbox.base_url) as process:
            first_webhook = process.read(process.create(-1))  # loads HTTP and models
            initial_kib = process.memory_kib
            cost = _run_through(process, sandbox, size)
            process.delete(first_webhook)
        if size == large:
            memory[kind] = initial_kib, int(cost["memory"])
        # The minimum: a busy machine slows the same work down, and nothing makes it faster.
        cost["cpu"] = min(cost["cpu"], figures[kind].get(size, cost)["cpu"])
        figures[kind][size] = cost
    return [*_growth_rows(sizes, figures), *_memory_rows(large, memory)]


def _growth_rows(sizes: tuple[int, int, int], figures: Mapping[Kind, Mapping[int, Mapping[str, float]]]) -> list[Row]:
    small, middle, large = sizes
    method = (
        "provider process over gRPC; check and create, read, check and diff, delete; "
        f"processor milliseconds each at {small}, {middle}, {large} for information"
    )
    rows = []
    for name, title in (
        ("cpu", "provider's processor time"),
        ("calls", "API calls"),
        ("state", "size of the state"),
    ):
        for kind in _OURS:
            ratios = {name_: costs[large][name] / costs[middle][name] for name_, costs in figures.items()}
            seconds = {str(size): 1000 * figures[kind][size]["cpu"] for size in sizes} if name == "cpu" else {}
            rows.append(
                Row(
                    f"a webhook at {large} over one at {middle}",
                    f"{title}: {kind}",
                    method,
                    ratios[kind],
                    ratios["naive"],
                    "x",
                    1.0,
                    1.2,
                    seconds,
                )
            )
    return rows


def _memory_rows(large: int, memory: Mapping[Kind, tuple[int, int]]) -> list[Row]:
    return [
        Row(
            "memory",
            f"of the provider process, {large} webhooks over 1: {kind}",
            "after create and read; KiB for information",
            100 * (memory[kind][1] / memory[kind][0] - 1),
            100 * (memory["naive"][1] / memory["naive"][0] - 1),
            "%",
            0.0,
            10.0,
            {"1": memory[kind][0], str(large): memory[kind][1]},
        )
        for kind in _OURS
    ]


def _run_through(process: ProviderProcess, sandbox: SandboxProcess, size: int) -> dict[str, float]:
    """Creates, reads, checks and deletes this many webhooks; the cost of one of them."""
    sandbox.reset()
    began = process.cpu_seconds
    webhooks = process.run_all(process.create, range(size))[0]
    webhooks = process.run_all(process.read, webhooks)[0]
    memory = process.memory_kib
    process.run_all(process.same, webhooks)
    failed = process.run_all(process.delete, webhooks)[1]
    assert len(webhooks) == size
    assert not failed
    return {
        "cpu": (process.cpu_seconds - began) / size,
        "calls": len(sandbox.calls()) / size,
        "state": sum(len(json.dumps([webhook.inputs, webhook.outputs])) for webhook in webhooks) / size,
        "memory": memory,
    }
