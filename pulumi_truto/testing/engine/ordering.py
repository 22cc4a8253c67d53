"""Runs work on resources in parallel, and in the order in which Pulumi deletes resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from pulumi_truto.testing.engine.resource import Resource

__all__ = ["dependents", "run_in_dependency_order", "run_in_parallel"]


def run_in_parallel(resources: list[Resource], work: Callable[[Resource], bool], parallel: int) -> list[Resource]:
    """Runs the work on every resource and returns the resources on which it failed.

    Args:
        resources: the resources.
        work: returns whether it succeeded.
        parallel: the maximum number of resources at a time.
    """
    with ThreadPoolExecutor(parallel) as pool:
        succeeded = list(pool.map(work, resources))
    return [resource for resource, is_success in zip(resources, succeeded, strict=True) if not is_success]


def run_in_dependency_order(
    resources: list[Resource], work: Callable[[Resource], bool], parallel: int, should_continue: Callable[[], bool]
) -> None:
    """Runs the work on every resource, dependents before their dependencies.

    If the work on a resource fails, its dependencies are skipped.

    Args:
        resources: the resources.
        work: returns whether it succeeded.
        parallel: the maximum number of resources at a time.
        should_continue: called before each layer; the run ends as soon as it returns false.
    """
    skipped_urns: set[str] = set()
    for layer in reversed(_layers(resources)):
        if not should_continue():
            return
        ready = [resource for resource in layer if resource.urn not in skipped_urns]
        skipped = [resource for resource in layer if resource.urn in skipped_urns]
        for resource in [*run_in_parallel(ready, work, parallel), *skipped]:
            skipped_urns |= _dependency_urns(resource)


def dependents(of: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """Returns the direct and transitive dependents of a resource, in the order of the given resources."""
    urns = {of.urn}
    found = []
    for resource in resources:
        if resource is not of and urns & {*resource.dependencies, resource.provider_urn}:
            urns.add(resource.urn)
            found.append(resource)
    return found


def _layers(resources: list[Resource]) -> list[list[Resource]]:
    """Groups the resources: each depends only on resources in earlier layers (Pulumi's ``ScheduleDeletes``)."""
    remaining, layers = list(resources), []
    while remaining:
        urns = {resource.urn for resource in remaining}
        # There are no dependency cycles; a cycle would be in the last layer.
        layer = [resource for resource in remaining if not _dependency_urns(resource) & urns] or remaining
        layers.append(layer)
        remaining = [resource for resource in remaining if resource not in layer]
    return layers


def _dependency_urns(resource: Resource) -> set[str]:
    """Returns the URNs that a resource depends on, without its own, which the resource that it replaced has too."""
    return {*resource.dependencies, resource.parent, resource.provider_urn} - {resource.urn, ""}
