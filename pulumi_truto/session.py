"""The session of a provider instance, for both provider kinds: settings, client, checks and warnings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_truto.config import Settings
from pulumi_truto.diagnostics import Diagnostics
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.resource_type import ResourceType, Values

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.rest.manager import RestManager
    from pulumi_truto.rest.rest_type import RestType

__all__ = ["ProviderSession", "connect"]


def connect(settings: Settings, warn: Callable[[str], None], cancelled: threading.Event | None = None) -> TrutoClient:
    """A client. This loads requests and pydantic, which nothing does before.

    Raises:
        ConfigurationError: the settings have an error, or a library cannot be loaded. Nothing was sent: a create whose
            response cannot be read would be lost.
    """
    try:
        from pulumi_truto.api.client import TrutoClient
    except Exception as error:
        raise ConfigurationError(
            "nothing was sent because no response could be read: this installation of requests or pydantic does not "
            f"work ({error}). Install pulumi_truto again, in a separate environment"
        ) from error
    return TrutoClient(settings, warn=warn, cancelled=cancelled)


class ProviderSession:
    """One provider instance in one run of Pulumi. Thread-safe.

    Attributes:
        known_ids: the resources that this process has seen.
    """

    def __init__(self, settings: Settings, engine_address: str | None = None) -> None:
        self.settings = settings
        self.warn = Diagnostics(engine_address).warn
        self.known_ids: set[str] = set()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._client: TrutoClient | None = None
        self._managers: dict[str, RestManager] = {}

    @property
    def client(self) -> TrutoClient:
        """The client of the environment. Made on first use: a run without changes never loads requests or pydantic."""
        with self._lock:
            if self._client is None:
                self._client = connect(self.settings, self.warn, self._cancelled)
            return self._client

    def manager(self, kind: RestType) -> RestManager:
        """The resources of one type at Truto. Made on first use too."""
        client = self.client
        with self._lock:
            if kind.name not in self._managers:
                self._managers[kind.name] = kind.new_manager(client, self.warn, self.known_ids)
            return self._managers[kind.name]

    def cancel(self) -> None:
        """Starts no new attempt. Requests in flight continue because their outcome must get into the state."""
        self._cancelled.set()

    def check(
        self,
        kind: ResourceType,
        declared: Values,
        old_inputs: Mapping[str, Any],
        *,
        is_other_kind: bool,
        display_name: Callable[[str], str],
        resource_name: str,
    ) -> tuple[Values, list[str]]:
        """The canonical inputs, and the messages of all errors in them or in the settings. Shows the warnings.

        Args:
            kind: the resource type.
            declared: the inputs that the program declares, under the API's names.
            old_inputs: those of the last run, in either spelling; empty for a new resource.
            is_other_kind: the other provider kind wrote those. Pulumi's ``ignore_changes`` does not find its names,
                and drops inputs that it should keep.
            display_name: the program's name of a property.
            resource_name: the name of the resource, for warnings; empty if it is not known.
        """
        old = kind.pick_inputs(old_inputs)
        given = {name: value for name, value in declared.items() if value is not None}
        known = {**old, **given} if is_other_kind else declared
        result = kind.check(known, old, api_on_loopback=self.settings.is_loopback)
        prefix = f"{resource_name}: " if resource_name else ""
        for warning in result.warnings:
            self.warn(prefix + warning.message(display_name))
        messages = [error.message(display_name) for error in result.errors]
        return (known if messages else result.inputs), [*self.settings.errors, *messages]
