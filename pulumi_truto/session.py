"""What both kinds of provider share: settings, the client on first use, the checks, warnings, and what stays secret."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_truto.config import Settings
from pulumi_truto.diagnostics import Notices
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.webhook import inputs as rules

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.webhook.manager import WebhookManager

__all__ = ["ProviderSession", "connect"]


def connect(settings: Settings, warn: Callable[[str], None], cancelled: threading.Event | None = None) -> TrutoClient:
    """A client, and with it requests and pydantic, which are loaded here and not before.

    Raises:
        ConfigurationError: the settings have a problem, or a library cannot be loaded. Nothing was sent: a create whose
            response cannot be read would be lost.
    """
    try:
        from pulumi_truto.api.client import TrutoClient
    except Exception as error:
        raise ConfigurationError(
            f"nothing was sent, as no response could be read: this installation of requests or pydantic does not work "
            f"({error}). Install pulumi_truto again, in an environment of its own"
        ) from error
    return TrutoClient(settings, warn=warn, cancelled=cancelled)


class ProviderSession:
    """One provider instance in one run of Pulumi, safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warn = Notices().warn
        #: The webhooks that this process has met.
        self.known_ids: set[str] = set()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._manager: WebhookManager | None = None

    @property
    def manager(self) -> WebhookManager:
        """The way to Truto, made on first use: a run that changes nothing never loads requests or pydantic."""
        with self._lock:
            if self._manager is None:
                client = connect(self.settings, self.warn, self._cancelled)
                from pulumi_truto.webhook.manager import WebhookManager

                self._manager = WebhookManager(client, self.warn, self.known_ids)
            return self._manager

    def cancel(self) -> None:
        """Begins no attempt any more; what is in flight goes on to its end."""
        self._cancelled.set()

    def check(
        self, inputs: Mapping[str, Any], display_name: Callable[[str], str], where: str = ""
    ) -> tuple[dict[str, Any], list[str]]:
        """The canonical inputs, and what is wrong with them or with the settings. Warnings are given.

        Args:
            inputs: what the program declares.
            display_name: what the program calls a property.
            where: what warnings begin with, as the name of the resource.
        """
        checked = rules.check(inputs, api_on_loopback=self.settings.is_loopback)
        for warning in checked.warnings:
            self.warn(where + warning.text(display_name(warning.property)))
        reasons = [fault.text(display_name(fault.property)) for fault in checked.faults]
        return checked.inputs, [*self.settings.problems, *reasons]

    def protect(self, properties: Mapping[str, Any], secret_names: set[str] | None) -> None:
        """From here on no message repeats what is secret in the properties.

        Args:
            properties: the inputs or the state of a webhook.
            secret_names: the properties that the program marked as secret; ``None`` where that is not known, as in a
                dynamic provider, which gets plain values. Any URL and any unusual event type can be a secret then.
        """
        url, event_types = properties.get("target_url"), properties.get("event_types")
        redact = self.manager.client.redact
        redact(properties.get("secret"))
        if secret_names is None or "target_url" in secret_names:
            redact(url)
        if isinstance(event_types, list) and (secret_names is None or "event_types" in secret_names):
            redact(*(each for each in event_types if secret_names is not None or not rules.is_known_event_type(each)))
