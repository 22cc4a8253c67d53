"""The dynamic providers: translate Pulumi's requests, and decide nothing.

A provider is pickled by reference into the state of every resource as ``__provider``: the names of this module and of
the classes are part of users' state and must never change. Nothing is set on an instance before `configure`, or it
would be pickled too.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown
from pulumi.runtime import rpc

from pulumi_truto import config
from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.errors import TrutoError
from pulumi_truto.session import ProviderSession
from pulumi_truto.webhook.diff import WebhookState, has_changes, inputs_in_state
from pulumi_truto.webhook.inputs import UNKNOWN, WebhookInputs
from pulumi_truto.webhook.properties import INPUTS, RESOURCE_NAME, STATE, TEST_INPUTS, from_camel, is_camel
from pulumi_truto.webhook.tester import WebhookTestInputs, check_test, has_test_changes, must_repeat

__all__ = ["WebhookProvider", "WebhookTestProvider"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _operation(method: _Method) -> _Method:
    """Gives an operation its deadline, and an expected error no frames of this package: Pulumi shows tracebacks."""

    @functools.wraps(method)
    def wrapper(*args: Any) -> Any:
        try:
            with deadline_in():
                return method(*args)
        except TrutoError as error:
            raise error.with_traceback(None) from None

    return wrapper  # type: ignore[return-value]  # its type is that of the method


class _TrutoProvider(ResourceProvider):
    """One provider instance, on several threads at once."""

    # Keeps the reference to this class readable in the state: it contains nothing secret.
    serialize_as_secret_always = False

    _session: ProviderSession

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the settings. `check` reports their errors, as Pulumi shows those in the clearest way."""
        name = req.config.get(config.PROVIDER_KEY)
        settings = config.resolve_settings(
            req.config.get,
            os.environ,
            provider=name if isinstance(name, str) else "",
            argument="api_token",
            keys=getattr(req.config, "_props", {}).keys(),  # the SDK has no public way to list them
        )
        self._session = ProviderSession(settings)


class WebhookProvider(_TrutoProvider):
    """Serves every `Webhook` of one provider instance."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validates the inputs and brings them into canonical form."""
        declared = _from_pulumi(news)
        # In no diff, and in no state: only warnings need it.
        resource_name = declared.pop(RESOURCE_NAME, "")
        old_inputs = {name: value for name, value in from_camel(_olds).items() if name in INPUTS}
        if is_camel(_olds):
            # From the plugin. Pulumi's `ignore_changes` does not find its names, and drops what it should keep.
            declared = {**old_inputs, **declared}
        inputs, messages = self._session.check(declared, old_inputs, str, f"{resource_name}: " if resource_name else "")
        # Failures of the whole resource: for one of a property Pulumi shows the value, even if that is a secret.
        failures = [CheckFailure("", message) for message in messages]
        return CheckResult(_to_pulumi(declared if failures else inputs), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares the state with the inputs; every change is an update in place. Makes no API call."""
        self._session.known_ids.add(_id)
        changes = has_changes(_state(_olds), _from_pulumi(_news))
        # A state of the plugin is written again, without an API call, as its outputs have other names.
        return DiffResult(changes=changes or is_camel(_olds), replaces=[])

    @_operation
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Creates the webhook."""
        id_, state = self._session.manager.create(_inputs(props))
        return CreateResult(id_, dict(state))

    @_operation
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Reads the webhook. Drift becomes part of the inputs too, so that the next run corrects it."""
        state = self._session.manager.read(id_, _state(props))
        if state is None:
            return ReadResult("", {})
        return ReadResult(id_, dict(state), dict(inputs_in_state(state)))

    @_operation
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends what changed."""
        return UpdateResult(dict(self._session.manager.update(_id, _state(_olds), _inputs(_news))))

    @_operation
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Deletes the webhook."""
        self._session.manager.delete(_id, _state(_props))


class WebhookTestProvider(_TrutoProvider):
    """Serves every `WebhookTest` of one provider instance. Only a create makes API calls."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validates the inputs and brings them into canonical form."""
        declared = _from_pulumi(news)
        result = check_test(declared)
        messages = [*self._session.settings.errors, *(error.message(error.property) for error in result.errors)]
        failures = [CheckFailure("", message) for message in messages]
        return CheckResult(_to_pulumi(declared if failures else result.inputs), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another webhook or trigger repeats the test: the resource is replaced."""
        olds, inputs = from_camel(_olds), _test_inputs(_from_pulumi(_news))
        return DiffResult(
            changes=has_test_changes(olds, inputs) or "webhookId" in _olds, replaces=must_repeat(olds, inputs)
        )

    @_operation
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Tests the webhook."""
        inputs = _test_inputs(props)
        return CreateResult(str(uuid.uuid4()), {**inputs, "tested_at": self._session.tester.run(inputs)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Returns the state: a past test cannot drift."""
        return ReadResult(id_, props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Keeps a changed setting; the test is not repeated."""
        return UpdateResult({**_test_inputs(_news), "tested_at": from_camel(_olds).get("tested_at")})


def _test_inputs(props: Mapping[str, Any]) -> WebhookTestInputs:
    return cast(WebhookTestInputs, {name: props[name] for name in TEST_INPUTS})


def _state(props: Mapping[str, Any]) -> WebhookState:
    """The webhook's state without what Pulumi adds to it, whichever provider kind wrote it."""
    return cast(WebhookState, {name: value for name, value in from_camel(props).items() if name in STATE})


def _inputs(props: Mapping[str, Any]) -> WebhookInputs:
    """The canonical inputs without what Pulumi adds to them."""
    return cast(WebhookInputs, {name: props[name] for name in INPUTS})


def _from_pulumi(value: Any) -> Any:
    """Replaces Pulumi's placeholder for an unknown value with `UNKNOWN`.

    In `check` and `diff` the SDK passes an object for it, in lists too (seen from 3.217 to 3.272).
    """
    if isinstance(value, dict):
        return {name: _from_pulumi(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_from_pulumi(each) for each in value]
    return UNKNOWN if isinstance(value, Unknown) else value


def _to_pulumi(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_pulumi(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_to_pulumi(each) for each in value]
    return rpc.UNKNOWN if value is UNKNOWN else value
