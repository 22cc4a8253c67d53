"""What both provider kinds share: settings, the client on first use, checks, warnings, and which values are secret."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_truto.config import Settings
from pulumi_truto.diagnostics import Diagnostics
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.webhook.inputs import WebhookInputs, check, is_known_event_type

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.webhook.manager import WebhookManager
    from pulumi_truto.webhook.tester import WebhookTester

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
            f"nothing was sent, as no response could be read: this installation of requests or pydantic does not work "
            f"({error}). Install pulumi_truto again, in an environment of its own"
        ) from error
    return TrutoClient(settings, warn=warn, cancelled=cancelled)


class ProviderSession:
    """One provider instance in one run of Pulumi. Thread-safe.

    Attributes:
        known_ids: the webhooks that this process has seen.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warn = Diagnostics().warn
        self.known_ids: set[str] = set()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._manager: WebhookManager | None = None

    @property
    def manager(self) -> WebhookManager:
        """The webhooks at Truto. Made on first use: a run without changes never loads requests or pydantic."""
        with self._lock:
            if self._manager is None:
                client = connect(self.settings, self.warn, self._cancelled)
                from pulumi_truto.webhook.manager import WebhookManager

                self._manager = WebhookManager(client, self.warn, self.known_ids)
            return self._manager

    @property
    def tester(self) -> WebhookTester:
        """Tests webhooks at Truto."""
        from pulumi_truto.webhook.tester import WebhookTester

        return WebhookTester(self.manager.client, self.warn)

    def cancel(self) -> None:
        """Starts no new attempt. Requests in flight continue, as their outcome must get into the state."""
        self._cancelled.set()

    def check(
        self, declared: Mapping[str, Any], display_name: Callable[[str], str], prefix: str = ""
    ) -> tuple[WebhookInputs, list[str]]:
        """The canonical inputs, and the messages of all errors in them or in the settings. Shows the warnings.

        Args:
            declared: the inputs that the program declares.
            display_name: the program's name of a property.
            prefix: starts each warning, for example with the name of the resource.
        """
        result = check(declared, api_on_loopback=self.settings.is_loopback)
        for warning in result.warnings:
            self.warn(prefix + warning.message(display_name(warning.property)))
        messages = [error.message(display_name(error.property)) for error in result.errors]
        return result.inputs, [*self.settings.errors, *messages]

    def redact_secrets(self, properties: Mapping[str, Any], secret_names: set[str] | None) -> None:
        """From now on no message contains the secrets among the properties.

        Args:
            properties: the inputs or the state of a webhook.
            secret_names: the properties that the program marked as secret; ``None`` if that is not known, as in a
                dynamic provider, which receives plain values. Every URL and every unknown event type may be a secret
                then.
        """
        url, event_types = properties.get("target_url"), properties.get("event_types")
        redact = self.manager.client.redact
        redact(properties.get("secret"))
        if secret_names is None or "target_url" in secret_names:
            redact(url)
        if isinstance(event_types, list) and (secret_names is None or "event_types" in secret_names):
            redact(*(each for each in event_types if secret_names is not None or not is_known_event_type(each)))
