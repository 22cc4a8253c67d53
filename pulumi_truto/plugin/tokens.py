"""The plugin's package, and the tokens of its resource, types and functions. They are part of users' state for ever."""

from __future__ import annotations

from typing import Final, Literal

__all__ = [
    "DYNAMIC_WEBHOOK",
    "DYNAMIC_WEBHOOK_TEST",
    "EVENT_TYPE",
    "GET_WEBHOOK",
    "GET_WEBHOOKS",
    "PACKAGE",
    "WEBHOOK",
    "WEBHOOK_INFO",
    "WEBHOOK_TEST",
    "ProviderKind",
]

#: The dynamic provider in a Python program, or the native plugin.
ProviderKind = Literal["dynamic", "native"]

PACKAGE: Final = "truto"
WEBHOOK: Final = "truto:index:Webhook"
#: The type of the same resource with the dynamic provider.
DYNAMIC_WEBHOOK: Final = "pulumi-python:dynamic/truto:Webhook"
DYNAMIC_WEBHOOK_TEST: Final = "pulumi-python:dynamic/truto:WebhookTest"
WEBHOOK_TEST: Final = "truto:index:WebhookTest"
EVENT_TYPE: Final = "truto:index:EventType"
WEBHOOK_INFO: Final = "truto:index:WebhookInfo"
GET_WEBHOOK: Final = "truto:index:getWebhook"
GET_WEBHOOKS: Final = "truto:index:getWebhooks"
