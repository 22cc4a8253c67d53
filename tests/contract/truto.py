"""Creates, changes and deletes webhooks and notification destinations of one run, and touches no other."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import count
from typing import Any, Final, NoReturn, TypeVar

import pytest
from pydantic import TypeAdapter

from tests.contract.client import Client, RequestFailed, Response
from tests.contract.receiver import Receiver

__all__ = ["HOST", "NO_EVENTS", "UNSET", "Observed", "Truto", "event_types", "parse_time", "values"]

#: A name that is reserved (RFC 2606) and that nobody can register.
HOST: Final = "truto-contract.example.com"
#: For a webhook that is active but gets no events meanwhile.
NO_EVENTS: Final = ["truto_contract:none"]
#: The value of a field that a create leaves out.
UNSET: Final = object()
_POLL_SECONDS: Final = 0.2
#: A cleanup that fails is repeated at least as long.
_MIN_CLEANUP_SECONDS: Final = 5.0
#: Records an observation, where a fact allows several forms.
Observed = Callable[[object], None]
_Result = TypeVar("_Result")


def event_types(webhook: Mapping[str, Any]) -> set[str]:
    """Its event types; none for every event, however the response represents that."""
    return set(webhook.get("event_types") or [])


def values(webhook: Mapping[str, Any]) -> tuple[str, set[str], bool]:
    """A webhook as a program declares it: URL, event types in any order, and whether it is active."""
    return webhook["target_url"], event_types(webhook), webhook["is_active"]


def parse_time(value: object) -> datetime:
    """A time in UTC, as the provider reads it; one without a zone is in UTC."""
    assert isinstance(value, str), "a time that is not a string"
    moment = TypeAdapter(datetime).validate_python(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass(repr=False)
class Truto:
    """The webhooks of one run in the environment of one token, or its notification destinations.

    Attributes:
        run_id: part of the URL of every webhook of the run, and of the label of every destination.
        settle_seconds: how long to wait until the list or the log shows a change.
        receiver: gets test events, if Truto can reach one.
        other: the same run in another environment, if there is a token for one.
        publish: makes an event of this type happen in the environment, if that is possible.
        must_observe: every fact has to be observable.
        own: the ids that may be changed: a read or the list showed that they are of this run, or they are made up.
        existing: those that were not deleted.
        unknown_creates: the number of creates that may have made a webhook whose id is not known.
        path: the path of the resource, whose items are called webhooks here.
        destinations: the notification destinations of the same run.
    """

    client: Client
    run_id: str
    settle_seconds: float
    receiver: Receiver | None = None
    other: Truto | None = None
    publish: Callable[[str], object] | None = None
    must_observe: bool = False
    own: set[str] = field(default_factory=set)
    existing: set[str] = field(default_factory=set)
    unknown_creates: int = 0
    path: str = "/webhook"
    destinations: Truto | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def not_observable(self, reason: str) -> NoReturn:
        """Skips the test: this run cannot observe the fact."""
        assert not self.must_observe, f"not observable: {reason}"
        pytest.skip(reason)

    def new_url(self) -> str:
        """A URL that no other webhook has, at which nothing listens."""
        return f"https://{HOST}/{self.run_id}/{next(self._numbers)}"

    def new_target(self, status: int = 200) -> tuple[Receiver, str]:
        """The receiver, and a URL of it that no other webhook has. Its status is 200 or 503."""
        if self.receiver is None:
            self.not_observable("needs a receiver that Truto can reach: --public-url and --port")
        return self.receiver, f"{self.receiver.url}/{self.run_id}/{next(self._numbers)}/{status}"

    def new_id(self) -> str:
        """An id that no webhook has."""
        id_ = str(uuid.uuid4())
        self.own.add(id_)
        return id_

    def create(self, **fields: Any) -> dict[str, Any]:
        """Creates a webhook, by default an inactive one for one event type, and returns the response."""
        response = self.post(**fields)
        if response.status in (402, 403):
            if not self.existing:
                raise RequestFailed(f"{response}, although this run has no webhook: make room in the environment")
            self.not_observable(str(response))
        id_ = response.object.get("id")
        assert isinstance(id_, str), f"{response}, without an id"
        if id_ not in self.own:  # nothing is changed before a read shows whose it is
            self.poll(lambda: self.get(id_).status != 404 or None)
        assert id_ in self.own, f"{response}, and no read shows that its id is that of the new webhook"
        return response.object

    def post(self, *, headers: Mapping[str, str] | None = None, **fields: Any) -> Response:
        """Sends the request of a create, and reads the webhook in its response. `UNSET` leaves a field out."""
        body = {"is_active": False, "event_types": ["record:created"], **self._new_fields(), **fields}
        body = {name: value for name, value in body.items() if value is not UNSET}
        headers = headers or {"Idempotency-Key": str(uuid.uuid4())}
        self.client.pace.sleep(0)  # ends a stopped run
        self.unknown_creates += 1
        response = self.client.send("POST", self.path, json=body, headers=headers)
        is_refused = 400 <= response.status < 500 and response.status != 409
        ids = [webhook["id"] for webhook in response.items(self.path) if isinstance(webhook.get("id"), str)]
        self.unknown_creates -= is_refused or any(id_ in self.own for id_ in ids)
        for id_ in ids:
            self.get(id_)
        return response

    def get(self, id_: str) -> Response:
        """Sends the request of a read."""
        response = self.client.send("GET", f"{self.path}/{{id}}", id_)
        self._recognize(*(webhook for webhook in response.items(self.path) if webhook.get("id") == id_))
        return response

    def read(self, id_: str) -> dict[str, Any]:
        """The webhook."""
        return _about(id_, self.get(id_))

    def patch(self, id_: str, **fields: Any) -> Response:
        """Sends the request of an update."""
        return self._change("PATCH", "/{id}", id_, json=fields)

    def update(self, id_: str, **fields: Any) -> dict[str, Any]:
        """Updates a webhook, and returns the response."""
        return _about(id_, self.patch(id_, **fields))

    def delete(self, id_: str) -> Response:
        """Sends the request of a delete."""
        response = self._change("DELETE", "/{id}", id_)
        if response.is_success or response.status == 404:
            self.existing.discard(id_)
        return response

    def create_deleted(self) -> str:
        """The id of a webhook that was created and deleted."""
        id_: str = self.create()["id"]
        response = self.delete(id_)
        assert response.is_success, response
        return id_

    def test(self, id_: str) -> Response:
        """Makes Truto deliver its test event."""
        return self._change("POST", "/test", id_, json={"id": id_})

    def page(self, **params: str) -> Response:
        """One page of the list."""
        response = self.client.send("GET", self.path, params=params)
        self._recognize(*response.items(self.path))
        return response

    def list(self, **params: str) -> list[dict[str, Any]]:
        """The webhooks on all pages of the list, with the page size of the provider."""
        webhooks: list[dict[str, Any]] = []
        cursors: set[str] = set()
        params = {"limit": "100", **params}
        while True:
            page = self.page(**params)
            assert isinstance(page.object.get("result", page.object.get("results")), list), f"{page}, without a list"
            webhooks += page.items(self.path)
            cursor = page.object.get("next_cursor")
            if cursor is None or cursor == "":
                return webhooks
            assert isinstance(cursor, str), f"{page}, with a next_cursor that is not a string"
            assert cursor not in cursors, f"{page}, with a repeated next_cursor"
            cursors.add(cursor)
            params["next_cursor"] = cursor

    def listed(self, *ids: str) -> dict[str, dict[str, Any]]:
        """The list by id, as soon as it has these webhooks."""

        def find() -> dict[str, dict[str, Any]] | None:
            webhooks = {webhook["id"]: webhook for webhook in self.list()}
            return webhooks if set(ids) <= set(webhooks) else None

        webhooks = self.poll(find)
        assert webhooks is not None, f"the list does not show the new webhooks within {self.settle_seconds:g} s"
        return webhooks

    def poll(self, attempt: Callable[[], _Result | None]) -> _Result | None:
        """The first result that is not None, or None after the time to settle."""
        deadline = time.monotonic() + self.settle_seconds
        while (result := attempt()) is None and time.monotonic() < deadline:
            self.client.pace.sleep(_POLL_SECONDS)
        return result

    def delete_existing(self) -> None:
        """Deletes the known webhooks of this run. Failed deletes are left to `clean_up`."""
        for id_ in sorted(self.existing):
            with contextlib.suppress(RequestFailed):
                self.delete(id_)
        for others in (self.other, self.destinations):
            if others is not None:
                others.delete_existing()

    def clean_up(self) -> str:
        """Deletes until the list shows no webhook of this run. Returns the problem, or "" for none."""
        self.client.pace.is_cleaning_up = True
        noun, started = self.path[1:].replace("-", " "), time.monotonic()
        while True:
            self.delete_existing()
            try:
                self.list()  # finds those whose id no response named
                ids = ", ".join(sorted(self.existing))
                problem = ids and f"NOT DELETED, or still listed: {ids}. Delete every {noun} with {self.run_id}"
            except (RequestFailed, AssertionError) as error:
                problem = f"NOT PROVED that no {noun} with {self.run_id} is left: {error}. Look in Truto"
            seconds = time.monotonic() - started
            if not problem and (self.unknown_creates <= 0 or seconds > self.settle_seconds):
                return ""
            if problem and seconds > max(self.settle_seconds, _MIN_CLEANUP_SECONDS):
                return problem
            self.client.pace.sleep(_POLL_SECONDS)

    def _change(self, method: str, path: str, id_: str, **options: Any) -> Response:
        assert id_ in self.own, "this webhook is not of this run"
        return self.client.send(method, self.path + path, id_, **options)

    def _new_fields(self) -> dict[str, Any]:
        """The required fields of a create."""
        url = self.new_url()
        if self.path == "/webhook":
            return {"target_url": url}
        return {"type": "slack", "config": {"webhook_url": url}, "label": self.run_id}

    def _recognize(self, *webhooks: Mapping[str, Any]) -> None:
        """Notes which webhooks in a read or the list are of this run, by their URL or label."""
        for webhook in webhooks:
            id_ = webhook.get("id")
            if isinstance(id_, str) and self.run_id in json.dumps(webhook).lower():
                self.unknown_creates -= id_ not in self.own
                self.own.add(id_)
                self.existing.add(id_)


def _about(id_: str, response: Response) -> dict[str, Any]:
    assert response.object.get("id") == id_, f"{response}, with the id of another webhook"
    return response.object
