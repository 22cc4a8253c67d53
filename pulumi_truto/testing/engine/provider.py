"""A provider process, called over gRPC with Pulumi's provider protocol."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_truto.property_values import Properties, contains_unknown, marshal, unmarshal, unwrap_secrets
from pulumi_truto.testing.engine import property_paths
from pulumi_truto.testing.engine.processes import Process, end_process_group
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.settings import DYNAMIC_PACKAGE

__all__ = ["GRPC_OPTIONS", "DiffResult", "InitError", "OperationError", "Provider", "ReadResult"]

#: The options of every server and channel: Pulumi's own limit for a message.
GRPC_OPTIONS: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
_CANCEL_SECONDS: Final = 1
_END_SECONDS: Final = 5


class OperationError(Exception):
    """An operation on one resource failed; the message is for the user."""


class InitError(OperationError):
    """An operation failed, but the resource exists.

    Attributes:
        id: the resource's id.
        outputs: the resource's outputs, as the provider reported them.
    """

    def __init__(self, message: str, id_: str, outputs: Properties) -> None:
        super().__init__(message)
        self.id = id_
        self.outputs = outputs


@dataclass(frozen=True)
class DiffResult:
    """The result of a diff.

    Attributes:
        changes: whether anything changes; ``None`` if the provider leaves this to the engine.
        replaces: whether the provider requires a replacement.
        delete_before_replace: whether the provider requires that the old resource is deleted first.
        changed_paths: the properties that change, if the provider names them. A dynamic provider does not.
    """

    changes: bool | None = None
    replaces: bool = False
    delete_before_replace: bool = False
    changed_paths: Sequence[property_paths.Path] = ()


class ReadResult(NamedTuple):
    """The result of a read: the id, empty if the resource does not exist; outputs; inputs, if the provider has any."""

    id: str
    outputs: Properties
    inputs: Properties | None


class Provider:
    """A provider process, configured for one provider instance.

    Args:
        instance: the provider instance; its inputs are the configuration.
        process: the process.
        port: the port on which it listens.
        lost_create_hint: the remedy if the process ended during a create.

    Raises:
        OperationError: the provider rejects the configuration.
    """

    def __init__(self, instance: Resource, process: Process, port: int, lost_create_hint: str = "") -> None:
        self.process = process
        self._lost_create_hint = lost_create_hint
        # In a preview, a setting may be an output that is still unknown. Such a provider is never called.
        self.is_configured = not contains_unknown(instance.inputs)
        self.is_native = instance.package != DYNAMIC_PACKAGE
        self._accepts_secrets = False
        self._supports_preview = False
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=GRPC_OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        if self.is_configured:
            self._configure(instance.urn, instance.name, marshal(instance.inputs))

    def check(self, new: Resource, old: Resource | None) -> tuple[Properties, list[tuple[str, str]]]:
        """Returns the checked inputs, and the failures as pairs of property and reason."""
        if not self.is_configured:
            return new.inputs, []
        olds = self._marshal(old.inputs if old else {})
        request = provider_pb2.CheckRequest(urn=new.urn, olds=olds, news=self._marshal(new.inputs))
        response = self._call("check", self._stub.Check, request)
        return unmarshal(response.inputs), [(failure.property, failure.reason) for failure in response.failures]

    def diff(self, new: Resource, old: Resource) -> DiffResult:
        """Compares the new inputs with the state."""
        if not self.is_configured:
            return DiffResult()
        request = provider_pb2.DiffRequest(**self._change(new, old))
        response = self._call("diff", self._stub.Diff, request)
        changes = {0: None, 1: False, 2: True}[response.changes]
        changed_paths = [property_paths.parse(path) for path in (*response.diffs, *response.detailedDiff)]
        return DiffResult(changes, bool(response.replaces), response.deleteBeforeReplace, changed_paths)

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Properties]:
        """Returns the id and the outputs of the new resource; in a preview, no id and the outputs known so far."""
        if preview and not (self.is_configured and self._supports_preview):
            return "", dict(new.inputs)
        request = provider_pb2.CreateRequest(
            urn=new.urn,
            properties=self._marshal(new.inputs),
            preview=preview,
            timeout=new.custom_timeouts.get("create", 0.0),
        )
        response = self._call("create", self._stub.Create, request)
        if not response.id and not preview:
            raise OperationError("the provider returned no id for the new resource")
        return response.id, unmarshal(response.properties)

    def update(self, new: Resource, old: Resource, *, preview: bool) -> Properties:
        """Returns the outputs after the update; in a preview, those known so far."""
        if preview and not (self.is_configured and self._supports_preview):
            return dict(new.inputs)
        timeout = new.custom_timeouts.get("update", 0.0)
        request = provider_pb2.UpdateRequest(**self._change(new, old), preview=preview, timeout=timeout)
        return unmarshal(self._call("update", self._stub.Update, request).properties)

    def read(self, urn: str, id_: str, inputs: Properties, outputs: Properties | None) -> ReadResult:
        """Returns the actual resource; ``outputs`` is ``None`` for a resource to import."""
        request = provider_pb2.ReadRequest(id=id_, urn=urn, inputs=self._marshal(inputs))
        if outputs is not None:
            request.properties.CopyFrom(self._marshal(outputs))
        response = self._call("read", self._stub.Read, request)
        new_inputs = unmarshal(response.inputs) if response.HasField("inputs") else None
        return ReadResult(response.id, unmarshal(response.properties), new_inputs)

    def delete(self, old: Resource) -> None:
        """Deletes the resource."""
        request = provider_pb2.DeleteRequest(
            id=old.id,
            urn=old.urn,
            properties=self._marshal(old.outputs),
            old_inputs=self._marshal(old.inputs),
            timeout=old.custom_timeouts.get("delete", 0.0),
        )
        self._call("delete", self._stub.Delete, request)

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:
        """Calls a function of the provider and returns its result."""
        request = provider_pb2.InvokeRequest(tok=token, args=self._marshal(arguments), preview=preview)
        response = self._call("invoke", self._stub.Invoke, request)
        if response.failures:
            raise OperationError("; ".join(f"{failure.property}: {failure.reason}" for failure in response.failures))
        return unmarshal(getattr(response, "return"))

    def cancel(self) -> None:
        """Asks the provider to abort its operations in flight."""
        with contextlib.suppress(grpc.RpcError):
            self._stub.Cancel(empty_pb2.Empty(), timeout=_CANCEL_SECONDS)

    def close(self) -> None:
        """Ends the process and everything that it started."""
        self._channel.close()
        end_process_group(self.process, _END_SECONDS)

    def _configure(self, urn: str, name: str, config: Any) -> None:
        if self.is_native:
            checked = provider_pb2.CheckRequest(news=config, urn=urn, name=name)
            failures = self._call("check of its configuration", self._stub.CheckConfig, checked).failures
            if failures:
                raise OperationError("; ".join(failure.reason for failure in failures))
        request = provider_pb2.ConfigureRequest(args=config, acceptSecrets=True, urn=urn, name=name)
        response = self._call("configure", self._stub.Configure, request)
        self._accepts_secrets = response.acceptSecrets
        self._supports_preview = response.supportsPreview

    def _change(self, new: Resource, old: Resource) -> dict[str, Any]:
        """The fields that a diff and an update share."""
        return {
            "id": old.id,
            "urn": new.urn,
            "olds": self._marshal(old.outputs),
            "news": self._marshal(new.inputs),
            "old_inputs": self._marshal(old.inputs),
            "ignoreChanges": new.ignore_changes,
        }

    def _marshal(self, properties: Properties) -> Any:
        return marshal(properties if self._accepts_secrets else unwrap_secrets(properties))

    def _call(self, operation: str, method: Any, request: Any) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            init_failed = _init_failed_detail(error)
            if init_failed is not None:
                raise InitError(
                    "; ".join(init_failed.reasons), init_failed.id, unmarshal(init_failed.properties)
                ) from None
            raise OperationError(self._error_message(operation, error)) from None
        except ValueError:  # the channel is closed
            raise OperationError(f"the run was cancelled during the {operation}") from None

    def _error_message(self, operation: str, error: Any) -> str:
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return str(error.details())
        try:
            code = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return f"the connection to the provider was lost during the {operation}: {error.details()}"
        reason = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
        hint = f": {self._lost_create_hint}" if operation == "create" and self._lost_create_hint else ""
        return f"the provider process ended during the {operation}, with {reason}. It may have succeeded{hint}"


def _init_failed_detail(error: Any) -> provider_pb2.ErrorResourceInitFailed | None:
    """Returns the detail of an error that says that the resource exists although the operation failed."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            init_failed = provider_pb2.ErrorResourceInitFailed()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(init_failed):
                    return init_failed
    return None
