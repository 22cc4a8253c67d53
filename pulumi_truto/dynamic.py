"""The dynamic providers: translate Pulumi's requests, and decide nothing.

A provider is pickled by reference into the state of every resource as ``__provider``: the names of this module and of
the classes are part of users' state and must never change. Nothing is set on an instance before `configure`, or it
would be pickled too.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

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
from pulumi_truto.notification_destination import NOTIFICATION_DESTINATION
from pulumi_truto.property_names import is_camel
from pulumi_truto.resource_type import RESOURCE_NAME, UNKNOWN, ResourceType
from pulumi_truto.session import ProviderSession
from pulumi_truto.webhook.signing_secrets import SIGNING_SECRETS
from pulumi_truto.webhook.tester import WEBHOOK_TEST
from pulumi_truto.webhook.webhook_type import WEBHOOK

__all__ = [
    "PROVIDERS",
    "NotificationDestinationProvider",
    "SigningSecretsProvider",
    "TrutoProvider",
    "WebhookProvider",
    "WebhookTestProvider",
]

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


class TrutoProvider(ResourceProvider):
    """One provider instance for one resource type, on several threads at once."""

    # Keeps the reference to this class readable in the state: it contains nothing secret.
    serialize_as_secret_always = False

    kind: ClassVar[ResourceType]
    _session: ProviderSession

    def configure(self, req: ConfigureRequest) -> None:
        """Stores the settings. `check` reports their errors because Pulumi shows check failures best."""
        name = req.config.get(config.PROVIDER_KEY)
        settings = config.resolve_settings(
            req.config.get,
            os.environ,
            provider=name if isinstance(name, str) else "",
            argument="api_token",
            keys=getattr(req.config, "_props", {}).keys(),  # the SDK has no public way to list them
        )
        self._session = ProviderSession(settings)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validates the inputs and brings them into canonical form."""
        declared = _from_pulumi(news)
        # Only warnings need the name: it is in no diff and in no state.
        resource_name = declared.pop(RESOURCE_NAME, "")
        inputs, messages = self._session.check(
            self.kind,
            declared,
            _olds,
            is_other_kind=is_camel(_olds),
            display_name=str,
            resource_name=resource_name,
        )
        # Failures of the whole resource: for one of a property Pulumi shows the value, even if that is a secret.
        return CheckResult(_to_pulumi(inputs), [CheckFailure("", message) for message in messages])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares the state with the inputs. Makes no API call."""
        self._session.known_ids.add(_id)
        state, inputs = self.kind.pick_state(_olds), self.kind.pick_inputs(_from_pulumi(_news))
        # A state of the plugin is written again, without an API call, because its outputs have other names.
        is_changed = bool(self.kind.changes(state, inputs)) or is_camel(_olds)
        return DiffResult(changes=is_changed, replaces=self.kind.replaces(state, inputs))

    @_operation
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Creates the resource."""
        id_, state = self.kind.create(self._session, self.kind.pick_inputs(props))
        return CreateResult(id_, dict(state))

    @_operation
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Reads the resource. Drift becomes part of the inputs too, so that the next run corrects it."""
        state = self.kind.read(self._session, id_, self.kind.pick_state(props))
        if state is None:
            return ReadResult("", {})
        return ReadResult(id_, dict(state), self.kind.pick_inputs(state))

    @_operation
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends the changed properties."""
        state, inputs = self.kind.pick_state(_olds), self.kind.pick_inputs(_news)
        return UpdateResult(dict(self.kind.update(self._session, _id, state, inputs)))

    @_operation
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Deletes the resource."""
        self.kind.delete(self._session, _id, self.kind.pick_state(_props))


class WebhookProvider(TrutoProvider):
    """Serves every `Webhook` of one provider instance."""

    kind = WEBHOOK


class NotificationDestinationProvider(TrutoProvider):
    """Serves every `NotificationDestination` of one provider instance."""

    kind = NOTIFICATION_DESTINATION


class WebhookTestProvider(TrutoProvider):
    """Serves every `WebhookTest` of one provider instance."""

    kind = WEBHOOK_TEST


class SigningSecretsProvider(TrutoProvider):
    """Serves every `SigningSecrets` of one provider instance."""

    kind = SIGNING_SECRETS


#: The providers by the name of their resource type.
PROVIDERS: Final[dict[str, type[TrutoProvider]]] = {
    provider.kind.name: provider for provider in TrutoProvider.__subclasses__()
}


def _from_pulumi(value: Any) -> Any:
    """Replaces Pulumi's placeholder for an unknown value with `UNKNOWN`.

    In `check` and `diff` the SDK passes an object for it, in lists too (seen from 3.217 to 3.272).
    """
    if isinstance(value, dict):
        return {name: _from_pulumi(nested) for name, nested in value.items()}
    if isinstance(value, list):
        return [_from_pulumi(element) for element in value]
    return UNKNOWN if isinstance(value, Unknown) else value


def _to_pulumi(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_pulumi(nested) for name, nested in value.items()}
    if isinstance(value, list):
        return [_to_pulumi(element) for element in value]
    return rpc.UNKNOWN if value is UNKNOWN else value
