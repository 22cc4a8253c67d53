"""A provider that Pulumi's `Mocks` implement, for packages that the local engine cannot run."""

from __future__ import annotations

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from pulumi_truto.property_values import Properties, contains_unknown, unwrap_secrets
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

    def diff(self, new: Resource, old: Resource) -> DiffResult:
        """Updates changed inputs in place."""
        changed = {key for key in {*old.inputs, *new.inputs} if old.inputs.get(key) != new.inputs.get(key)}
        return DiffResult(bool(changed), changed_keys=frozenset(changed))

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Properties]:
        """Returns the id and the outputs of the mock; in a preview, no id and the inputs."""
        return ("", dict(new.inputs)) if preview else self._resource(new.urn, "", new.inputs)

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
        result = self._mocks.call(MockCallArgs(token, unwrap_secrets(arguments), ""))
        return dict(result[0] if isinstance(result, tuple) else result)

    def cancel(self) -> None:
        """Has nothing to abort."""

    def close(self) -> None:
        """Has nothing to end."""

    def _resource(self, urn: str, id_: str, inputs: Properties) -> tuple[str, Properties]:
        if contains_unknown(inputs):
            return id_, dict(inputs)
        type_, name = qualified_type(urn).rpartition("$")[2], name_of(urn)
        created_id, outputs = self._mocks.new_resource(
            MockResourceArgs(typ=type_, name=name, inputs=unwrap_secrets(inputs), resource_id=id_, custom=True)
        )
        if not created_id and not id_:
            raise OperationError(f"the mock of {type_} returned no id for the new resource")
        return str(id_ or created_id), {**inputs, **outputs}


#: The server of a provider instance.
AnyProvider = Provider | MockProvider
