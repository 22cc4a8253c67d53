"""Random stacks end up with exactly the declared webhooks, in spite of faults, outside edits and killed providers.

`make test` runs a few examples. `make soak` runs many with ``python -m tests.provider.test_stateful --examples 1000``,
and prints the totals.
"""

from __future__ import annotations

import argparse
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.stack_machine import COUNTS, StackMachine


def run_stacks(examples: int, steps: int, *, derandomize: bool) -> None:
    """Runs random stacks.

    Args:
        examples: The number of stacks.
        steps: The number of steps of each stack.
        derandomize: Whether every call runs the same stacks.
    """
    options = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=derandomize,
        phases=[Phase.generate],  # Shrinking would take hours because each example starts dozens of processes.
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(StackMachine, settings=options)


def test_random_stacks_end_with_the_declared_webhooks() -> None:
    """After any run of a random stack, one `up` without faults leaves exactly the declared webhooks and secrets."""
    run_stacks(examples=5, steps=4, derandomize=True)
    for name in ("runs", "faults"):
        assert COUNTS[name] > 0, f"the examples had no {name}, so they prove less than they should"


def main() -> None:
    """Runs as many random stacks as the command line says, and prints the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="the number of stacks")
    parser.add_argument("--steps", type=int, default=5, help="the number of steps of each stack")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        run_stacks(arguments.examples, arguments.steps, derandomize=False)
    finally:
        for name in ("examples", "runs", "failed runs", "operations", "faults", "outside edits", "kills", "orphans"):
            print(f"{name:>18}: {COUNTS[name]:,}")
        print(f"{'minutes':>18}: {(time.monotonic() - started) / 60:.1f}")


if __name__ == "__main__":
    main()
