"""A Python SDK for the native plugin, with the same names as the dynamic provider.

A real program uses the SDK that Pulumi generates. This one is written by hand so that one test program runs with both
provider kinds. `install_plugin` copies it next to the program.
"""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_truto import EventType

__all__ = ["EventType", "Provider", "SigningSecrets", "Webhook", "WebhookTest"]


class Webhook(pulumi.CustomResource):
    """`truto:index:Webhook`."""

    def __init__(
        self,
        resource_name: str,
        target_url: Any = None,
        event_types: Any = None,
        is_active: Any = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "targetUrl": target_url,
            "eventTypes": event_types,
            "isActive": is_active,
            "secret": None,
            "environmentId": None,
            "createdAt": None,
            "updatedAt": None,
        }
        # Every generated SDK has this alias, because the schema declares it.
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="pulumi-python:dynamic/truto:Webhook")])
        super().__init__("truto:index:Webhook", resource_name, props, pulumi.ResourceOptions.merge(opts, aliases))

    def __getattr__(self, name: str) -> Any:
        first, *words = name.split("_")
        camel = first + "".join(part.capitalize() for part in words)
        if camel == name:
            raise AttributeError(name)
        return getattr(self, camel)

    @staticmethod
    def get(resource_name: str, id: Any, opts: pulumi.ResourceOptions | None = None) -> Webhook:  # noqa: A002
        """Reads an existing webhook without managing it."""
        return Webhook(resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))


class WebhookTest(pulumi.CustomResource):
    """`truto:index:WebhookTest`."""

    def __init__(
        self,
        resource_name: str,
        webhook_id: Any,
        triggers: Any = None,
        retry_for_seconds: Any = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "webhookId": webhook_id,
            "triggers": triggers,
            "retryForSeconds": retry_for_seconds,
            "testedAt": None,
        }
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="pulumi-python:dynamic/truto:WebhookTest")])
        super().__init__("truto:index:WebhookTest", resource_name, props, pulumi.ResourceOptions.merge(opts, aliases))

    @property
    def tested_at(self) -> Any:
        """When the receiver accepted the test event."""
        return self.testedAt  # type: ignore[attr-defined]


class SigningSecrets(pulumi.CustomResource):
    """`truto:index:SigningSecrets`."""

    def __init__(
        self,
        resource_name: str,
        current: Any,
        overlap_hours: Any = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"current": current, "overlapHours": overlap_hours, "accepted": None, "rotatedAt": None}
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="pulumi-python:dynamic/truto:SigningSecrets")])
        super().__init__(
            "truto:index:SigningSecrets", resource_name, props, pulumi.ResourceOptions.merge(opts, aliases)
        )

    @property
    def rotated_at(self) -> Any:
        """When the current secret last changed."""
        return self.rotatedAt  # type: ignore[attr-defined]


class Provider(pulumi.ProviderResource):
    """`pulumi:providers:truto`."""

    def __init__(self, resource_name: str, api_token: Any = None, base_url: Any = None, opts: Any = None) -> None:
        config = pulumi.Config("truto")
        token = config.get_secret("apiToken") if api_token is None else pulumi.Output.secret(api_token)
        super().__init__(
            "truto", resource_name, {"apiToken": token, "baseUrl": base_url or config.get("baseUrl")}, opts
        )
