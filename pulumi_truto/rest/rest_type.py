"""A resource that Truto's API creates, reads, updates and deletes, and whose verbs a `RestManager` implements."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, ClassVar, Final

from pulumi_truto.resource_type import Property, ResourceType, Values

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.rest.manager import RestManager
    from pulumi_truto.session import ProviderSession

__all__ = ["FINGERPRINT", "RestType", "outputs_of"]

#: Identifies the credential that last wrote the resource; see `pulumi_truto.config.Settings.fingerprint`. It is part of
#: the state and never a change.
FINGERPRINT: Final = "__fingerprint"


class RestType(ResourceType):
    """A resource with an endpoint. It has the inputs ``is_active`` and ``event_types``, and every item has an id.

    Attributes:
        noun: its name in messages.
        collection: the attribute of `pulumi_truto.api.client.TrutoClient` that has the endpoints.
        recreated_with: how a new resource in its place differs, for messages.
    """

    noun: ClassVar[str]
    collection: ClassVar[str]
    recreated_with: ClassVar[str] = "with a new id"
    hidden = (FINGERPRINT,)

    def new_manager(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> RestManager:
        """The manager of one environment. This loads it, which nothing does before the first API call."""
        from pulumi_truto.rest.manager import RestManager

        return RestManager(self, client, warn, known_ids)

    def create(self, session: ProviderSession, inputs: Values) -> tuple[str, Values]:
        return session.manager(self).create(inputs)

    def read(self, session: ProviderSession, id_: str, state: Values) -> Values | None:
        return session.manager(self).read(id_, state)

    def update(
        self, session: ProviderSession, id_: str, state: Values, inputs: Values, ignored: Collection[str] = ()
    ) -> Values:
        return session.manager(self).update(id_, state, inputs, ignored)

    def delete(self, session: ProviderSession, id_: str, state: Values) -> None:
        session.manager(self).delete(id_, state)


def outputs_of(noun: str) -> tuple[Property, ...]:
    """The outputs that every such resource has."""
    return (
        Property(
            name="environment_id",
            type="string",
            output="The Truto environment. The API token determines it.",
        ),
        Property(
            name="created_at",
            type="string",
            output=f"When the {noun} was created: UTC, as `2024-09-01T10:00:00.000Z`.",
        ),
        Property(
            name="updated_at",
            type="string",
            output=f"When the {noun} was last changed, in the same format.",
            changes_on_update=True,
        ),
    )
