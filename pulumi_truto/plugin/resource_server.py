"""Serves the resources: decodes the engine's requests, calls the rules, and encodes the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from pulumi_truto.errors import ConfigurationError, NotSwitchedOnError
from pulumi_truto.input_errors import unexpected
from pulumi_truto.plugin.codec import decode, encode
from pulumi_truto.plugin.grpc_errors import InitFailed
from pulumi_truto.property_names import camel_case, is_camel, named_properties
from pulumi_truto.property_values import secret_keys, unmarshal
from pulumi_truto.resource_type import UNKNOWN, ResourceType, Values
from pulumi_truto.session import ProviderSession
from pulumi_truto.urn import name_of

__all__ = ["ResourceServer"]


class ResourceServer:
    """Serves one resource type in one provider instance."""

    def __init__(self, kind: ResourceType, session: ProviderSession) -> None:
        self._kind = kind
        self._session = session

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validates the inputs and brings them into canonical form."""
        declared, old_inputs = unmarshal(request.news), unmarshal(request.olds)
        inputs, messages = self._session.check(
            self._kind,
            self._kind.pick_inputs(decode(declared)),
            decode(old_inputs),
            is_other_kind=bool(old_inputs) and not is_camel(old_inputs),
            display_name=camel_case,
            resource_name=name_of(request.urn),
        )
        names = [camel_case(name) for name in self._kind.inputs]
        messages += [error.message(str) for error in unexpected(declared, names, f"a {self._kind.name}")]
        # Failures of the whole resource: for one of a property Pulumi shows the value, even if that is a secret.
        failures = [provider_pb2.CheckFailure(property="", reason=message) for message in messages]
        checked = request.news if failures else self._encode(inputs, declared)
        return provider_pb2.CheckResponse(inputs=checked, failures=failures)

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compares the state with the inputs. Makes no API call."""
        self._session.known_ids.add(request.id)
        olds = unmarshal(request.olds)
        state, inputs = self._kind.pick_state(decode(olds)), self._inputs(request.news)
        old_inputs = self._kind.pick_inputs(decode(unmarshal(request.old_inputs)))
        changes, replaces = self._kind.changes(state, inputs), self._kind.replaces(state, inputs)
        details = {
            camel_case(name): provider_pb2.PropertyDiff(
                kind=_kind_of_change(state.get(name), value, is_replacement=name in replaces),
                # Otherwise Pulumi shows the old value of the state: it changed at Truto.
                inputDiff=name in inputs and old_inputs.get(name) != value,
            )
            for name, value in changes.items()
        }
        # A state of the dynamic provider is written again, without an API call, because its outputs have other names.
        is_changed = bool(details) or not is_camel(olds)
        stable = [
            property_.name
            for property_ in self._kind.properties
            if not (property_.is_input or property_.changes_on_update or property_.is_secret)
        ]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if is_changed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[camel_case(name) for name in replaces],
            diffs=sorted(details),
            detailedDiff=details,
            hasDetailedDiff=True,
            stables=["id", *map(camel_case, stable)],
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Creates the resource; in a preview returns the known properties."""
        declared, inputs = unmarshal(request.properties), self._inputs(request.properties)
        if request.preview:
            unknown = dict.fromkeys(self._kind.outputs, UNKNOWN)
            return provider_pb2.CreateResponse(properties=self._encode({**unknown, **inputs}, declared))
        try:
            id_, state = self._kind.create(self._session, inputs)
        except NotSwitchedOnError as error:
            # The engine keeps this state, fails the run, and the next run updates it.
            details = provider_pb2.ErrorResourceInitFailed(
                id=error.id,
                properties=self._encode(error.state, declared),
                inputs=request.properties,
                reasons=[error.kept_message],
            )
            raise InitFailed(error.kept_message, details) from None
        return provider_pb2.CreateResponse(id=id_, properties=self._encode(state, declared))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Reads the resource. Drift becomes part of the inputs too, so that the next run corrects it."""
        olds, inputs = unmarshal(request.properties), unmarshal(request.inputs)
        if not olds and not self._kind.can_import:
            raise ConfigurationError(f"a {self._kind.name} cannot be imported: declare it, and run `pulumi up`")
        state = self._kind.read(self._session, request.id, self._kind.pick_state(decode(olds)))
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=self._encode(state, {**olds, **inputs}),
            inputs=self._encode(self._kind.pick_inputs(state), inputs),
        )

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Sends the changed properties; in a preview returns those that are known."""
        declared, inputs = unmarshal(request.news), self._inputs(request.news)
        state = self._kind.pick_state(decode(unmarshal(request.olds)))
        if request.preview:
            changed = [property_.name for property_ in self._kind.properties if property_.changes_on_update]
            unknown = dict.fromkeys(changed, UNKNOWN) if self._kind.changes(state, inputs) else {}
            return provider_pb2.UpdateResponse(properties=self._encode({**state, **inputs, **unknown}, declared))
        ignored = named_properties(request.ignoreChanges, self._kind.inputs)
        updated = self._kind.update(self._session, request.id, state, inputs, ignored)
        return provider_pb2.UpdateResponse(properties=self._encode(updated, declared))

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Deletes the resource."""
        self._kind.delete(self._session, request.id, self._kind.pick_state(decode(unmarshal(request.properties))))

    def _inputs(self, message: struct_pb2.Struct) -> Values:
        return self._kind.pick_inputs(decode(unmarshal(message)))

    def _encode(self, values: Mapping[str, Any], declared: Mapping[str, Any]) -> struct_pb2.Struct:
        """The message, with the secrets that the program declared and those of the declaration."""
        secret_names = {camel_case(property_.name) for property_ in self._kind.properties if property_.is_secret}
        return encode(self._kind.to_plugin(values), secret_keys(declared) | secret_names)


def _kind_of_change(old: Any, new: Any, *, is_replacement: bool) -> provider_pb2.PropertyDiff.Kind.ValueType:
    if is_replacement:
        return provider_pb2.PropertyDiff.UPDATE_REPLACE
    if old in (None, []):
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if new in (None, []) else provider_pb2.PropertyDiff.UPDATE
