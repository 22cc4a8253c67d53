"""Starts, keeps and ends the provider processes of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pulumi.runtime.mocks import Mocks

from pulumi_truto.property_values import Properties
from pulumi_truto.testing.engine import processes
from pulumi_truto.testing.engine.mock_provider import AnyProvider, MockProvider
from pulumi_truto.testing.engine.processes import Process, end_process_group, forward_lines
from pulumi_truto.testing.engine.provider import DYNAMIC_PACKAGE, SUPPORTED_PACKAGES, OperationError, Provider

__all__ = ["ProviderHost"]

_START_SECONDS: Final = 60
_END_SECONDS: Final = 5


class ProviderHost:
    """The provider processes of one run: one for each provider instance, on first use. Thread-safe.

    Args:
        work_dir: the working directory of the processes.
        env: the environment variables of the processes.
        engine_address: the address of the engine's gRPC server.
        on_output: receives every line that a provider prints.
        prestarted_package: the package whose first provider process starts at once, while the program starts.
        mocks: serve the packages that this engine cannot run.
    """

    def __init__(
        self,
        work_dir: Path,
        env: Mapping[str, str],
        engine_address: str,
        on_output: Callable[[str], None],
        prestarted_package: str = DYNAMIC_PACKAGE,
        mocks: Mocks | None = None,
    ) -> None:
        self._work_dir = work_dir
        self._env = env
        self._engine_address = engine_address
        self._on_output = on_output
        self._lock = threading.Lock()
        self._mocks = mocks
        self._providers: dict[str, AnyProvider] = {}
        self._closed = False
        self._prestarted_package = prestarted_package
        self._prestarted: Process | None = self._spawn(prestarted_package)

    def get(self, urn: str, package: str, config: Properties) -> AnyProvider:
        """Returns the provider of the instance with this URN, started with this configuration on first use."""
        with self._lock:
            if urn not in self._providers:
                if self._closed:
                    raise OperationError("the run was cancelled")
                self._providers[urn] = self._start(urn, package, config)
            return self._providers[urn]

    def processes(self) -> list[Process]:
        """Returns the processes that serve a provider instance now."""
        with self._lock:
            return [each.process for each in self._providers.values() if isinstance(each, Provider)]

    def cancel(self) -> None:
        """Asks every provider to abort its operations in flight."""
        with self._lock:
            providers = list(self._providers.values())
        for provider in providers:
            provider.cancel()

    def close(self) -> None:
        """Ends every process."""
        with self._lock:
            self._closed = True
            providers, self._providers = list(self._providers.values()), {}
            prestarted, self._prestarted = self._prestarted, None
        for provider in providers:
            provider.close()
        if prestarted is not None:
            end_process_group(prestarted, _END_SECONDS)
            for stream in (prestarted.stdout, prestarted.stderr):
                if stream is not None:
                    stream.close()

    def _start(self, urn: str, package: str, config: Properties) -> AnyProvider:
        if self._mocks is not None and package not in SUPPORTED_PACKAGES:
            return MockProvider(self._mocks)
        if package == self._prestarted_package and self._prestarted is not None:
            process, self._prestarted = self._prestarted, None
        else:
            process = self._spawn(package)
        port = self._read_port(package, process)
        try:
            return Provider(package, process, port, config, urn)
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
        if package not in SUPPORTED_PACKAGES:
            raise OperationError(
                f"the local engine cannot run the provider {package!r}: it supports only "
                f"{', '.join(sorted(SUPPORTED_PACKAGES))}. Pass `mocks` for its resources, or use "
                "the Pulumi CLI, which runs its plugin"
            )
        return processes.start(SUPPORTED_PACKAGES[package], [self._engine_address], self._work_dir, self._env)
