"""What probes use: requests about webhooks of this run, and the list of the environment."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from tests.contract.api import Api
from tests.contract.control import Control
from tests.contract.fact import Contradiction, NotObservable, RequestFailed
from tests.contract.journal import Exchange, Journal, is_ambiguous
from tests.contract.receiver import Receiver
from tests.contract.seen import Seen

__all__ = ["HOST", "OMITTED", "Run", "expect_object", "expect_success", "iter_pages"]

#: A name that is reserved (RFC 2606) and that nobody can register.
HOST: Final = "truto-contract.example.com"
#: The value of a field that a body leaves out.
OMITTED: Final = object()
_MAX_PAGES: Final = 1000
_POLL_SECONDS: Final = 0.2


@dataclass
class Run:
    """One run of the suite.

    Attributes:
        run_id: part of every URL of its webhooks.
        api: the API with the token that is verified.
        wrong_api: the API with a token that does not exist.
        other_api: the API with a token of another environment, if there is one.
        receiver: gets test events, if Truto can reach one.
        settle_seconds: how long to wait until something that was written is seen.
    """

    run_id: str
    api: Api
    wrong_api: Api
    journal: Journal
    control: Control
    settle_seconds: float
    other_api: Api | None = None
    receiver: Receiver | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def log(self) -> list[Exchange]:
        """The exchanges so far with the token that is verified."""
        return [each for each in self.journal.exchanges if each.is_own]

    def new_url(self) -> str:
        """A URL that no other webhook has, at which nothing listens."""
        return f"https://{HOST}{self._new_path()}"

    def new_target(self, status: int = 200) -> tuple[str, str]:
        """The URL and the path of the receiver for one webhook.

        Args:
            status: how the receiver responds there.

        Raises:
            NotObservable: there is no receiver.
        """
        if self.receiver is None:
            raise NotObservable("needs a receiver that Truto can reach: --public-url and --port")
        path = self._new_path()
        self.receiver.respond(path, status)
        return self.receiver.url + path, path

    def _new_path(self) -> str:
        return f"/{self.run_id}/{next(self._numbers)}"

    def create(self, *, api: Api | None = None, headers: dict[str, str] | None = None, **fields: Any) -> Seen:
        """Creates a webhook, by default an inactive one for one event type, and returns the response."""
        return self.accept(self.send_create(api=api, headers=headers, **fields), api)

    def send_create(self, *, api: Api | None = None, headers: dict[str, str] | None = None, **fields: Any) -> Exchange:
        """Sends the request of a create, whatever the response is. `OMITTED` leaves a field out."""
        body = {"target_url": self.new_url(), "is_active": False, "event_types": ["record:created"], **fields}
        body = {name: value for name, value in body.items() if value is not OMITTED}
        # As the client does.
        headers = headers or {"Idempotency-Key": str(uuid.uuid4())}
        return (api or self.api).send("POST", "/webhook", json=body, headers=headers)

    def accept(self, exchange: Exchange, api: Api | None = None) -> Seen:
        """The new webhook in the response to a create.

        Raises:
            Contradiction: the create was refused, or the webhook in it is not that of this run.
            RequestFailed: the token may not create any webhook.
        """
        if exchange.status in (402, 403) and not self.journal.existing:
            raise RequestFailed(f"{exchange}, although no webhook of the suite exists: make room in the environment")
        created = Seen.of(expect_object(exchange), str(exchange))
        if created.id not in self.journal.verified:
            self._verify(created, api or self.api)
        return created

    def _verify(self, created: Seen, api: Api) -> None:
        """Nothing is changed or deleted before a read shows that it is a webhook of this run."""
        read = self.poll(lambda: self._read_or_none(created.id, api))
        if read is None:
            raise RequestFailed("the new webhook cannot be read")
        if self.run_id not in read.target_url.lower():
            self.journal.disown(created.id)
            raise Contradiction(f"{created.where}, with the id of another webhook")
        self.journal.verified.add(created.id)

    def _read_or_none(self, id_: str, api: Api) -> Seen | None:
        exchange = api.send("GET", f"/webhook/{id_}")
        return None if exchange.status == 404 else Seen.of(expect_object(exchange), str(exchange))

    def read(self, id_: str) -> Seen:
        """Reads a webhook."""
        return self._about(id_, self.api.send("GET", f"/webhook/{id_}"))

    def update(self, id_: str, **body: Any) -> Seen:
        """Updates a webhook, and returns the response."""
        return self._about(id_, self.send_update(id_, **body))

    def send_update(self, id_: str, **body: Any) -> Exchange:
        """Sends the request of an update, whatever the response is."""
        return self.api.send("PATCH", f"/webhook/{id_}", json=body)

    def _about(self, id_: str, exchange: Exchange) -> Seen:
        seen = Seen.of(expect_object(exchange), str(exchange))
        if seen.id != id_:
            raise Contradiction(f"{exchange}, with the id of another webhook")
        return seen

    def send_delete(self, id_: str) -> Exchange:
        """Sends the request of a delete, whatever the response is."""
        return self.api.send("DELETE", f"/webhook/{id_}")

    def delete(self, id_: str) -> None:
        """Deletes a webhook."""
        expect_success(self.send_delete(id_))

    def create_deleted(self) -> str:
        """The id of a webhook that was created and deleted."""
        id_ = self.create().id
        self.delete(id_)
        return id_

    def delete_all(self) -> None:
        """Deletes what the run made so far. What fails here is left to the cleanup at the end."""
        for id_ in [*self.journal.existing]:
            if id_ in self.journal.verified:
                with contextlib.suppress(RequestFailed):
                    self.journal.existing[id_].send("DELETE", f"/webhook/{id_}")

    def list_all(self, **params: str) -> list[dict[str, Any]]:
        """The items on all pages of the list, with the page size of the client."""
        return [item for page in iter_pages(self.api, limit="100", **params) for item in page.items]

    def wait_until_listed(self, ids: Collection[str]) -> list[dict[str, Any]]:
        """The list, as soon as it has all of these webhooks.

        Raises:
            NotObservable: it does not have them in time.
        """

        def listed() -> list[dict[str, Any]] | None:
            items = self.list_all()
            return items if set(ids) <= {item.get("id") for item in items} else None

        items: list[dict[str, Any]] | None = self.poll(listed)
        if items is None:
            raise NotObservable("the list does not show the new webhooks")
        return items

    def poll(self, attempt: Callable[[], Any]) -> Any:
        """The first result that is not None, or None after the time to settle."""
        deadline = time.monotonic() + self.settle_seconds
        while (result := attempt()) is None and time.monotonic() < deadline:
            self.control.sleep(_POLL_SECONDS)
        return result


def iter_pages(api: Api, **params: str) -> Iterator[Exchange]:
    """The pages of the list.

    Raises:
        Contradiction: a page cannot be read, or the list does not end.
    """
    cursors: set[str] = set()
    for _ in range(_MAX_PAGES):
        exchange = api.send("GET", "/webhook", params=params)
        page = expect_object(exchange)
        if not isinstance(page.get("result"), list):
            raise Contradiction(f"{exchange}, without a list of results")
        yield exchange
        cursor = page.get("next_cursor")
        if cursor is None or cursor == "":
            return
        if not isinstance(cursor, str) or cursor in cursors:
            raise Contradiction(f"{exchange}, with a repeated next_cursor or one that is no string")
        cursors.add(cursor)
        params = {**params, "next_cursor": cursor}
    raise Contradiction(f"the list has more than {_MAX_PAGES} pages")


def expect_success(exchange: Exchange) -> None:
    """Returns if the status is a 2xx.

    Raises:
        RequestFailed: the status says nothing about Truto's rules.
        NotObservable: the plan allows no further webhook.
        Contradiction: the request was refused.
    """
    if is_ambiguous(exchange.status) and exchange.status != 409:
        raise RequestFailed(str(exchange))
    if exchange.operation == "create" and exchange.status in (402, 403):
        raise NotObservable(str(exchange))
    if not exchange.is_success:
        raise Contradiction(str(exchange))


def expect_object(exchange: Exchange) -> dict[str, Any]:
    """The JSON object in the response. Raises as `expect_success` does, and `Contradiction` if there is none."""
    expect_success(exchange)
    if not isinstance(exchange.body, dict):
        raise Contradiction(f"{exchange}, without a JSON object")
    return exchange.body
