"""The native plugin's resources for Python test programs, with the names that the dynamic ones have.

A program would use the SDK that Pulumi generates. This is the same by hand, so that one test body runs on both ways in.
The harness copies it beside the program.
"""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_truto import EventType

__all__ = ["EventType", "Provider", "Webhook"]


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
        # As in every generated SDK: the schema says so.
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="pulumi-python:dynamic/truto:Webhook")])
        super().__init__("truto:index:Webhook", resource_name, props, pulumi.ResourceOptions.merge(opts, aliases))

    def __getattr__(self, name: str) -> Any:
        head, *tail = name.split("_")
        camel = head + "".join(part.capitalize() for part in tail)
        if camel == name:
            raise AttributeError(name)
        return getattr(self, camel)

    @staticmethod
    def get(resource_name: str, id: Any, opts: pulumi.ResourceOptions | None = None) -> Webhook:  # noqa: A002
        """Reads one that exists."""
        return Webhook(resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))


class Provider(pulumi.ProviderResource):
    """`pulumi:providers:truto`."""

    def __init__(self, resource_name: str, api_token: Any = None, base_url: Any = None, opts: Any = None) -> None:
        config = pulumi.Config("truto")
        token = config.get_secret("apiToken") if api_token is None else pulumi.Output.secret(api_token)
        super().__init__(
            "truto", resource_name, {"apiToken": token, "baseUrl": base_url or config.get("baseUrl")}, opts
        )
