"""Finds the provider of a resource: the explicit one, or the default provider of its package."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

from pulumi.automation import ConfigValue

from pulumi_truto.property_values import UNKNOWN, Properties, make_secret
from pulumi_truto.testing.engine.goal import Goal
from pulumi_truto.testing.engine.mock_provider import AnyProvider
from pulumi_truto.testing.engine.provider import DYNAMIC_PACKAGE, OperationError
from pulumi_truto.testing.engine.provider_host import ProviderHost
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.snapshot import Snapshot
from pulumi_truto.testing.engine.urns import UrnBuilder

__all__ = ["ProviderRegistry"]


class ProviderRegistry:
    """The explicit and default providers of one run. Thread-safe."""

    def __init__(
        self, urns: UrnBuilder, config: Mapping[str, ConfigValue], snapshot: Snapshot, host: ProviderHost
    ) -> None:
        self._urns = urns
        self._config = config
        self._snapshot = snapshot
        self._host = host
        self._lock = threading.Lock()
        self._default_providers: dict[str, Resource] = {}

    def for_goal(self, goal: Goal) -> tuple[str, AnyProvider]:
        """Returns the provider of a goal, and the reference to it."""
        if goal.provider:
            instance = self._instance(goal.provider.rpartition("::")[0])
        else:
            instance = self._default_provider(goal.package)
        return f"{instance.urn}::{instance.id or UNKNOWN}", self._provider(instance)

    def for_resource(self, resource: Resource) -> AnyProvider:
        """Returns the provider of a resource in the state, with this run's configuration if the program ran."""
        return self._provider(self._instance(resource.provider_urn))

    def _instance(self, urn: str) -> Resource:
        instance = self._snapshot.current(urn)
        if instance is None:
            raise OperationError(f"the state has no provider {urn}")
        return instance

    def _provider(self, instance: Resource) -> AnyProvider:
        package = instance.type.removeprefix("pulumi:providers:")
        return self._host.get(instance.urn, package, instance.inputs)

    def _default_provider(self, package: str) -> Resource:
        """Returns the default provider of a package, registered on first use."""
        type_ = f"pulumi:providers:{package}"
        with self._lock:
            if package not in self._default_providers:
                urn = self._urns.urn(type_, "default", "")
                old = self._snapshot.old(urn)
                id_ = old.id if old else str(uuid.uuid4())
                config = self._package_config(package)
                new = Resource(urn=urn, type=type_, custom=True, id=id_, inputs=config, outputs=config)
                self._snapshot.record(new, old)
                self._default_providers[package] = new
            return self._default_providers[package]

    def _package_config(self, package: str) -> Properties:
        """Returns the part of the stack's configuration for a package. Dynamic providers receive all of it."""
        config = {key: make_secret(each.value) if each.secret else each.value for key, each in self._config.items()}
        if package == DYNAMIC_PACKAGE:
            return config
        prefix = f"{package}:"
        return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
