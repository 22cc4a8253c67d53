"""Finds the provider of a resource, and starts, keeps and ends the provider processes of a run."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Final

from pulumi_truto.property_values import UNKNOWN, Properties, make_secret
from pulumi_truto.testing.engine import processes
from pulumi_truto.testing.engine.mock_provider import AnyProvider, MockProvider
from pulumi_truto.testing.engine.processes import Process, end_process_group, forward_lines
from pulumi_truto.testing.engine.provider import OperationError, Provider
from pulumi_truto.testing.engine.resource import PROVIDER_TYPE_PREFIX, Resource, package_of
from pulumi_truto.testing.engine.settings import DYNAMIC_PACKAGE, RunSettings
from pulumi_truto.testing.engine.snapshot import Snapshot

__all__ = ["ProviderRegistry"]

_START_SECONDS: Final = 60
_END_SECONDS: Final = 5


class ProviderRegistry:
    """The explicit and default providers of one run, each with a process from its first use. Thread-safe.

    Args:
        settings: the settings of the run.
        snapshot: the stack's snapshot.
        engine_address: the address of the engine's gRPC server.
        on_output: receives every line that a provider prints.
        prestarted_package: the package whose first provider process starts at once, while the program starts.
    """

    def __init__(
        self,
        settings: RunSettings,
        snapshot: Snapshot,
        engine_address: str,
        on_output: Callable[[str], None],
        prestarted_package: str = DYNAMIC_PACKAGE,
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._engine_address = engine_address
        self._on_output = on_output
        self._lock = threading.Lock()
        self._default_providers: dict[str, Resource] = {}
        self._started: dict[str, AnyProvider] = {}
        self._closed = False
        self._prestarted = {prestarted_package: self._spawn(prestarted_package)}

    def find(self, reference: str, token: str, version: str) -> tuple[str, AnyProvider]:
        """Returns the provider that a program refers to, or its package's default provider, with its reference.

        Args:
            reference: the reference; empty for the default provider.
            token: the type token of the resource or function to serve.
            version: the version of the program's SDK. Every version is served, as by a plugin in a folder.

        Raises:
            OperationError: nothing serves the package, or its provider does not start.
        """
        self._require(token)
        instance = (
            self._instance(reference.rpartition("::")[0]) if reference else self._default_provider(token, version)
        )
        return f"{instance.urn}::{instance.id or UNKNOWN}", self._provider(instance)

    def for_resource(self, resource: Resource) -> AnyProvider:
        """Returns the provider of a resource in the state, with this run's configuration if the program ran."""
        self._require(resource.type)
        return self._provider(self._instance(resource.provider_urn))

    def start(self, instance: Resource) -> None:
        """Starts the provider of an instance, which checks its configuration.

        Raises:
            OperationError: nothing serves its package, or the configuration is invalid.
        """
        self._require(instance.type)
        self._provider(instance)

    def _require(self, token: str) -> None:
        package = package_of(token)
        if not self._settings.serves(package):
            hint = self._settings.providers.missing_hint.format(token=token)
            raise OperationError(f"the local engine does not run the provider {package!r}: {hint}")

    def processes(self) -> list[Process]:
        """Returns the processes that serve a provider instance now."""
        with self._lock:
            return [provider.process for provider in self._started.values() if isinstance(provider, Provider)]

    def cancel(self) -> None:
        """Asks every provider to abort its operations in flight."""
        with self._lock:
            providers = list(self._started.values())
        for provider in providers:
            provider.cancel()

    def close(self) -> None:
        """Ends every process."""
        with self._lock:
            self._closed = True
            providers, self._started = list(self._started.values()), {}
            prestarted, self._prestarted = list(self._prestarted.values()), {}
        for provider in providers:
            provider.close()
        for process in prestarted:
            end_process_group(process, _END_SECONDS)
            process.stdout.close()
            process.stderr.close()

    def _instance(self, urn: str) -> Resource:
        instance = self._snapshot.current(urn)
        if instance is None:
            raise OperationError(f"the state has no provider {urn}")
        return instance

    def _default_provider(self, token: str, version: str) -> Resource:
        """Returns the default provider of a package for a version of its SDK, registered on first use."""
        type_ = f"{PROVIDER_TYPE_PREFIX}{package_of(token)}"
        # Named as Pulumi does it: `default_1_2_3`.
        urn = self._settings.urns.urn(type_, "_".join(["default", *re.findall(r"\w+", version)]), "")
        with self._lock:
            if urn not in self._default_providers:
                old = self._snapshot.old(urn)
                id_ = old.id if old else str(uuid.uuid4())
                config = self._package_config(package_of(token)) | ({"version": version} if version else {})
                new = Resource(urn=urn, type=type_, custom=True, id=id_, inputs=config, outputs=config)
                self._snapshot.record(new, old)
                self._default_providers[urn] = new
            return self._default_providers[urn]

    def _package_config(self, package: str) -> Properties:
        """Returns the part of the stack's configuration for a package. Dynamic providers receive all of it."""
        config = {
            key: make_secret(setting.value) if setting.secret else setting.value
            for key, setting in self._settings.config.items()
        }
        if package == DYNAMIC_PACKAGE:
            return config
        prefix = f"{package}:"
        return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}

    def _provider(self, instance: Resource) -> AnyProvider:
        """Returns the provider of an instance, started on first use."""
        with self._lock:
            if instance.urn not in self._started:
                if self._closed:
                    raise OperationError("the run was cancelled")
                self._started[instance.urn] = self._start(instance)
            return self._started[instance.urn]

    def _start(self, instance: Resource) -> AnyProvider:
        package = instance.package
        if self._settings.mocks is not None and self._settings.providers.module(package) is None:
            return MockProvider(self._settings.mocks)
        process = self._prestarted.pop(package, None) or self._spawn(package)
        port = self._read_port(package, process)
        try:
            return Provider(instance, process, port, self._settings.providers.lost_create_hint)
        except OperationError:
            end_process_group(process, _END_SECONDS)
            raise

    def _read_port(self, package: str, process: Process) -> int:
        """Returns the port, which is the provider's first line of output, and forwards the remaining output."""
        stderr_thread = threading.Thread(target=forward_lines, args=(process.stderr, self._on_output), daemon=True)
        stderr_thread.start()
        timer = threading.Timer(_START_SECONDS, process.kill)
        timer.start()
        try:
            line = process.stdout.readline().strip()
        finally:
            timer.cancel()
        if not line.isdigit():
            process.kill()
            code = process.wait()
            process.stdout.close()
            stderr_thread.join(timeout=1)
            raise OperationError(f"the provider {package!r} did not start: it exited with code {code}")
        threading.Thread(target=forward_lines, args=(process.stdout, self._on_output), daemon=True).start()
        return int(line)

    def _spawn(self, package: str) -> Process:
        settings = self._settings
        module = settings.providers.module(package)
        assert module is not None, package
        env = {**settings.env, "PULUMI_PROJECT": settings.project, "PULUMI_STACK": settings.stack}
        preloaded = settings.providers.preloaded
        return processes.start(module, [self._engine_address], settings.work_dir, env, preloaded=preloaded)
