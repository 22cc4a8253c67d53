"""After a failure at any call of a run, one `up` makes everything right.

`make test` runs a sample. `make soak` runs all crash points with ``python -m tests.provider.test_crash_points``, and
prints their number; ``--engine cli --every 6`` runs every sixth with the Pulumi CLI.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import math
import multiprocessing
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

import pytest

from pulumi_truto.plugin.tokens import ProviderKind
from tests.support.crash_points import FAILURES, SCENARIOS, Case, run_case


@pytest.mark.parametrize(
    ("provider_kind", "omitted_event_types", "every"),
    [
        pytest.param("dynamic", "all", 5, id="dynamic-killed"),
        pytest.param("native", "keep", 7, id="native-all-failures"),
    ],
)
def test_sample_of_crash_points(provider_kind: ProviderKind, omitted_event_types: str, every: int) -> None:
    """A rotation has a create, a switching on, a read, a test, a list of triggers and a delete: calls of it fail."""
    passed, failed = run_case(Case("rotate-and-test", provider_kind, omitted_event_types), every)
    assert not failed
    assert passed.total() == math.ceil(6 * len(FAILURES) / every)


def main() -> int:
    """Runs the crash points, prints how many of each kind passed and what failed, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", choices=SCENARIOS, nargs="+", default=[*SCENARIOS])
    parser.add_argument("--resource", choices=["webhook", "destination"], nargs="+", default=["webhook", "destination"])
    parser.add_argument("--provider-kind", choices=["dynamic", "native"], nargs="+", default=["dynamic", "native"])
    parser.add_argument("--omitted-event-types", choices=["keep", "all"], nargs="+", default=["keep", "all"])
    parser.add_argument("--engine", choices=["local", "cli"], default="local")
    parser.add_argument("--every", type=int, default=1, help="run only every n-th crash point of each scenario")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="scenarios at the same time")
    arguments = parser.parse_args()
    started, passed, failed = time.monotonic(), Counter[tuple[str, str]](), list[str]()
    settings = itertools.product(
        arguments.scenario,
        arguments.provider_kind,
        arguments.omitted_event_types,
        [arguments.engine],
        arguments.resource,
    )
    all_cases = [case for case in itertools.starmap(Case, settings) if case.is_possible]
    context = multiprocessing.get_context("spawn")
    # The sandbox logs an error if a client is killed while it sends a request.
    with ProcessPoolExecutor(arguments.jobs, context, initializer=logging.disable) as pool:
        cases = {pool.submit(run_case, case, arguments.every): case for case in all_cases}
        for future in as_completed(cases):
            case = cases[future]
            try:
                passed_here, failed_here = future.result()
            except Exception as error:  # noqa: BLE001 - the other cases go on
                passed_here, failed_here = Counter(), [f"{case}: {error!r}"]
            print(
                f"{case}: {passed_here.total()} passed, {len(failed_here)} failed", *failed_here, sep="\n", flush=True
            )
            passed.update({(case.provider_kind, failure): count for failure, count in passed_here.items()})
            failed += failed_here
    for (provider_kind, failure), count in sorted(passed.items()):
        print(f"{provider_kind:>8} {failure:<15} {count:>5,}")
    minutes = (time.monotonic() - started) / 60
    print(f"{passed.total():,} crash points passed, {len(failed)} failed, in {minutes:.1f} minutes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
