"""Provider processes: starting them, calling them, ending them. Decides nothing about resources."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_truto.local_engine import launcher
from pulumi_truto.local_engine.launcher import Process
from pulumi_truto.property_values import Properties, contains_unknown, marshal, unmarshal, unwrap_secrets

__all__ = ["InitError", "OperationError", "Provider", "ProviderHost", "default_config"]

#: What starts a provider, for each package that this engine can serve.
_MODULES: Final = {"pulumi-python": "pulumi.dynamic", "truto": "pulumi_truto"}
#: The package whose providers have the whole configuration, keys with their namespace. Others have their own part.
_DYNAMIC: Final = "pulumi-python"
_CHANNEL_OPTIONS: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
_START_SECONDS: Final = 60


class OperationError(Exception):
    """An operation on one resource failed; the message is for the user."""


class InitError(OperationError):
    """An operation failed, and the resource is there all the same: in a state that the provider tells."""

    def __init__(self, message: str, outputs: Properties) -> None:
        super().__init__(message)
        self.outputs = outputs


def default_config(package: str, config: Properties) -> Properties:
    """The part of the stack's configuration that the default provider of a package has."""
    if package == _DYNAMIC:
        return config
    prefix = f"{package}:"
    return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}


@dataclass(frozen=True)
class Diff:
    """What a provider says of old and new: ``changes`` is ``None`` where it does not say."""

    changes: bool | None = None
    replaces: bool = False
    delete_before_replace: bool = False
    keys: frozenset[str] = frozenset()


class Provider:
    """One provider process, configured, for one provider instance."""

    def __init__(self, package: str, process: Process, port: int, config: Properties, urn: str = "") -> None:
        self.process = process
        # A provider whose settings are not known yet, in a preview, cannot be asked anything.
        self.is_configured = not contains_unknown(config)
        self.is_native = package != _DYNAMIC
        self._accepts_secrets = False
        self._supports_preview = False
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_CHANNEL_OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        if self.is_configured:
            if self.is_native:
                self._check_config(config, urn)
            name = urn.rpartition("::")[2]
            request = provider_pb2.ConfigureRequest(args=marshal(config), acceptSecrets=True, urn=urn, name=name)
            response = self._call("configure", self._stub.Configure, request)
            self._accepts_secrets = response.acceptSecrets
            self._supports_preview = response.supportsPreview

    def check(self, urn: str, olds: Properties, news: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        """The checked inputs, and the failures as pairs of property and reason."""
        if not self.is_configured:
            return news, []
        request = provider_pb2.CheckRequest(urn=urn, olds=self._wire(olds), news=self._wire(news))
        response = self._call("check", self._stub.Check, request)
        return unmarshal(response.inputs), [(each.property, each.reason) for each in response.failures]

    def diff(self, urn: str, id_: str, olds: Properties, old_inputs: Properties, news: Properties) -> Diff:
        """How the inputs differ from the state."""
        if not self.is_configured:
            return Diff()
        request = provider_pb2.DiffRequest(
            id=id_, urn=urn, olds=self._wire(olds), news=self._wire(news), old_inputs=self._wire(old_inputs)
        )
        response = self._call("diff", self._stub.Diff, request)
        changes = {0: None, 1: False, 2: True}[response.changes]
        keys = frozenset({*response.diffs, *response.detailedDiff})
        return Diff(changes, bool(response.replaces), response.deleteBeforeReplace, keys)

    def create(self, urn: str, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        """The id and the outputs of the new resource. In a preview what can be known of them, and no id."""
        if preview and not (self.is_configured and self._supports_preview):
            return "", dict(inputs)
        request = provider_pb2.CreateRequest(urn=urn, properties=self._wire(inputs), preview=preview)
        response = self._call("create", self._stub.Create, request)
        if not response.id and not preview:
            raise OperationError("the provider returned no id for the new resource")
        return response.id, unmarshal(response.properties)

    def update(
        self, urn: str, id_: str, olds: Properties, old_inputs: Properties, news: Properties, *, preview: bool
    ) -> Properties:
        """The outputs after the update; in a preview what can be known of them."""
        if preview and not (self.is_configured and self._supports_preview):
            return dict(news)
        request = provider_pb2.UpdateRequest(
            id=id_,
            urn=urn,
            olds=self._wire(olds),
            news=self._wire(news),
            old_inputs=self._wire(old_inputs),
            preview=preview,
        )
        return unmarshal(self._call("update", self._stub.Update, request).properties)

    def read(
        self, urn: str, id_: str, properties: Properties | None, inputs: Properties
    ) -> tuple[str, Properties, Properties | None]:
        """The id (empty if the resource is gone), the outputs, and the inputs if the provider gives any."""
        request = provider_pb2.ReadRequest(id=id_, urn=urn, inputs=self._wire(inputs))
        if properties is not None:
            request.properties.CopyFrom(self._wire(properties))
        response = self._call("read", self._stub.Read, request)
        fresh = unmarshal(response.inputs) if response.HasField("inputs") else None
        return response.id, unmarshal(response.properties), fresh

    def delete(self, urn: str, id_: str, outputs: Properties, inputs: Properties) -> None:
        """Deletes the resource."""
        request = provider_pb2.DeleteRequest(
            id=id_, urn=urn, properties=self._wire(outputs), old_inputs=self._wire(inputs)
        )
        self._call("delete", self._stub.Delete, request)

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:
        """What a function of the provider returns."""
        request = provider_pb2.InvokeRequest(tok=token, args=self._wire(arguments), preview=preview)
        response = self._call("invoke", self._stub.Invoke, request)
        if response.failures:
            raise OperationError("; ".join(f"{each.property}: {each.reason}" for each in response.failures))
        return unmarshal(getattr(response, "return"))

    def cancel(self) -> None:
        """Asks the provider to give up what it is doing."""
        with contextlib.suppress(grpc.RpcError):
            self._stub.Cancel(empty_pb2.Empty(), timeout=1)

    def close(self) -> None:
        """Ends the process, and what it started."""
        self._channel.close()
        _end(self.process)

    def _check_config(self, config: Properties, urn: str) -> None:
        request = provider_pb2.CheckRequest(news=marshal(config), urn=urn, name=urn.rpartition("::")[2])
        response = self._call("check of its configuration", self._stub.CheckConfig, request)
        if response.failures:
            raise OperationError("; ".join(each.reason for each in response.failures))

    def _wire(self, properties: Properties) -> Any:
        return marshal(properties if self._accepts_secrets else unwrap_secrets(properties))

    def _call(self, what: str, method: Any, request: Any) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            failed = _init_failed(error)
            if failed is not None:
                raise InitError("; ".join(failed.reasons), unmarshal(failed.properties)) from None
            raise OperationError(self._message(what, error)) from None
        except ValueError:  # the channel is closed: the run was stopped
            raise OperationError(f"the run was stopped during the {what}") from None

    def _message(self, what: str, error: Any) -> str:
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return str(error.details())
        try:
            code = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return f"the connection to the provider broke off during the {what}: {error.details()}"
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
        return (
            f"the provider process ended during the {what}, with {how}. What it was doing may have been done: "
            "check before you run again"
        )


class ProviderHost:
    """The provider processes of one run: one for each provider instance, started when it is first needed."""

    def __init__(
        self,
        work_dir: Path,
        env: Mapping[str, str],
        engine_address: str,
        on_output: Callable[[str], None],
        spare: str = "pulumi-python",
    ) -> None:
        self._work_dir = work_dir
        self._env = env
        self._engine_address = engine_address
        self._on_output = on_output
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}
        self._closed = False
        # Nearly every run needs one of this package: it starts while the program does.
        self._spare_package = spare
        self._spare: Process | None = self._spawn(spare)

    def get(self, urn: str, package: str, config: Properties) -> Provider:
        """The provider of this instance, with this configuration."""
        with self._lock:
            if urn not in self._providers:
                if self._closed:
                    raise OperationError("the run was stopped")
                self._providers[urn] = self._start(urn, package, config)
            return self._providers[urn]

    def processes(self) -> list[Process]:
        """The provider processes that serve a provider instance now."""
        with self._lock:
            return [each.process for each in self._providers.values()]

    def cancel(self) -> None:
        """Asks every provider to give up."""
        with self._lock:
            providers = list(self._providers.values())
        for provider in providers:
            provider.cancel()

    def close(self) -> None:
        """Ends every process."""
        with self._lock:
            self._closed = True
            providers, self._providers = list(self._providers.values()), {}
            spare, self._spare = self._spare, None
        for provider in providers:
            provider.close()
        if spare is not None:
            _end(spare)
            for stream in (spare.stdout, spare.stderr):
                if stream is not None:
                    stream.close()

    def _start(self, urn: str, package: str, config: Properties) -> Provider:
        if package == self._spare_package and self._spare is not None:
            process, self._spare = self._spare, None
        else:
            process = self._spawn(package)
        assert process.stdout is not None
        assert process.stderr is not None
        errors = threading.Thread(target=self._forward, args=(process.stderr,), daemon=True)
        errors.start()
        watch = threading.Timer(_START_SECONDS, process.kill)
        watch.start()
        try:
            line = process.stdout.readline().strip()
        finally:
            watch.cancel()
        if not line.isdigit():
            process.kill()
            code = process.wait()
            process.stdout.close()
            errors.join(timeout=1)
            raise OperationError(f"the provider {package!r} did not start: it ended with exit code {code}")
        threading.Thread(target=self._forward, args=(process.stdout,), daemon=True).start()
        try:
            return Provider(package, process, int(line), config, urn)
        except OperationError:
            _end(process)
            raise

    def _spawn(self, package: str) -> Process:
        if package not in _MODULES:
            raise OperationError(
                f"the local engine cannot run the provider {package!r}: it knows {', '.join(sorted(_MODULES))} only. "
                "Use the Pulumi CLI for a program with other providers"
            )
        return launcher.start(_MODULES[package], [self._engine_address], self._work_dir, self._env)

    def _forward(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self._on_output(line.decode(errors="replace").rstrip())


def _init_failed(error: Any) -> provider_pb2.ErrorResourceInitFailed | None:
    """What a provider says of a resource that is there although the operation failed."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            failed = provider_pb2.ErrorResourceInitFailed()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(failed):
                    return failed
    return None


def _end(process: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            return
