"""Truto webhooks as Pulumi resources: the public names, loaded when they are first used.

``import pulumi_truto as truto``, then `truto.Webhook`. A service that only verifies deliveries imports
`pulumi_truto.signature`, which loads neither pulumi nor anything else beyond the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_truto.event_types import EventType
    from pulumi_truto.functions import get_webhook, get_webhooks
    from pulumi_truto.resources import Provider, Webhook
    from pulumi_truto.version import __version__

__all__ = ["EventType", "Provider", "Webhook", "__version__", "get_webhook", "get_webhooks"]

_HOME = {
    "EventType": "pulumi_truto.event_types",
    "Provider": "pulumi_truto.resources",
    "Webhook": "pulumi_truto.resources",
    "__version__": "pulumi_truto.version",
    "get_webhook": "pulumi_truto.functions",
    "get_webhooks": "pulumi_truto.functions",
}


if not TYPE_CHECKING:  # for a type checker it would stand for every name, the misspelt ones too

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
