"""Which provider instance serves a resource: the one that it names, or the default one of its package."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

from pulumi.automation import ConfigValue

from pulumi_truto.local_engine.goal import Goal
from pulumi_truto.local_engine.provider_host import OperationError, Provider, ProviderHost, default_config
from pulumi_truto.local_engine.snapshot import Resource, Snapshot
from pulumi_truto.local_engine.urns import Namer
from pulumi_truto.property_values import UNKNOWN, make_secret

__all__ = ["ProviderRegistry"]


class ProviderRegistry:
    """The provider instances of one run, explicit and default ones, with their processes."""

    def __init__(self, namer: Namer, config: Mapping[str, ConfigValue], snapshot: Snapshot, host: ProviderHost) -> None:
        self._namer = namer
        self._config = config
        self._snapshot = snapshot
        self._host = host
        self._lock = threading.Lock()
        self._defaults: dict[str, Resource] = {}

    def for_goal(self, goal: Goal) -> tuple[str, Provider]:
        """The reference and the process of the provider that the goal names, or of the default one."""
        resource = self._by_urn(goal.provider.rpartition("::")[0]) if goal.provider else self._default(goal.package)
        return f"{resource.urn}::{resource.id or UNKNOWN}", self._process(resource)

    def of(self, resource: Resource) -> Provider:
        """The provider of a resource in the state, with the settings of this run if the program was run."""
        return self._process(self._by_urn(resource.provider_urn))

    def _by_urn(self, urn: str) -> Resource:
        known = self._snapshot.now(urn)
        if known is None:
            raise OperationError(f"the state has no provider {urn}")
        return known

    def _process(self, resource: Resource) -> Provider:
        package = resource.type.removeprefix("pulumi:providers:")
        return self._host.get(resource.urn, package, resource.inputs)

    def _default(self, package: str) -> Resource:
        """The default provider of a package, with its part of the stack's configuration."""
        type_ = f"pulumi:providers:{package}"
        with self._lock:
            if package not in self._defaults:
                config = default_config(
                    package,
                    {key: make_secret(each.value) if each.secret else each.value for key, each in self._config.items()},
                )
                urn = self._namer.urn(type_, "default", "")
                old = self._snapshot.before(urn)
                id_ = old.id if old else str(uuid.uuid4())
                new = Resource(urn=urn, type=type_, custom=True, id=id_, inputs=config, outputs=config)
                self._snapshot.record(new, old)
                self._defaults[package] = new
            return self._defaults[package]
