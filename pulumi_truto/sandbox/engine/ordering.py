"""The order of deletions, and working on several resources at once. Knows nothing of what the work is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pulumi_truto.sandbox.engine.state import Resource

__all__ = ["each_at_once", "each_in_order"]


def each_at_once(resources: list[Resource], work: Callable[[Resource], None], parallel: int) -> None:
    """Works on all of them, that many at the same time."""
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(work, resources))


def each_in_order(
    resources: list[Resource], work: Callable[[Resource], None], parallel: int, go_on: Callable[[], bool]
) -> None:
    """Works on each only when everything that depends on it is done; independent ones at the same time.

    Stops between two rounds as soon as ``go_on`` says so.
    """
    waiting = list(resources)
    while waiting and go_on():
        needed = {urn for each in waiting for urn in _needs(each)}
        # Two resources that need each other cannot be: what nobody needs goes first.
        ready = [each for each in waiting if each.urn not in needed] or waiting
        each_at_once(ready, work, parallel)
        waiting = [each for each in waiting if each not in ready]


def _needs(resource: Resource) -> set[str]:
    """The URNs of what the resource depends on. Never its own, which the one that it replaced has as well."""
    return {*resource.dependencies, resource.parent, resource.provider.rpartition("::")[0]} - {resource.urn, ""}
