"""The dynamic provider: translates Pulumi's requests to the rules and the webhooks' life cycle. Holds no rule.

`WebhookProvider` is pickled by reference into the state of every webhook as ``__provider``: the module and the
name of the class are part of users' state for ever and must never change. Nothing is set on an instance before
`configure`, or it would be pickled as well.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

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

from pulumi_truto import config as settings
from pulumi_truto.errors import TrutoError
from pulumi_truto.session import ProviderSession
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook import properties as names

if TYPE_CHECKING:
    from pulumi_truto.webhook.manager import WebhookManager

__all__ = ["WebhookProvider"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _without_traceback(method: _Method) -> _Method:
    """Drops our own stack from an expected error.

    Pulumi shows the traceback of every exception. Of ours only this frame remains, so that the message stands out.
    """

    @functools.wraps(method)
    def wrapper(*args: Any) -> Any:
        try:
            return method(*args)
        except TrutoError as error:
            raise error.with_traceback(None) from None

    return wrapper  # type: ignore[return-value]


class WebhookProvider(ResourceProvider):
    """Serves every `Webhook` of one provider instance, on several threads at once."""

    # Keeps the reference to this class readable in the state: there is nothing secret in it.
    serialize_as_secret_always = False

    _session: ProviderSession

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the settings. An error in them is reported by `check`, as that is shown in the cleanest way."""
        name = req.config.get(settings.PROVIDER_KEY)
        found = settings.resolve(
            req.config.get, os.environ, provider=name if isinstance(name, str) else "", argument="api_token"
        )
        self._session = ProviderSession(found)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validates the inputs and makes them canonical."""
        declared = _from_pulumi(news)
        if names.is_camel(_olds):
            # Of the native plugin. Pulumi's `ignore_changes` does not find its names, and drops what it should keep.
            declared = {**{name: value for name, value in _state(_olds).items() if name in rules.INPUTS}, **declared}
        canonical, reasons = self._session.check(declared, str)
        # Failures of the whole resource: with one of a property Pulumi shows its value, also where that is a secret.
        failures = [CheckFailure("", reason) for reason in reasons]
        return CheckResult(_to_pulumi(declared if failures else canonical), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares the state with the inputs; every change is an update in place. No API call."""
        self._session.known_ids.add(_id)
        changed = bool(rules.changes(_state(_olds), _from_pulumi(_news)))
        # What came from the native plugin is written anew, without a call: its outputs have other names.
        return DiffResult(changes=changed or names.is_camel(_olds), replaces=[])

    @_without_traceback
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Creates the webhook."""
        id_, state = self._manager(props).create(props)
        return CreateResult(id_, state)

    @_without_traceback
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Reads the webhook as it is now; drift goes into the inputs too, so that the next run heals it."""
        state = self._manager(_state(props)).read(id_, _state(props))
        if state is None:
            return ReadResult("", {})
        return ReadResult(id_, state, {name: state[name] for name in rules.INPUTS})

    @_without_traceback
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends what changed."""
        return UpdateResult(self._manager(_state(_olds), _news).update(_id, _state(_olds), _news))

    @_without_traceback
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Deletes the webhook."""
        self._manager(_state(_props)).delete(_id, _state(_props))

    def _manager(self, *properties: Mapping[str, Any]) -> WebhookManager:
        """The way to Truto. Pulumi does not tell a dynamic provider which properties are secret."""
        for each in properties:
            self._session.protect(each, None)
        return self._session.manager


def _state(props: Mapping[str, Any]) -> dict[str, Any]:
    """The state without what Pulumi keeps in it for itself, also where the native plugin wrote it."""
    return {name: value for name, value in names.from_camel(props).items() if name in names.STATE}


def _from_pulumi(value: Any) -> Any:
    """Pulumi's placeholder for what is not known yet, turned into that of the rules.

    In `check` and `diff` the SDK gives an object for it (seen from 3.217 to 3.272), in lists too.
    """
    if isinstance(value, dict):
        return {name: _from_pulumi(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_from_pulumi(each) for each in value]
    return rules.UNKNOWN if isinstance(value, Unknown) else value


def _to_pulumi(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_pulumi(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_to_pulumi(each) for each in value]
    return rpc.UNKNOWN if value is rules.UNKNOWN else value
