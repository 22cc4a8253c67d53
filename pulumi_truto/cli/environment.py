"""Everything of one Truto environment that a stack can manage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.models import CronTrigger, Item
from pulumi_truto.errors import NotFoundError, TrutoError
from pulumi_truto.resource_type import Values
from pulumi_truto.resource_types import REST_TYPES
from pulumi_truto.rest.rest_type import RestType
from pulumi_truto.rest.state import to_inputs
from pulumi_truto.webhook.webhook_type import WEBHOOK

__all__ = ["Environment", "Existing", "read_environment"]


@dataclass(frozen=True)
class Existing:
    """An item at Truto, and its resource type."""

    kind: RestType
    item: Item

    @property
    def id(self) -> str:
        """Its id."""
        return self.item.id

    @property
    def inputs(self) -> Values:
        """The inputs that would declare it as it is."""
        return to_inputs(self.kind, self.item)

    @property
    def description(self) -> str:
        """What people know it by: for a webhook its URL."""
        name = self.item.display_name
        return name if self.kind is WEBHOOK else f"{self.kind.noun} {name}"

    @property
    def is_never_switched_on(self) -> bool:
        """Whether it is as a create leaves it before it is switched on, and was never changed."""
        return not self.item.is_active and self.item.updated_at in (None, self.item.created_at)

    def to_json(self) -> dict[str, Any]:
        """The item for programs, without secrets."""
        secret_names = {property_.name for property_ in self.kind.properties if property_.is_secret}
        return {
            "id": self.id,
            "type": self.kind.name,
            **{name: value for name, value in self.inputs.items() if name not in secret_names},
            "environment_id": self.item.environment_id,
            "created_at": self.item.created_at,
            "updated_at": self.item.updated_at,
            "never_switched_on": self.is_never_switched_on,
        }


@dataclass(frozen=True)
class Environment:
    """The environment of a token.

    Attributes:
        items: the valid items, oldest first within a resource type.
        unreadable: the ids of the invalid ones.
        triggers: the cron triggers.
        listed: the resource types that were listed.
        left_out: those that Truto's API does not have.
    """

    items: list[Existing]
    unreadable: set[str]
    triggers: list[CronTrigger]
    listed: list[RestType]
    left_out: list[RestType]


def read_environment(client: TrutoClient, warn: Callable[[str], None]) -> Environment:
    """Lists the environment. Only webhooks have to be there: the other endpoints are less certain."""
    environment = Environment([], set(), [], [], [])
    for kind in REST_TYPES.values():
        collection = getattr(client, kind.collection)
        try:
            pages = list(collection.iter_pages())
        except NotFoundError as error:
            if kind is WEBHOOK:
                raise
            warn(f"the {kind.noun}s are left out: {error}")
            environment.left_out.append(kind)
            continue
        environment.listed.append(kind)
        environment.items.extend(Existing(kind, item) for page in pages for item in page.result)
        environment.unreadable.update(item.id for page in pages for item in page.unreadable if item.id)
    try:
        environment.triggers.extend(client.list_cron_triggers())
    except TrutoError as error:
        warn(f"the cron triggers are left out: {error}")
    return environment
