"""Runs the sandbox and the providers as separate processes and calls the providers over gRPC.

There is no engine, because its own work, such as saving the state after every step, would hide the provider's costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_truto.dynamic import WebhookProvider
from pulumi_truto.plugin.tokens import ProviderKind
from pulumi_truto.testing.engine.provider import OperationError, Provider
from pulumi_truto.testing.engine.resource import Resource
from tests.support.commands import REPOSITORY

__all__ = ["ENGINE_THREADS", "TOKEN", "ProviderProcess", "SandboxProcess", "Webhook"]

#: How many operations the local engine runs at the same time. The CLI does the same on a machine with four cores.
ENGINE_THREADS: Final = 16
TOKEN: Final = "test-token"
#: An address where nothing listens. A provider contacts its engine only to show warnings.
_NO_ENGINE: Final = "127.0.0.1:9"

_T = TypeVar("_T")
_R = TypeVar("_R")


class SandboxProcess:
    """A sandbox in a separate process, so that it does not slow down the process that takes the measurements.

    Args:
        **settings: Fields of `pulumi_truto.sandbox.settings.SandboxSettings`.
    """

    token = TOKEN

    def __init__(self, **settings: Any) -> None:
        command = [sys.executable, "-m", "pulumi_truto.sandbox", "serve", "--token", TOKEN]
        # On stderr it names its console.
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        assert self.base_url, "the sandbox did not start"
        self._connections = 0
        self.set(**settings)

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def set(self, **settings: Any) -> None:
        """Changes settings of the sandbox."""
        self._call_admin_api("PATCH", "settings", settings)

    def calls(self) -> list[str]:
        """The operations requested since the last `reset`, including those rejected by the rate limit."""
        return [call["operation"] for call in self._call_admin_api("GET", "calls")["calls"]]

    def reset(self) -> None:
        """Clears the calls and restarts the count of connections."""
        self._call_admin_api("DELETE", "calls")
        self._connections = int(self._call_admin_api("GET", "calls")["connections"])

    def connections(self) -> int:
        """How many connections were opened since the last `reset`, without the one that this method opens."""
        return int(self._call_admin_api("GET", "calls")["connections"]) - self._connections - 1

    def _call_admin_api(self, method: str, route: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}/__sandbox__/{route}", data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own sandbox
            return json.load(response)


class Webhook(Resource):
    """A webhook in the state of an engine."""

    def __init__(self, urn: str, inputs: dict[str, Any], id_: str = "", outputs: dict[str, Any] | None = None) -> None:
        super().__init__(type="", urn=urn, inputs=inputs, id=id_, outputs=outputs or {})


class ProviderProcess:
    """A provider process that is called without an engine.

    Args:
        kind: The provider kind.
        base_url: The base URL of Truto's API.
        token: The API token.
        implementation: A dynamic provider to run in place of this package's.
    """

    def __init__(
        self,
        kind: ProviderKind,
        base_url: str = "https://truto.invalid",
        token: str = TOKEN,
        implementation: ResourceProvider | None = None,
    ) -> None:
        self.kind = kind
        reference = serialize_provider(implementation or WebhookProvider())
        self._reference: dict[str, Any] = {} if kind == "native" else {"__provider": reference}
        package, module = ("truto", "pulumi_truto") if kind == "native" else ("pulumi-python", "pulumi.dynamic")
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-u", "-m", module, _NO_ENGINE],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        port = int(self._process.stdout.readline())
        prefix = "" if kind == "native" else "truto:"
        config = {f"{prefix}apiToken": token, f"{prefix}baseUrl": base_url}
        type_ = f"pulumi:providers:{package}"
        instance = Resource(urn=f"urn:pulumi:dev::bench::{type_}::default", type=type_, custom=True, inputs=config)
        self.provider = Provider(instance, self._process, port)

    def __enter__(self) -> ProviderProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
            self._close()

    def end(self) -> float:
        """Kills the process and returns the CPU time that it used in total, in seconds. Not on Windows."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._process.kill()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._close()
        return usage.ru_utime + usage.ru_stime

    def _close(self) -> None:
        self.provider.close()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def cpu_seconds(self) -> float:
        """The CPU time so far, with a resolution of a hundredth of a second. On Linux only, as for the memory."""
        if sys.platform != "linux":
            raise NotImplementedError
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_kib(self) -> int:
        """The resident memory of the process, in KiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0])

    # --- the requests of an engine ---

    def check(self, webhook: Webhook) -> Webhook:
        """Checks the inputs, which must be valid."""
        checked, failures = self.provider.check(webhook, None)
        assert not failures, failures
        return Webhook(webhook.urn, checked, webhook.id, webhook.outputs)

    def webhook(self, number: int) -> Webhook:
        """A webhook as a program declares it. Each number gives a different one."""
        urn = f"urn:pulumi:dev::bench::truto:index:Webhook::hook-{number}"
        return Webhook(urn, {**_inputs(self.kind, number), **self._reference})

    def create(self, number: int) -> Webhook:
        """Checks and creates a webhook."""
        webhook = self.check(self.webhook(number))
        webhook.id, webhook.outputs = self.provider.create(webhook, preview=False)
        return webhook

    def same(self, webhook: Webhook) -> None:
        """Checks and diffs a webhook, which must not have changed."""
        assert not self.provider.diff(self.check(webhook), webhook).changes

    def update(self, webhook: Webhook) -> Webhook:
        """Checks, diffs and updates a webhook after changing one property."""
        name = "isActive" if self.kind == "native" else "is_active"
        new = self.check(Webhook(webhook.urn, {**webhook.inputs, name: not webhook.inputs[name]}, webhook.id))
        self.provider.diff(new, webhook)
        new.outputs = self.provider.update(new, webhook, preview=False)
        return new

    def read(self, webhook: Webhook) -> Webhook:
        """Reads a webhook, as a refresh does."""
        id_, outputs, inputs = self.provider.read(webhook.urn, webhook.id, webhook.inputs, webhook.outputs)
        return Webhook(webhook.urn, webhook.inputs if inputs is None else inputs, id_, outputs)

    def delete(self, webhook: Webhook) -> None:
        """Deletes a webhook."""
        self.provider.delete(webhook)

    def run_all(
        self, operation: Callable[[_T], _R], items: Iterable[_T], threads: int = ENGINE_THREADS
    ) -> tuple[list[_R], int, float]:
        """Runs one operation on all items in parallel.

        Returns:
            The results of the operations that succeeded, the number of those that failed, and the time in seconds.
        """

        def attempt(item: _T) -> _R | OperationError:
            try:
                return operation(item)
            except OperationError as error:
                return error

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            outcomes = list(pool.map(attempt, items))
        seconds = time.perf_counter() - began
        results = [outcome for outcome in outcomes if not isinstance(outcome, OperationError)]
        return results, len(outcomes) - len(results), seconds


def _inputs(kind: ProviderKind, number: int) -> dict[str, Any]:
    """The inputs of a webhook. Each number gives a different URL."""
    url, event_types = f"https://hooks.example.com/truto/{number}", ["integrated_account:active", "record:created"]
    if kind == "native":
        return {"targetUrl": url, "eventTypes": event_types, "isActive": True}
    return {"target_url": url, "event_types": event_types, "is_active": True}
