"""A provider that Pulumi's `Mocks` implement, for packages that the local engine cannot run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from pulumi_truto.property_values import Properties, contains_unknown, is_asset, marshal, unmarshal, unwrap_secrets
from pulumi_truto.testing.engine.provider import DiffResult, OperationError, Provider, ReadResult
from pulumi_truto.testing.engine.resource import Resource
from pulumi_truto.testing.engine.urns import name_of, qualified_type

__all__ = ["AnyProvider", "MockProvider"]


class MockProvider:
    """A provider without a process. Its resources exist only in the state.

    Args:
        mocks: return the id and the outputs of a resource, and the results of functions, by type token.
    """

    is_native = True

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks

    def check(self, new: Resource, _old: Resource | None) -> tuple[Properties, list[tuple[str, str]]]:
        """Accepts all inputs."""
        return new.inputs, []

    def diff(self, _new: Resource, _old: Resource) -> DiffResult:
        """Leaves the comparison to the engine, which updates changed inputs in place."""
        return DiffResult()

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Properties]:
        """Returns the id and the outputs of the mock; in a preview, no id and the inputs."""
        return ("", dict(new.inputs)) if preview else self._resource(new.urn, "", new.inputs, custom=new.custom)

    def update(self, new: Resource, old: Resource, *, preview: bool) -> Properties:
        """Returns the outputs of the mock; in a preview, the inputs."""
        return dict(new.inputs) if preview else self._resource(new.urn, old.id, new.inputs)[1]

    def read(self, urn: str, id_: str, inputs: Properties, outputs: Properties | None) -> ReadResult:
        """Returns the state; for a resource that is not managed, the mock."""
        if outputs is not None and inputs != outputs:
            return ReadResult(id_, outputs, inputs)
        return ReadResult(*self._resource(urn, id_, inputs), inputs)

    def delete(self, _old: Resource) -> None:
        """Deletes nothing, because nothing exists."""

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:  # noqa: ARG002
        """Returns the result of the mock."""
        with _mock_of(token):
            result = self._mocks.call(MockCallArgs(token, _to_program(arguments), ""))
            outputs, failures = result if isinstance(result, tuple) else (result, None)
            messages = [f"{name}: {reason}" for name, reason in failures or []]
            properties = _from_program(outputs)
        if messages:
            raise OperationError("; ".join(messages))
        return properties

    def cancel(self) -> None:
        """Has nothing to abort."""

    def close(self) -> None:
        """Has nothing to end."""

    def _resource(self, urn: str, id_: str, inputs: Properties, *, custom: bool = True) -> tuple[str, Properties]:
        if contains_unknown(inputs):
            return id_, dict(inputs)
        type_, name = qualified_type(urn).rpartition("$")[2], name_of(urn)
        with _mock_of(type_):
            arguments = MockResourceArgs(type_, name, _to_program(inputs), resource_id=id_, custom=custom)
            created_id, outputs = self._mocks.new_resource(arguments)
            properties = _from_program(outputs)
        if custom and not created_id and not id_:
            raise OperationError(f"the mock of {type_} returned no id for the new resource")
        return str(id_ or created_id or ""), {**inputs, **properties}


@contextlib.contextmanager
def _mock_of(token: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a mock can raise anything
        raise OperationError(f"the mock of {token} raised {type(error).__name__}: {error}") from error


def _to_program(value: Any) -> Any:
    """Returns the value as Pulumi's own mocks get it: without secrets, and with objects for assets and archives."""
    value = unwrap_secrets(value)
    if is_asset(value):
        return rpc.deserialize_properties(marshal(value))
    if isinstance(value, dict):
        return {name: _to_program(element) for name, element in value.items()}
    return [_to_program(element) for element in value] if isinstance(value, list) else value


def _from_program(outputs: Any) -> Properties:
    """Returns the outputs of a mock, which may have Pulumi's objects, as property values."""
    return unmarshal(asyncio.run(rpc.serialize_properties(outputs, {})))


#: The server of a provider instance.
AnyProvider = Provider | MockProvider
