"""Truto webhooks as Pulumi resources. The public names are loaded on first use.

``import pulumi_truto as truto``, then `truto.Webhook`. A service that only verifies deliveries imports
`pulumi_truto.signature`, which loads nothing but the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_truto import signature
    from pulumi_truto.event_types import EventType
    from pulumi_truto.functions import get_webhook, get_webhooks
    from pulumi_truto.resources import NotificationDestination, Provider, SigningSecrets, Webhook, WebhookTest
    from pulumi_truto.version import __version__
    from pulumi_truto.webhook.lookup import WebhookInfo

__all__ = [
    "EventType",
    "NotificationDestination",
    "Provider",
    "SigningSecrets",
    "Webhook",
    "WebhookInfo",
    "WebhookTest",
    "__version__",
    "get_webhook",
    "get_webhooks",
    "signature",
]

_EXPORTS = {
    "EventType": "pulumi_truto.event_types",
    "NotificationDestination": "pulumi_truto.resources",
    "Provider": "pulumi_truto.resources",
    "SigningSecrets": "pulumi_truto.resources",
    "Webhook": "pulumi_truto.resources",
    "WebhookInfo": "pulumi_truto.webhook.lookup",
    "WebhookTest": "pulumi_truto.resources",
    "__version__": "pulumi_truto.version",
    "get_webhook": "pulumi_truto.functions",
    "get_webhooks": "pulumi_truto.functions",
}


if not TYPE_CHECKING:  # a type checker would take every name for an existing one

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "signature":
            return import_module("pulumi_truto.signature")
        if name not in _EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
