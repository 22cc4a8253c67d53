"""A collection of Truto's API, such as ``/webhook``: one method per endpoint."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pulumi_truto.api import models
from pulumi_truto.api.transport import Request
from pulumi_truto.errors import ConfigurationError, InvalidResponseError, TrutoError
from pulumi_truto.resource_type import Values
from pulumi_truto.urls import ID

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient

__all__ = ["MAX_PAGES", "PAGE_SIZE", "Collection", "valid_id"]

_Item = TypeVar("_Item", bound=models.Item)
_Created = TypeVar("_Created", bound=models.Item)

PAGE_SIZE: Final = 100
#: No environment has that many items: a longer list is one that never ends.
MAX_PAGES: Final = 1000


class Collection(Generic[_Item, _Created]):
    """The items of one kind in one Truto environment. Thread-safe.

    A method whose response shows another environment than the settings name raises `WrongEnvironmentError`; only
    `create` leaves that to its caller.

    Args:
        client: sends the requests.
        path: the path of the collection.
        noun: the name of an item in messages.
        item: an item in a response.
        created: an item in the response to its create.

    Attributes:
        client: the client.
        noun: the name of an item in messages.
    """

    def __init__(self, client: TrutoClient, path: str, noun: str, item: type[_Item], created: type[_Created]) -> None:
        self.client = client
        self.noun = noun
        self._path = path
        self._item = item
        self._created = created

    def create(
        self,
        body: Values,
        claim: Callable[[str], bool] = lambda _: True,
        unknown_outcomes: list[TrutoError] | None = None,
    ) -> _Created:
        """``POST``. The response to the create of a webhook contains its secret, unlike any other.

        It is retried with the same ``Idempotency-Key``, which Truto documents for other endpoints. Every attempt may
        make an item: the body should switch it off.

        Args:
            body: the item.
            claim: called with the new item's id. Returns ``False`` if that is the id of another item: then the response
                is not used.
            unknown_outcomes: receives the error of each attempt that Truto may have processed.
        """
        client, attempted = self.client, f"create the {self.noun}"

        def parse(status: int, response: bytes) -> _Created:
            try:
                item = client.parse(attempted, self._created.parse)(status, response)
            except InvalidResponseError as error:
                with contextlib.suppress(ValueError):
                    error.id = models.Named.parse(response).id
                raise
            if not claim(item.id):
                raise client.errors.wrong_item(attempted, self.noun, item.id)
            client.redactor.add_secret(getattr(item, "secret", None))
            return item

        client.redactor.add_urls(body)
        options = {"json": body, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
        unknown = [] if unknown_outcomes is None else unknown_outcomes
        request = Request(attempted, "POST", self._path, is_create=True, options=options, unknown_outcomes=unknown)
        return client.send(request, parse)

    def get(self, id_: str) -> _Item:
        """``GET`` of one item."""
        return self._send_for_item(f"read {self.noun} {id_}", "GET", id_)

    def list_page(self, cursor: str | None = None, *, page_size: int | None = None) -> models.Page[_Item]:
        """``GET`` of one page of the list. `iter_items` goes through all of them."""
        client, attempted = self.client, f"list the {self.noun}s"
        size = min(page_size or PAGE_SIZE, PAGE_SIZE)
        params = {"limit": str(size), **({"next_cursor": cursor} if cursor else {})}
        request = Request(attempted, "GET", self._path, options={"params": params})
        page = client.send(request, client.parse(attempted, partial(models.Page.parse, self._item)))
        for unreadable in page.unreadable:
            name = f"{self.noun} {unreadable.id}" if unreadable.id else "an item without an id"
            client.warn(
                f"skipped {name} in Truto's list of {self.noun}s, because its data is invalid "
                f"({client.redactor.sanitize(unreadable.reason)})"
            )
        for item in page.result:
            self._check(item)
        return page

    def iter_pages(self) -> Iterator[models.Page[_Item]]:
        """The pages of the list."""
        cursor: str | None = None
        cursors: set[str] = set()
        for _ in range(MAX_PAGES):
            page = self.list_page(cursor)
            yield page
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in cursors:
                break
            cursors.add(cursor)
        raise InvalidResponseError(
            f"cannot list the {self.noun}s: the list does not end (a repeated cursor, or more than {MAX_PAGES} "
            "pages). Contact Truto's support"
        )

    def iter_items(self) -> Iterator[_Item]:
        """Every valid item of the token's environment, page after page, as `iter_pages` does."""
        for page in self.iter_pages():
            yield from page.result

    def update(self, id_: str, body: Values) -> _Item:
        """``PATCH``. The body should always have ``event_types``.

        By Truto's guides a PATCH leaves what it omits unchanged; by its reference it subscribes to every event if it
        omits ``event_types``. A PATCH with ``event_types`` is right under both.
        """
        self.client.redactor.add_urls(body)
        return self._send_for_item(f"update {self.noun} {id_}", "PATCH", id_, json=body)

    def delete(self, id_: str, unknown_outcomes: list[TrutoError] | None = None) -> None:
        """``DELETE``. Truto returns 200 with an object, or 204 with nothing.

        Args:
            id_: the item.
            unknown_outcomes: receives the error of each attempt that Truto may have processed.
        """
        client, attempted = self.client, f"delete {self.noun} {id_}"

        def parse(status: int, body: bytes) -> None:
            if status != 204:
                deleted = client.parse(attempted, models.Named.parse)(status, body)
                if deleted.id != id_:
                    raise client.errors.wrong_item(attempted, self.noun, deleted.id)

        unknown = [] if unknown_outcomes is None else unknown_outcomes
        client.send(Request(attempted, "DELETE", self._path_of(id_), unknown_outcomes=unknown), parse)

    def _check(self, item: _Item) -> None:
        """Keeps the item's URLs out of messages, and raises if it belongs to another environment than the settings'.

        Raises:
            WrongEnvironmentError: it does.
        """
        self.client.redactor.add_urls(vars(item))
        self.client.settings.check_environment(item.environment_id, f"{self.noun} {item.id}")

    def _send_for_item(self, attempted: str, method: str, id_: str, **options: Any) -> _Item:
        client = self.client

        def parse(status: int, body: bytes) -> _Item:
            item = client.parse(attempted, self._item.parse)(status, body)
            if item.id != id_:
                raise client.errors.wrong_item(attempted, self.noun, item.id)
            return item

        item = client.send(Request(attempted, method, self._path_of(id_), options=options), parse)
        self._check(item)
        return item

    def _path_of(self, id_: str) -> str:
        return f"{self._path}/{valid_id(id_, self.noun)}"


def valid_id(id_: str, noun: str) -> str:
    """The id, for the path of a URL, where another string could reach another endpoint."""
    if not ID.fullmatch(id_):
        raise ConfigurationError(
            f"{id_[:60]!r} is not a valid {noun} id: ids contain only letters, digits, '-' and '_'"
        )
    return id_
