"""The order of deletions, and working on several resources at once. Knows nothing of what the work is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from pulumi_truto.local_engine.snapshot import Resource

__all__ = ["dependents", "run_in_dependency_order", "run_in_parallel"]


def run_in_parallel(resources: list[Resource], work: Callable[[Resource], bool], parallel: int) -> list[Resource]:
    """Works on all of them, that many at the same time. Returns those where the work was not done."""
    with ThreadPoolExecutor(parallel) as pool:
        done = list(pool.map(work, resources))
    return [each for each, is_done in zip(resources, done, strict=True) if not is_done]


def run_in_dependency_order(
    resources: list[Resource], work: Callable[[Resource], bool], parallel: int, go_on: Callable[[], bool]
) -> None:
    """Works on each only when everything that depends on it is done; independent ones at the same time.

    What a resource depends on stays where its own work was not done. Stops between two rounds as soon as ``go_on``
    says so.
    """
    kept: set[str] = set()
    for layer in reversed(_layers(resources)):
        if not go_on():
            return
        ready = [each for each in layer if each.urn not in kept]
        skipped = [each for each in layer if each.urn in kept]
        for each in [*run_in_parallel(ready, work, parallel), *skipped]:
            kept |= _needs(each)


def dependents(of: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """What depends on a resource, also by way of others, in the order of the resources given."""
    needed = {of.urn}
    found = []
    for each in resources:
        if each is not of and needed & {*each.dependencies, each.provider_urn}:
            needed.add(each.urn)
            found.append(each)
    return found


def _layers(resources: list[Resource]) -> list[list[Resource]]:
    """The resources in layers: each depends on nothing but the layers before it (Pulumi's ``ScheduleDeletes``)."""
    waiting, layers = list(resources), []
    while waiting:
        urns = {each.urn for each in waiting}
        # Two resources that need each other cannot be: were there any, they would be in the last layer.
        layer = [each for each in waiting if not _needs(each) & urns] or waiting
        layers.append(layer)
        waiting = [each for each in waiting if each not in layer]
    return layers


def _needs(resource: Resource) -> set[str]:
    """The URNs of what the resource depends on. Never its own, which the one that it replaced has as well."""
    return {*resource.dependencies, resource.parent, resource.provider_urn} - {resource.urn, ""}
