"""A provider that Pulumi's `Mocks` implement, for packages that the local engine cannot run."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from pulumi_truto.property_values import Properties, contains_unknown, unwrap_secrets
from pulumi_truto.testing.engine.provider import DiffResult, OperationError, Provider

__all__ = ["AnyProvider", "MockProvider"]


class MockProvider:
    """A provider without a process. Its resources exist only in the state.

    Args:
        mocks: return the id and the outputs of a resource, and the results of functions, by type token.
    """

    is_native = True

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks

    def check(
        self, _urn: str, _old_inputs: Properties, new_inputs: Properties
    ) -> tuple[Properties, list[tuple[str, str]]]:
        """Accepts all inputs."""
        return new_inputs, []

    def diff(
        self, _urn: str, _id: str, _old_outputs: Properties, old_inputs: Properties, new_inputs: Properties
    ) -> DiffResult:
        """Updates in place what has other inputs."""
        changed = {key for key in {*old_inputs, *new_inputs} if old_inputs.get(key) != new_inputs.get(key)}
        return DiffResult(bool(changed), changed_keys=frozenset(changed))

    def create(
        self,
        urn: str,
        inputs: Properties,
        *,
        preview: bool,
        timeout_seconds: float = 0.0,  # noqa: ARG002
    ) -> tuple[str, Properties]:
        """Returns the id and the outputs of the mock; in a preview, no id and the inputs."""
        return ("", dict(inputs)) if preview else self._resource(urn, "", inputs)

    def update(
        self,
        urn: str,
        id_: str,
        _old_outputs: Properties,
        _old_inputs: Properties,
        new_inputs: Properties,
        *,
        preview: bool,
        timeout_seconds: float = 0.0,  # noqa: ARG002
        ignore_changes: Sequence[str] = (),  # noqa: ARG002
    ) -> Properties:
        """Returns the outputs of the mock; in a preview, the inputs."""
        return dict(new_inputs) if preview else self._resource(urn, id_, new_inputs)[1]

    def read(
        self, urn: str, id_: str, outputs: Properties | None, inputs: Properties
    ) -> tuple[str, Properties, Properties | None]:
        """Returns what is in the state; for a resource that is not managed, the mock."""
        if outputs is not None and inputs != outputs:
            return id_, outputs, inputs
        return (*self._resource(urn, id_, inputs), inputs)

    def delete(
        self,
        _urn: str,
        _id: str,
        _outputs: Properties,
        _inputs: Properties,
        *,
        timeout_seconds: float = 0.0,
    ) -> None:
        """Deletes nothing, as nothing exists."""

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
        type_, name = urn.split("::")[2].rpartition("$")[2], urn.split("::", 3)[3]
        created_id, outputs = self._mocks.new_resource(
            MockResourceArgs(typ=type_, name=name, inputs=unwrap_secrets(inputs), resource_id=id_, custom=True)
        )
        if not created_id and not id_:
            raise OperationError(f"the mock of {type_} returned no id for the new resource")
        return str(id_ or created_id), {**inputs, **outputs}


#: What serves a provider instance.
AnyProvider = Provider | MockProvider
