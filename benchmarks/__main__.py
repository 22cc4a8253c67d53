"""``python -m benchmarks [--quick]`` measures everything in one run, prints it and saves it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pulumi_truto
from benchmarks import runs, scale, startup
from benchmarks.report import Row, save, table
from pulumi_truto.testing import Engine, cli_version


def main() -> None:
    """Measures, prints, saves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller sizes")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="where to write")
    options = parser.parse_args()
    quick: bool = options.quick
    # An installed package has its byte code on disk; without that, compiling would be measured every time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    cli = cli_version()
    began = time.monotonic()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, part in _parts(Path(folder), quick, cli is not None):
            print(f"{time.monotonic() - began:4.0f} s  {name} ...", file=sys.stderr, flush=True)
            rows += part()
    environment = {
        "pulumi_truto": pulumi_truto.__version__,
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "pulumi_cli": cli,
        "quick": quick,
        "took_seconds": round(time.monotonic() - began),
    }
    print(table(rows))
    print(", ".join(f"{name} {value}" for name, value in environment.items()))
    save(rows, environment, options.results)
    print(f"written to {options.results}")


def _parts(folder: Path, quick: bool, with_cli: bool) -> list[tuple[str, Callable[[], list[Row]]]]:
    count, latency = (50 if quick else 200), 0.1
    repeats = 1 if quick else 3
    sizes = (10, 50, 100) if quick else (10, 100, 1000)
    engines: list[Engine] = ["local", "cli"] if with_cli else ["local"]
    parts: list[tuple[str, Callable[[], list[Row]]]] = [
        ("start", partial(startup.measure, 4 if quick else 40)),
        ("creates", partial(scale.measure_creates, count, latency, repeats)),
        ("refresh", partial(scale.measure_refresh, count, latency, repeats)),
        ("rate limit", partial(scale.measure_rate_limit, 510 if quick else 700, 0.02)),
        ("growth and memory", partial(scale.measure_growth, sizes, 1 if quick else 3)),
    ]
    for engine in engines:
        parts += [
            (f"API calls, {engine}", partial(runs.measure_calls, engine, folder / f"calls-{engine}")),
            (
                f"one webhook, {engine}",
                partial(runs.measure_one, engine, folder / f"one-{engine}", latency, 3 * repeats),
            ),
            (
                f"whole creates, {engine}",
                partial(runs.measure_many, engine, folder / f"count-{engine}", count, latency, repeats),
            ),
        ]
    return parts


if __name__ == "__main__":
    main()
