"""A dynamic provider that calls nothing: the costs of Pulumi itself. Must import nothing but pulumi."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class BareProvider(ResourceProvider):
    """Does nothing."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Makes up an id."""
        return CreateResult("bare", props)


class Webhook(Resource):
    """A resource with the properties of a webhook and none behind it."""

    def __init__(self, name: str, target_url: str, event_types: list[str], is_active: bool = True) -> None:
        props = {"target_url": target_url, "event_types": event_types, "is_active": is_active}
        super().__init__(BareProvider(), name, props)
