"""For every fact, how another Truto would contradict it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

from pulumi_truto.sandbox.clock import Clock
from tests.contract.altering_proxy import Alter, Reply

__all__ = ["CONTRADICTIONS", "Contradicting"]


@dataclass(frozen=True)
class Contradicting:
    """A Truto that contradicts a fact.

    Attributes:
        fault: a fault of the sandbox.
        alter: makes a function that alters the responses of the sandbox.
        behind_seconds: how far the sandbox's clock is behind.
        also: facts to probe first, as this one is about the requests of others.
    """

    fault: dict[str, Any] | None = None
    alter: Callable[[], Alter] = lambda: lambda _: None
    behind_seconds: float = 0.0
    also: tuple[str, ...] = ()

    def clock(self) -> Clock:
        """The sandbox's clock."""
        return Clock(datetime.now(timezone.utc) - timedelta(seconds=self.behind_seconds))


def _webhooks(operations: str, **fields: Any) -> Contradicting:
    """Sets fields of every webhook, or entry, in the responses to these operations."""

    def alter(reply: Reply) -> None:
        if reply.operation not in operations.split() or reply.status != 200:
            return
        for item in reply.body.get("result", [reply.body]):
            item.update({name: value(item) if callable(value) else value for name, value in fields.items()})

    return Contradicting(alter=lambda: alter)


def _list(change: Callable[[dict[str, str], list[Any]], list[Any]]) -> Contradicting:
    """Changes the items of a list, given its query."""

    def alter(reply: Reply) -> None:
        if reply.operation == "list" and reply.status == 200:
            reply.body["result"] = change(reply.query, reply.body["result"])

    return Contradicting(alter=lambda: alter)


def _statuses(old: int, new: int, body: Any = None, *, also: tuple[str, ...] = ()) -> Contradicting:
    """Responds with another status."""

    def alter(reply: Reply) -> None:
        if reply.status == old:
            reply.status, reply.body = new, body or reply.body

    return Contradicting(alter=lambda: alter, also=also)


def _headers(**headers: str) -> Contradicting:
    """Adds headers to every response."""

    def alter(reply: Reply) -> None:
        reply.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    return Contradicting(alter=lambda: alter)


def _still_listed() -> Alter:
    """Lists every webhook for ever."""
    items: dict[str, Any] = {}

    def alter(reply: Reply) -> None:
        if reply.operation == "list" and reply.status == 200:
            items.update({item["id"]: item for item in reply.body["result"]})
            reply.body["result"] = [*items.values()]

    return alter


def _listed_although_refused() -> Alter:
    """Lists a webhook for every create that was refused."""
    urls: list[str] = []

    def alter(reply: Reply) -> None:
        if reply.operation == "create" and reply.status == 400:
            urls.append(reply.sent["target_url"])
        if reply.operation == "list" and reply.status == 200:
            reply.body["result"] += [{"id": str(uuid.uuid4()), "target_url": url} for url in urls]

    return alter


def _jumping_clock() -> Alter:
    """Sets a time that is ten seconds off in every second create."""
    creates: list[str] = []

    def alter(reply: Reply) -> None:
        if reply.operation == "create" and reply.status == 200:
            creates.append(reply.body["id"])
            moment = datetime.fromisoformat(reply.body["created_at"].replace("Z", "+00:00"))
            moment += timedelta(seconds=10 * (len(creates) % 2))
            reply.body["created_at"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return alter


def _older_log_entry(reply: Reply) -> None:
    if reply.operation == "log" and reply.query["limit"] == "1":
        reply.body["result"][0]["created_at"] = "2021-08-10T10:00:00.000Z"


def _unreadable_plan_limit(reply: Reply) -> None:
    if reply.operation == "create":
        reply.status, reply.body = 403, {}


def _fault(kind: str, operation: str, **fields: Any) -> Contradicting:
    return Contradicting(fault={"kind": kind, "operation": operation, **fields})


def _hide_filtered(query: dict[str, str], items: list[Any]) -> list[Any]:
    return [] if "is_active" in query else items


def _without_dots(item: dict[str, Any]) -> str:
    return str(item["target_url"]).replace("/b/../", "/").replace("/./", "/")


_OTHER_EVENTS: Final = ["record:other"]
_SUCCESS: Final = {"status": 200, "body": {"success": True}}
_NOTHING: Final = {"status": 200, "body": {}}
_NOT_FOUND: Final = {"status": 404, "times": 1}

CONTRADICTIONS: Final[dict[str, Contradicting]] = {
    "create-response": _webhooks("create", is_active=True),
    "create-response-has-the-secret": _fault("missing_fields", "create", fields=["secret"]),
    "created-is-read-at-once": _fault("status", "read", **_NOT_FOUND),
    "id-is-part-of-a-path": _webhooks("create", id="a/b"),
    "equal-webhooks": _fault("status", "create", status=409, skip=1),
    "repeated-idempotency-key": _fault("missing_fields", "create", fields=["secret"], skip=1),
    "refused-create": Contradicting(alter=_listed_although_refused),
    "event-types-left-out-of-a-create": _webhooks("list", event_types=_OTHER_EVENTS),
    "event-types-empty-in-a-create": _webhooks("create", event_types=_OTHER_EVENTS),
    "event-types-null-in-a-create": _webhooks("read", event_types=_OTHER_EVENTS),
    "event-types-empty-in-an-update": _webhooks("update", event_types=_OTHER_EVENTS),
    "event-types-null-in-an-update": _webhooks("update", event_types=_OTHER_EVENTS),
    "order-of-event-types": _webhooks("read", event_types=_OTHER_EVENTS),
    "repeated-event-types": _webhooks("read", event_types=_OTHER_EVENTS),
    "unknown-event-type": _fault("status", "create", status=400),
    "wildcard-event-type": _webhooks("create read", event_types=["record:created", "record:updated"]),
    "known-event-types": _fault("status", "create", status=422),
    "longest-url": _fault("status", "create", status=400),
    "spelling-of-urls": _webhooks("update", target_url=_without_dots),
    "non-ascii-url": _webhooks("read", target_url=lambda item: quote(item["target_url"], safe=":/?&=%")),
    "update-leaves-the-rest": _webhooks("update", is_active=True),
    "update-is-read-at-once": _webhooks("read", is_active=False),
    "delete-response": _fault("response", "delete", processed=True, **_NOTHING),
    "read-of-a-deleted-webhook": _fault("response", "read", skip=1, **_NOTHING),
    "update-of-a-deleted-webhook": _fault("response", "update", **_NOTHING),
    "delete-of-a-deleted-webhook": _fault("status", "delete", status=400, skip=1),
    "unknown-id": _fault("status", "read", status=400),
    "list-response": _fault("response", "list", skip=2, status=200, body={"result": [], "next_cursor": 5}),
    "pages": _list(lambda query, items: items + items[:1] if query["limit"] != "100" else items),
    "page-sizes": _list(lambda _, items: items * 2),
    "new-webhook-is-listed": _list(lambda *_: []),
    "deleted-webhook-is-not-listed": Contradicting(alter=_still_listed),
    "list-equals-read": _webhooks("list", is_active=True),
    "inactive-webhooks-are-listed": _list(lambda _, items: [item for item in items if item["is_active"]]),
    "filters-of-the-list": _list(_hide_filtered),
    "form-of-times": _webhooks("create", created_at="10 Aug 2021"),
    "created-at-stays": _webhooks("update", created_at="2021-08-10T10:00:00.000Z"),
    "created-at-is-during-the-request": Contradicting(alter=_jumping_clock),
    "clock-of-truto": Contradicting(behind_seconds=120),
    "create-without-a-url": _fault("status", "create", status=404),
    "wrong-token": _statuses(401, 404),
    "webhook-of-another-environment": _statuses(404, 400),
    "bodies-of-errors": _statuses(404, 404, {"oops": True}),
    "test-of-an-unreachable-target": _fault("response", "test", **_SUCCESS),
    "test-that-the-target-rejects": _webhooks("test", success=True),
    "test-that-the-target-accepts": _webhooks("test", success=False),
    "test-of-an-inactive-webhook": _fault("response", "test", **_SUCCESS),
    "test-of-an-unknown-webhook": _fault("response", "test", **_SUCCESS),
    "test-event": Contradicting(behind_seconds=600),
    "signature-of-a-delivery": _webhooks("create", secret=str(uuid.uuid4())),
    "secret-survives-updates": _webhooks("create", secret=str(uuid.uuid4())),
    "delivery-log": _fault("response", "log", **_NOTHING),
    "entries-of-the-log": _webhooks("log", webhook_endpoint_status=200),
    "filters-of-the-log": _webhooks("log", webhook_id=str(uuid.uuid4())),
    "newest-entry-of-the-log": Contradicting(alter=lambda: _older_log_entry),
    "secret-on-create-only": _webhooks("read", secret="shown again"),
    "fields-of-webhooks": _fault("missing_fields", "update", fields=["is_active"]),
    "environment-of-the-token": _webhooks("read", environment_id=str(uuid.uuid4())),
    "limit-of-the-plan": Contradicting(alter=lambda: _unreadable_plan_limit, also=("create-response",)),
    "rate-limit-headers": _headers(ratelimit_reset="1760000000"),
    "responses-are-not-compressed": _headers(Content_Encoding="gzip"),
    "no-redirects": _statuses(404, 302, also=("read-of-a-deleted-webhook",)),
}
