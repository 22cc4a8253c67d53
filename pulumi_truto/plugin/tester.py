"""Serves `truto:index:WebhookTest`: translates the engine's requests, and decides nothing."""

from __future__ import annotations

import uuid
from typing import Any, Final, cast

from pulumi.runtime.proto import provider_pb2

from pulumi_truto.errors import ConfigurationError
from pulumi_truto.plugin.translation import from_pulumi, marshal_state
from pulumi_truto.property_values import marshal, unmarshal
from pulumi_truto.session import ProviderSession
from pulumi_truto.webhook.inputs import UNKNOWN, unexpected
from pulumi_truto.webhook.properties import TEST_INPUTS, camel_case, from_camel
from pulumi_truto.webhook.tester import WebhookTestInputs, check_test, has_test_changes, must_repeat

__all__ = ["WebhookTestResource"]

#: The properties that a program may declare.
_DECLARABLE: Final = [camel_case(name) for name in TEST_INPUTS]


class WebhookTestResource:
    """One request for a test, in one provider instance. Only a create makes API calls."""

    def __init__(self, session: ProviderSession) -> None:
        self._session = session

    def check(self, request: Any) -> Any:
        """Validates the inputs and brings them into canonical form."""
        declared = unmarshal(request.news)
        result = check_test(from_pulumi(declared))
        messages = [*self._session.settings.errors]
        messages += [error.message(camel_case(error.property)) for error in result.errors]
        messages += [error.message(error.property) for error in unexpected(declared.keys(), _DECLARABLE, "WebhookTest")]
        failures = [provider_pb2.CheckFailure(property="", reason=message) for message in messages]
        inputs = marshal(declared) if failures else marshal_state(result.inputs, declared)
        return provider_pb2.CheckResponse(inputs=inputs, failures=failures)

    def diff(self, request: Any) -> Any:
        """Another webhook or trigger repeats the test: the resource is replaced."""
        old_state = unmarshal(request.olds)
        olds, inputs = from_pulumi(old_state), _inputs(unmarshal(request.news))
        is_changed = has_test_changes(olds, inputs) or "webhookId" not in old_state
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if is_changed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[camel_case(name) for name in must_repeat(olds, inputs)],
            diffs=[camel_case(name) for name, value in inputs.items() if olds.get(name, []) != value],
            stables=["testedAt"],
        )

    def create(self, request: Any) -> Any:
        """Tests the webhook; makes no call in a preview."""
        declared = unmarshal(request.properties)
        inputs = _inputs(declared)
        if request.preview:
            return provider_pb2.CreateResponse(properties=marshal_state({**inputs, "tested_at": UNKNOWN}, declared))
        state = {**inputs, "tested_at": self._session.tester.run(inputs)}
        return provider_pb2.CreateResponse(id=str(uuid.uuid4()), properties=marshal_state(state, declared))

    def read(self, request: Any) -> Any:
        """Returns the state: a past test cannot drift."""
        if not request.properties.fields:
            raise ConfigurationError("a test cannot be imported: declare it, and `pulumi up` runs it")
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def update(self, request: Any) -> Any:
        """Keeps a changed setting; the test is not repeated."""
        declared = unmarshal(request.news)
        state = {**_inputs(declared), "tested_at": from_camel(unmarshal(request.olds)).get("tested_at")}
        return provider_pb2.UpdateResponse(properties=marshal_state(state, declared))

    def delete(self, request: Any) -> None:
        """Forgets the test."""


def _inputs(properties: dict[str, Any]) -> WebhookTestInputs:
    return cast(WebhookTestInputs, from_pulumi(properties))
