"""The dynamic provider: translates Pulumi's requests to the rules and the webhooks' life cycle. Holds no rule.

`WebhookProvider` is pickled by reference into the state of every webhook as ``__provider``: the module and the
name of the class are part of users' state for ever and must never change. Nothing is set on an instance before
`configure`, or it would be pickled as well.
"""

from __future__ import annotations

import functools
import os
import threading
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

from pulumi_truto import rules, settings
from pulumi_truto.adoption import Adoptions
from pulumi_truto.errors import TrutoError
from pulumi_truto.notices import Notices

if TYPE_CHECKING:
    from pulumi_truto.lifecycle import Webhooks

__all__ = ["WebhookProvider"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _short(method: _Method) -> _Method:
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

    _settings: settings.Settings
    _notices: Notices
    _adoptions: Adoptions
    _lock: threading.Lock
    _webhooks: Webhooks | None

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the settings. A fault in them is reported by `check`, as that is shown in the cleanest way."""
        self._settings = settings.resolve(req.config.get, os.environ)
        self._notices = Notices()
        self._adoptions = Adoptions()
        self._lock = threading.Lock()
        self._webhooks = None

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validates the inputs and makes them canonical."""
        declared = _from_pulumi(news)
        checked = rules.check(declared, api_on_loopback=self._settings.is_loopback)
        failures = [CheckFailure("", problem) for problem in self._settings.problems]
        faults = [*checked.faults, *self._adoptions.check(_olds, declared)]
        failures += [CheckFailure("", fault.text(fault.property)) for fault in faults]
        for warning in checked.warnings:
            self._notices.warn(warning)
        # With a failure the engine shows the value it got here, so that is what the user declared.
        return CheckResult(_to_pulumi(declared if failures else checked.inputs), failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares the state with the inputs; every change is an update in place. No API call."""
        self._adoptions.managed(_id)
        if _news.get("adopt") not in (None, _id, _olds.get("adopt")):
            self._notices.warn(
                f"`adopt` has no effect here: this resource is the webhook {_id} already, and stays it. It is for a "
                "resource that is new in the stack"
            )
        return DiffResult(changes=rules.differs(_olds, _from_pulumi(_news)), replaces=[])

    @_short
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Creates the webhook."""
        self._adoptions.require_free(props)
        id_, state = self._api().create(props)
        return CreateResult(id_, state)

    @_short
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Reads the webhook as it is now; drift goes into the inputs too, so that the next run heals it."""
        state = self._api().read(id_, _state(props))
        if state is None:
            return ReadResult("", {})
        return ReadResult(id_, state, {name: state[name] for name in (*rules.INPUTS, "adopt") if name in state})

    @_short
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends what changed."""
        return UpdateResult(self._api().update(_id, _state(_olds), _news))

    @_short
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Deletes the webhook."""
        self._api().delete(_id, _state(_props))

    def _api(self) -> Webhooks:
        """The way to Truto, made on first use: a run that changes nothing never loads requests or pydantic."""
        with self._lock:
            if self._webhooks is None:
                from pulumi_truto.client import TrutoClient
                from pulumi_truto.lifecycle import Webhooks

                self._webhooks = Webhooks(TrutoClient(self._settings), self._notices.warn)
            return self._webhooks


def _state(props: Mapping[str, Any]) -> dict[str, Any]:
    """The state without what Pulumi keeps in it for itself."""
    return {name: value for name, value in props.items() if name != "__provider"}


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
