"""The plugin's package, and the tokens of its resources, types and functions: part of users' state for ever."""

from __future__ import annotations

from typing import Final, Literal

from pulumi_truto.webhook import signing_secrets, tester, webhook_type

__all__ = [
    "DYNAMIC_WEBHOOK",
    "EVENT_TYPE",
    "GET_WEBHOOK",
    "GET_WEBHOOKS",
    "PACKAGE",
    "SIGNING_SECRETS",
    "WEBHOOK",
    "WEBHOOK_INFO",
    "WEBHOOK_TEST",
    "ProviderKind",
]

#: The dynamic provider in a Python program, or the native plugin.
ProviderKind = Literal["dynamic", "native"]

PACKAGE: Final = "truto"
WEBHOOK: Final = webhook_type.WEBHOOK.token
#: The type of the same resource with the dynamic provider.
DYNAMIC_WEBHOOK: Final = webhook_type.WEBHOOK.dynamic_token
SIGNING_SECRETS: Final = signing_secrets.SIGNING_SECRETS.token
WEBHOOK_TEST: Final = tester.WEBHOOK_TEST.token
EVENT_TYPE: Final = "truto:index:EventType"
WEBHOOK_INFO: Final = "truto:index:WebhookInfo"
GET_WEBHOOK: Final = "truto:index:getWebhook"
GET_WEBHOOKS: Final = "truto:index:getWebhooks"
