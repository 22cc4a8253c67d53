"""The common part of Truto's REST resources: create, read, update, delete, list, and edits without the API."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field

from pulumi_truto.sandbox.clock import parse_time
from pulumi_truto.sandbox.paging import make_page
from pulumi_truto.sandbox.responses import ErrorResponse
from pulumi_truto.sandbox.validation import OMITTED, Json, StrictModel, rule

if TYPE_CHECKING:
    from pulumi_truto.sandbox.backend import TrutoBackend

__all__ = ["Collection", "Edit", "Endpoint", "Item", "ListFilter", "PrintableString", "RequestBody"]

_Item = TypeVar("_Item", bound="Item")
_List = list  # because `list` is a method inside the class
_METHODS = {
    "create": ("POST", ""),
    "read": ("GET", "/{id}"),
    "update": ("PATCH", "/{id}"),
    "delete": ("DELETE", "/{id}"),
    "list": ("GET", ""),
    "test": ("POST", "/test"),
}


@dataclass(frozen=True)
class Endpoint:
    """A method and a path of the API; ``{id}`` in the path stands for the id of an item."""

    operation: str
    """Its name for faults, holds and the call log."""
    method: str
    path: str
    verb: str = ""
    resource: type[Collection[Any]] | None = None


class RequestBody(StrictModel):
    """The base of request bodies. Unknown fields are ignored, as Truto does."""

    model_config = ConfigDict(extra="ignore")


class ListFilter(RequestBody):
    """The base of the filters of a list: an item matches if it has the same values."""

    environment_id: str = OMITTED


PrintableString = Annotated[
    str, Field(pattern=r"^[^\p{C}\p{Zl}\p{Zp}]+$"), rule("must be a string of printable characters")
]
_Time = Annotated[datetime, BeforeValidator(lambda value, info: parse_time(info.field_name, value))]


class Edit(StrictModel):
    """The base of edits without the API. Only types are validated, so that a test can create impossible states."""

    _unknown_field: ClassVar[str] = "{name!r} is not a field that can be edited: one of {known}"

    environment_id: PrintableString = OMITTED
    created_at: _Time = OMITTED
    updated_at: _Time = OMITTED


@dataclass(kw_only=True)
class Item:
    """The stored fields of every resource."""

    id: str
    environment_id: str
    created_at: datetime
    updated_at: datetime
    number: int
    """Its position in the order of creation, which is the order of the list."""


class Collection(Generic[_Item]):
    """The items of one resource. Thread-safe.

    A resource is a subclass: it sets the attributes, and overrides a method where Truto treats it specially.
    `create`, `read`, `update`, `delete` and `list` are the API: they take the environment of the caller's token, return
    the JSON of the response, and raise `ErrorResponse`, or ValueError for a 400.

    Attributes:
        path: the path of the list.
        noun: the API's name for an item.
        plural: the admin API's name for the items.
        verbs: the verbs of the API.
        operation_suffix: distinguishes the operations from those on webhooks. The name of a list is plural.
        hidden: the fields of an item that no response shows.
    """

    path: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    verbs: ClassVar[tuple[str, ...]] = ("create", "read", "update", "delete", "list")
    operation_suffix: ClassVar[str] = ""
    create_body: ClassVar[type[RequestBody]]
    update_body: ClassVar[type[RequestBody]] = RequestBody
    edit_body: ClassVar[type[Edit]]
    list_filter: ClassVar[type[ListFilter]] = ListFilter
    hidden: ClassVar[frozenset[str]] = frozenset({"number"})
    item_type: type[_Item]

    def __init__(self, backend: TrutoBackend) -> None:
        self._backend = backend
        self._items: dict[str, _Item] = {}
        self._numbers = itertools.count(1)

    @classmethod
    def endpoints(cls) -> tuple[Endpoint, ...]:
        """The endpoints of this resource."""
        suffixes = {"list": cls.operation_suffix and cls.operation_suffix + "s"}
        return tuple(
            Endpoint(verb + suffixes.get(verb, cls.operation_suffix), method, cls.path + path, verb, cls)
            for verb, (method, path) in _METHODS.items()
            if verb in cls.verbs
        )

    def respond(
        self, verb: str, environment_id: str, item_id: str, query: Mapping[str, str], body: Json
    ) -> Json | None:
        """Returns the JSON of the response to a request; None for a response without a body."""
        arguments: dict[str, Any] = {"create": [body], "update": [item_id, body], "list": [query]}
        response: Json | None = getattr(self, verb)(environment_id, *arguments.get(verb, [item_id]))
        return response

    def create(self, environment_id: str, body: Json) -> Json:
        """``POST``."""
        fields = self.create_body.from_json(body).model_dump()
        # SDKs send null for a field that their caller omits.
        if body.get("environment_id") not in (None, environment_id):
            raise ErrorResponse(403, "environment_id is not the environment of this token")
        with self._backend.lock:
            now = self._backend.clock.now()
            times: Json = {"created_at": now, "updated_at": now}
            fields = {"id": self._backend.new_id(), "environment_id": environment_id, **times, **fields}
            item = self.item_type(number=next(self._numbers), **fields, **self.generated_fields())
            self._items[item.id] = item
            return self.show(item)

    def read(self, environment_id: str, item_id: str) -> Json:
        """``GET`` of one item."""
        return self.show(self.find(item_id, environment_id))

    def update(self, environment_id: str, item_id: str, body: Json) -> Json:
        """``PATCH``. Omitted fields stay unchanged."""
        with self._backend.lock:
            self.find(item_id, environment_id)
            changes = self.update_body.from_json(body).model_dump(exclude_unset=True)
            return self.show(self.change(item_id, changes))

    def delete(self, environment_id: str, item_id: str) -> Json | None:
        """``DELETE``. None stands for a response without a body."""
        self.remove(item_id, environment_id)
        return {"id": item_id} if self._backend.settings.delete_response == "object" else None

    def list(self, environment_id: str, query: Mapping[str, str]) -> Json:
        """``GET`` of one page, oldest item first."""
        criteria = self.list_filter.from_json(query).model_dump(exclude_unset=True).items()
        settings, now = self._backend.settings, self._backend.clock.now()
        lag_seconds = settings.list_lag_seconds
        with self._backend.lock:
            matches = (
                (item.number, item)
                for item in self._items.values()
                if item.environment_id == environment_id
                and (not lag_seconds or (now - item.created_at).total_seconds() >= lag_seconds)
                and all(getattr(item, name) == value for name, value in criteria)
            )
            return make_page(matches, query, settings.page_default, settings.page_maximum, self.show)

    def generated_fields(self) -> Json:
        """Returns the fields that Truto itself gives a new item of this resource."""
        return {}

    def show(self, item: _Item) -> Json:
        """Returns an item as in a response."""
        fields = {name: value for name, value in asdict(item).items() if name not in self.hidden}
        return {
            name: self._backend.timestamp(value) if isinstance(value, datetime) else value
            for name, value in fields.items()
        }

    def items(self, environment_id: str | None = None) -> _List[_Item]:
        """Copies of the items of one environment, or of all, oldest first."""
        with self._backend.lock:
            items = self._items.values()
            return [replace(item) for item in items if environment_id in (None, item.environment_id)]

    def find(self, item_id: str, environment_id: str | None = None) -> _Item:
        """Returns a copy of an item, of any environment by default.

        Raises:
            ErrorResponse: 404, there is no such item.
        """
        with self._backend.lock:
            item = self._items.get(item_id)
            if item is None or environment_id not in (None, item.environment_id):
                raise ErrorResponse(404, f"{self.noun} not found")
            return replace(item)

    def edit(self, item_id: str, fields: Json) -> _Item:
        """Changes an item of any environment without the API, as a person can in Truto's dashboard.

        Only types are validated, so that a test can create states that the API itself would reject.

        Raises:
            ValueError: a field is unknown or has the wrong type.
            ErrorResponse: 404, there is no such item.
        """
        changes = self.edit_body.from_json(fields).model_dump(exclude_unset=True)
        with self._backend.lock:
            if "environment_id" in changes:
                self._backend.require_environment(changes["environment_id"])
            self.find(item_id)
            return replace(self.change(item_id, changes))

    def remove(self, item_id: str, environment_id: str | None = None) -> None:
        """Deletes an item without the API, of any environment by default.

        Raises:
            ErrorResponse: 404, there is no such item.
        """
        with self._backend.lock:
            self.find(item_id, environment_id)
            del self._items[item_id]

    def change(self, item_id: str, changes: Json) -> _Item:
        """Changes the stored item; the caller holds the lock."""
        item = self._items[item_id]
        # At least a millisecond later, so that the change is visible even if the clock is frozen.
        updated_at = max(self._backend.clock.now(), item.updated_at + timedelta(milliseconds=1))
        self._items[item_id] = replace(item, **{"updated_at": updated_at, **changes})
        return self._items[item_id]
