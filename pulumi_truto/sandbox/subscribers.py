"""The common part of the resources that can be switched off, and that subscribe to event types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from pulumi_truto.sandbox.collection import Collection, Edit, Item, RequestBody
from pulumi_truto.sandbox.validation import OMITTED, Json, rule

__all__ = ["Subscriber", "SubscriberBody", "SubscriberEdit", "Subscribers"]

_Subscriber = TypeVar("_Subscriber", bound="Subscriber")
_EventTypes = Annotated[
    list[str],
    BeforeValidator(lambda event_types: [] if event_types is None else event_types),
    rule("must be an array of strings"),
]


class SubscriberBody(RequestBody):
    """The common fields of creates and updates."""

    is_active: bool = True
    event_types: _EventTypes = Field(default_factory=list)


class SubscriberEdit(Edit):
    """The common fields of edits without the API."""

    is_active: bool = OMITTED
    event_types: _EventTypes = OMITTED


@dataclass(kw_only=True)
class Subscriber(Item):
    """The stored fields. An empty ``event_types`` means every event."""

    is_active: bool
    event_types: list[str]


class Subscribers(Collection[_Subscriber]):
    """The subscribers of one resource."""

    def update(self, environment_id: str, item_id: str, body: Json) -> Json:
        """``PATCH``. Omitted fields stay unchanged; for ``event_types`` a setting chooses."""
        omitted: Json = {"event_types": []} if self._backend.settings.omitted_event_types == "all" else {}
        return super().update(environment_id, item_id, {**omitted, **body})

    def show(self, item: _Subscriber) -> Json:
        """Returns a subscriber as in a response; a setting chooses how it represents every event."""
        item_json = super().show(item)
        if not item.event_types and self._backend.settings.empty_event_types_as == "null":
            item_json["event_types"] = None
        if not item.event_types and self._backend.settings.empty_event_types_as == "absent":
            del item_json["event_types"]
        return item_json
