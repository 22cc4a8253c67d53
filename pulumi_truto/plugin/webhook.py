"""Serves `truto:index:Webhook`: translates the engine's requests, and decides nothing."""

from __future__ import annotations

import re
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2

from pulumi_truto.errors import NotSwitchedOnError
from pulumi_truto.plugin.grpc_errors import InitFailed
from pulumi_truto.plugin.translation import from_pulumi, marshal_state, to_inputs, to_pulumi, to_state
from pulumi_truto.property_values import marshal, secret_keys, unmarshal
from pulumi_truto.session import ProviderSession
from pulumi_truto.webhook.diff import build_patch, has_changes, inputs_in_state
from pulumi_truto.webhook.inputs import UNKNOWN, unexpected
from pulumi_truto.webhook.properties import INPUTS, PROPERTIES, camel_case, from_camel, is_camel, to_camel

__all__ = ["WebhookResource"]

#: The properties that a program may declare.
_DECLARABLE: Final = [camel_case(name) for name in INPUTS]
#: The outputs that are unknown in the preview of a create, and those in the preview of an update.
_NEW_OUTPUTS: Final = {each.name: UNKNOWN for each in PROPERTIES if not each.is_input}
_UPDATED_OUTPUTS: Final = {each.name: UNKNOWN for each in PROPERTIES if each.changes_on_update}


class WebhookResource:
    """One request for a webhook, in one provider instance."""

    def __init__(self, session: ProviderSession) -> None:
        self._session = session

    def check(self, request: Any) -> Any:
        """Validates the inputs and brings them into canonical form."""
        declared, old_inputs = unmarshal(request.news), unmarshal(request.olds)
        if "target_url" in old_inputs:
            # From the dynamic provider. Pulumi's `ignoreChanges` does not find its names, and drops what it should
            # keep.
            declared = {**to_camel({name: old_inputs[name] for name in INPUTS if name in old_inputs}), **declared}
        name = request.urn.rpartition("::")[2]
        inputs, messages = self._session.check(
            from_pulumi(declared), from_pulumi(old_inputs), camel_case, f"{name}: " if name else ""
        )
        messages += [error.message(error.property) for error in unexpected(declared.keys(), _DECLARABLE, "webhook")]
        # Failures of the whole resource: for one of a property Pulumi shows the value, even if that is a secret.
        failures = [provider_pb2.CheckFailure(property="", reason=message) for message in messages]
        checked = declared if failures else to_pulumi(inputs, secret_keys(declared))
        return provider_pb2.CheckResponse(inputs=marshal(checked), failures=failures)

    def diff(self, request: Any) -> Any:
        """Compares the state with the inputs; every change is an update in place. Makes no API call."""
        self._session.known_ids.add(request.id)
        old_state = unmarshal(request.olds)
        state, inputs = to_state(old_state), to_inputs(unmarshal(request.news))
        old_inputs = from_pulumi(unmarshal(request.old_inputs))
        details = {
            camel_case(name): provider_pb2.PropertyDiff(
                kind=_kind_of_change(state.get(name), value),
                # Otherwise Pulumi shows the old value of the state: it changed at Truto.
                inputDiff=old_inputs.get(name) != value,
            )
            for name, value in build_patch(state, inputs).items()
        }
        # A state of the dynamic provider is written again, without an API call, as its outputs have other names.
        is_changed = bool(details) or not is_camel(old_state)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if is_changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(details),
            detailedDiff=details,
            hasDetailedDiff=True,
            stables=["id", "environmentId", "createdAt"],
        )

    def create(self, request: Any) -> Any:
        """Creates the webhook; in a preview returns what is known of it."""
        declared = unmarshal(request.properties)
        inputs = to_inputs(declared)
        if request.preview:
            return provider_pb2.CreateResponse(properties=marshal_state({**_NEW_OUTPUTS, **inputs}, declared))
        try:
            id_, state = self._session.manager.create(inputs)
        except NotSwitchedOnError as error:
            # The engine keeps this state, fails the run, and tries an update the next time.
            details = provider_pb2.ErrorResourceInitFailed(
                id=error.id,
                properties=marshal_state(error.state, declared),
                inputs=request.properties,
                reasons=[error.kept_message],
            )
            raise InitFailed(error.kept_message, details) from None
        return provider_pb2.CreateResponse(id=id_, properties=marshal_state(state, declared))

    def read(self, request: Any) -> Any:
        """Reads the webhook. Drift becomes part of the inputs too, so that the next run corrects it."""
        olds, inputs = unmarshal(request.properties), unmarshal(request.inputs)
        state = self._session.manager.read(request.id, to_state(olds))
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=marshal_state(state, {**olds, **inputs}),
            inputs=marshal_state(inputs_in_state(state), inputs),
        )

    def update(self, request: Any) -> Any:
        """Sends what changed; in a preview returns what is known afterwards."""
        declared, olds = unmarshal(request.news), unmarshal(request.olds)
        state, inputs = to_state(olds), to_inputs(declared)
        if request.preview:
            outputs = _UPDATED_OUTPUTS if has_changes(state, inputs) else {}
            return provider_pb2.UpdateResponse(properties=marshal_state({**state, **inputs, **outputs}, declared))
        # Paths such as "eventTypes" or "eventTypes[0]".
        ignored = from_camel(dict.fromkeys(re.split(r"[.\[]", path)[0] for path in request.ignoreChanges))
        updated = self._session.manager.update(request.id, state, inputs, ignored)
        return provider_pb2.UpdateResponse(properties=marshal_state(updated, declared))

    def delete(self, request: Any) -> None:
        """Deletes the webhook."""
        self._session.manager.delete(request.id, to_state(unmarshal(request.properties)))


def _kind_of_change(old: Any, new: Any) -> Any:
    if old in (None, []):
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if new in (None, []) else provider_pb2.PropertyDiff.UPDATE
