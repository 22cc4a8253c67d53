"""Every operation under every fault, over real sockets: one table says what the user gets."""

from __future__ import annotations

import contextlib
import logging
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pulumi_truto import errors
from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.manager import WebhookManager

# A cell says how the operation ends and how many requests were sent for it (max_attempts=3):
#
#   ok 2              it succeeded in the end; its second request did it
#   ok 2 +1           the same, and the first one left a webhook over, which a warning tells of
#   Transport 3       errors.TransportError after the third request; Truto has done nothing
#   Transport 3 done  the same, but Truto has carried it out all the same, which nobody could know
#   RateLimited 4+    after four requests or more
#
# "once" is one fault and then a healthy Truto, "ever" a fault that stays. A test is never retried where it may have
# happened, as the test event would be sent twice. A create whose outcome is unknown is retried until its time is over,
# and settled with the list: one webhook remains and orphans are deleted, or the error names the webhooks to look at.
# An update whose outcome is unknown is read back, and the error says whether it took effect.
TABLE = """
fault             | times | create                  | read                  | update                | delete                | list               | test
refused           | once  | ok 1                    | ok 1                  | ok 1                  | ok 1                  | ok 1               | ok 1
refused           | ever  | Connect 0               | Connect 0             | Connect 0             | Connect 0             | Connect 0          | Connect 0
reset before      | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1
reset before      | ever  | AmbiguousCreate 2+      | Transport 3           | UpdateFailed 3        | Transport 3           | Transport 3        | Transport 1
reset after       | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1 done
reset after       | ever  | AmbiguousCreate 2+ done | Transport 3           | UpdateFailed 3 done   | Transport 3 done      | Transport 3        | Transport 1 done
timeout before    | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1
timeout before    | ever  | AmbiguousCreate 2+      | Transport 3           | UpdateFailed 3        | Transport 3           | Transport 3        | Transport 1
timeout after     | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1 done
timeout after     | ever  | AmbiguousCreate 2+ done | Transport 3           | UpdateFailed 3 done   | Transport 3 done      | Transport 3        | Transport 1 done
truncated         | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1 done
truncated         | ever  | AmbiguousCreate 2+ done | Transport 3           | UpdateFailed 3 done   | Transport 3 done      | Transport 3        | Transport 1 done
slow drip         | once  | ok 1                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | ok 1
slow drip         | ever  | ok 1                    | Transport 3           | UpdateFailed 3 done   | Transport 3 done      | Transport 3        | ok 1
HTML 502          | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1
HTML 502          | ever  | AmbiguousCreate 2+      | Server 3              | UpdateFailed 3        | Server 3              | Server 3           | Server 1
empty 500         | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1
empty 500         | ever  | AmbiguousCreate 2+      | Server 3              | UpdateFailed 3        | Server 3              | Server 3           | Server 1
408 after         | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1 done
408 after         | ever  | AmbiguousCreate 2+ done | Server 3              | UpdateFailed 3 done   | Server 3 done         | Server 3           | Server 1 done
425 after         | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1 done
425 after         | ever  | AmbiguousCreate 2+ done | Server 3              | UpdateFailed 3 done   | Server 3 done         | Server 3           | Server 1 done
499 after         | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1 done
499 after         | ever  | AmbiguousCreate 2+ done | Server 3              | UpdateFailed 3 done   | Server 3 done         | Server 3           | Server 1 done
409 after         | once  | ok 2                    | Conflict 1            | UpdateFailed 1 done   | Conflict 1 done       | Conflict 1         | Conflict 1 done
409 after         | ever  | AmbiguousCreate 2+ done | Conflict 1            | UpdateFailed 1 done   | Conflict 1 done       | Conflict 1         | Conflict 1 done
504 late          | once  | ok 2 +1                 | ok 2                  | ok 2                  | ok 2                  | ok 2               | Server 1 done
lagging list      | once  | ok 2 +1                 | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1 done
skewed Date       | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | Transport 1 done
429 Retry-After   | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | ok 2
429 Retry-After   | ever  | RateLimited 1           | RateLimited 1         | RateLimited 1         | RateLimited 1         | RateLimited 1      | RateLimited 1
429               | once  | ok 2                    | ok 2                  | ok 2                  | ok 2                  | ok 2               | ok 2
429               | ever  | RateLimited 4+          | RateLimited 4+        | RateLimited 4+        | RateLimited 4+        | RateLimited 4+     | RateLimited 4+
401               | once  | Authentication 1        | Authentication 1      | Authentication 1      | Authentication 1      | Authentication 1   | Authentication 1
401               | ever  | Authentication 1        | Authentication 1      | Authentication 1      | Authentication 1      | Authentication 1   | Authentication 1
403               | once  | PermissionDenied 1      | PermissionDenied 1    | PermissionDenied 1    | PermissionDenied 1    | PermissionDenied 1 | PermissionDenied 1
403               | ever  | PermissionDenied 1      | PermissionDenied 1    | PermissionDenied 1    | PermissionDenied 1    | PermissionDenied 1 | PermissionDenied 1
404               | once  | NotFound 1              | NotFound 1            | NotFound 1            | NotFound 1            | NotFound 1         | NotFound 1
404               | ever  | NotFound 1              | NotFound 1            | NotFound 1            | NotFound 1            | NotFound 1         | NotFound 1
wrong types       | once  | ok 2                    | InvalidResponse 1     | UpdateFailed 1 done   | ok 1                  | InvalidResponse 1  | InvalidResponse 1 done
wrong types       | ever  | AmbiguousCreate 2+ done | InvalidResponse 1     | UpdateFailed 1 done   | ok 1                  | InvalidResponse 1  | InvalidResponse 1 done
empty environment | ever  | ok 1                    | UnconfirmedDeletion 1 | UnconfirmedDeletion 1 | UnconfirmedDeletion 1 | ok 1               | NotFound 1
"""  # noqa: E501  # a table is read by its columns

OPERATIONS = ("create", "read", "update", "delete", "list", "test")
#: For each fault how the sandbox is told to cause it. Only "429 Retry-After" depends on the times.
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {},
    "reset before": {"kind": "reset"},
    "reset after": {"kind": "reset", "processed": True},
    # Longer than the others wait. A create is waited for, until here the server closes the connection.
    "timeout before": {"kind": "timeout", "seconds": 2},
    "timeout after": {"kind": "timeout", "seconds": 2, "processed": True},
    "truncated": {"kind": "truncated"},
    "slow drip": {"kind": "slow_drip", "seconds": 0.03},
    "HTML 502": {"kind": "html"},
    "empty 500": {"kind": "empty"},
    **{f"{status} after": {"kind": "status", "status": status, "processed": True} for status in (408, 409, 425, 499)},
    "504 late": {"kind": "status", "status": 504, "processed_after_seconds": 0.5},
    "lagging list": {"kind": "reset", "processed": True},
    "skewed Date": {"kind": "reset", "processed": True},
    "429 Retry-After": {"kind": "rate_limited"},
    "429": {"kind": "rate_limited", "retry_after": None},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "404": {"kind": "status", "status": 404},
    "wrong types": {"kind": "wrong_types"},
    "empty environment": {},
}
#: How the sandbox is set for a fault.
SETTINGS: dict[str, dict[str, Any]] = {
    "lagging list": {"list_lag_seconds": 60},
    "skewed Date": {"date_skew_seconds": -3.0},
}
#: The faults after which a create that succeeds has nothing to tell.
HARMLESS = {"refused", "429", "429 Retry-After", "slow drip", "empty environment"}
#: Within one second, or too long for any limit here.
RETRY_AFTER = {"once": "1", "ever": "60"}
#: The faults that only time ends. The others get time enough for a busy machine.
SILENT = {"timeout before", "timeout after", "slow drip"}

INPUTS: Any = {"target_url": "https://hooks.example.com/truto", "event_types": ["record:created"], "is_active": True}
CHANGED = {**INPUTS, "event_types": ["record:*"], "is_active": False}


@dataclass(frozen=True)
class Cell:
    """What is expected of one operation under one fault."""

    fault: str
    times: str
    operation: str
    error: type[TrutoError] | None
    requests: int
    or_more: bool
    done: bool
    left_over: int

    @classmethod
    def parse(cls, fault: str, times: str, operation: str, text: str) -> Cell:
        found = re.fullmatch(r"(\w+) (\d+)(\+?)( done)?(?: \+(\d))?", text)
        assert found, f"not a cell: {text!r}"
        error = None if found[1] == "ok" else getattr(errors, f"{found[1]}Error")
        done = bool(found[4]) or error is None
        return cls(fault, times, operation, error, int(found[2]), bool(found[3]), done, int(found[5] or 0))


def table() -> dict[tuple[str, str], dict[str, Cell]]:
    """The rows of the table by fault and times, each with its cells by operation."""
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    for fault, times, *texts in rows:
        assert (fault, times) not in found, "the same row twice"
        cells = [Cell.parse(fault, times, *each) for each in zip(head[2:], texts, strict=True)]
        found[fault, times] = {cell.operation: cell for cell in cells}
    return found


class Receiver(socketserver.StreamRequestHandler):
    """A target that accepts every event."""

    def handle(self) -> None:
        while self.rfile.readline() not in (b"", b"\r\n"):
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """The URL of a target that accepts every event."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


class BackAgain(logging.Handler):
    """Starts the sandbox when urllib3 says, in this thread, that it could not connect to it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(logging.WARNING)
        self._sandbox = sandbox
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and "connection broken" in record.getMessage():
            with contextlib.suppress(RuntimeError):  # it is back already
                self._sandbox.start()


@contextlib.contextmanager
def away(sandbox: Sandbox, *, for_ever: bool) -> Iterator[None]:
    """Nobody listens: for ever, or until the first request has noticed it."""
    log, handler = logging.getLogger("urllib3.connectionpool"), BackAgain(sandbox)
    sandbox.stop()
    if not for_ever:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def test_the_table_is_complete() -> None:
    """There is an expectation for every operation under every fault, once and for ever where both make sense."""
    rows = table()
    only = {"504 late": "once", "lagging list": "once", "skewed Date": "once", "empty environment": "ever"}
    assert set(rows) == {(fault, times) for fault in FAULTS for times in RETRY_AFTER if times == only.get(fault, times)}
    for row in rows.values():
        assert set(row) == set(OPERATIONS)


@pytest.mark.parametrize(("fault", "times"), table())
def test_row(fault: str, times: str, receiver: str) -> None:
    """Each operation ends as the table says, and neither a webhook nor a secret is lost, left over or touched."""
    # All operations of a row at once, as most of them wait most of the time.
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        for _ in pool.map(lambda cell: check_cell(cell, receiver), table()[fault, times].values()):
            pass


def check_cell(cell: Cell, receiver: str) -> None:
    """One operation under one fault, in a sandbox of its own."""
    with Sandbox() as sandbox:
        check_cell_in(sandbox, cell, receiver)


def check_cell_in(sandbox: Sandbox, cell: Cell, receiver: str) -> None:
    """Arranges the webhooks and the fault, lets the operation run, and compares everything with the cell."""
    # The webhook that the operation is about, and two that it is not about: one of them equals what is created.
    own = sandbox.backend.create(sandbox.environment_id, {**INPUTS, "target_url": receiver})
    others = [sandbox.backend.create(sandbox.environment_id, {**INPUTS, **more})["id"] for more in ({}, CHANGED)]
    hour_ago = sandbox.backend.clock.now() - timedelta(hours=1)
    for id_ in others:
        sandbox.backend.edit(id_, {"created_at": hour_ago.isoformat(), "updated_at": hour_ago.isoformat()})
    before = {webhook.id: webhook for webhook in sandbox.backend.webhooks()}

    warnings: list[str] = []
    goes_on = cell.times == "ever" and (cell.fault == "429" or (cell.operation == "create" and cell.error is not None))
    limits = RequestPolicy(
        connect_seconds=2,
        read_seconds=1 if cell.fault in SILENT else 5,
        # Enough for a second attempt after the longest fault.
        total_seconds=(8 if cell.fault in SILENT else 2) if goes_on else 30,
        max_attempts=3,
        backoff_seconds=0.01,
    )
    sandbox.backend.change_settings(SETTINGS.get(cell.fault, {}))
    token = sandbox.token if cell.fault != "empty environment" else sandbox.add_environment("empty").token
    client = TrutoClient(Settings(api_token=token, base_url=sandbox.base_url), limits)
    webhooks: Any = WebhookManager(client, warnings.append)
    state = {**INPUTS, "target_url": receiver, **{name: own[name] for name in ("environment_id", "secret")}}
    operations: dict[str, Callable[[], Any]] = {
        "create": lambda: webhooks.create(INPUTS),
        "read": lambda: webhooks.read(own["id"], state),
        "update": lambda: webhooks.update(own["id"], state, {**CHANGED, "target_url": receiver}),
        "delete": lambda: webhooks.delete(own["id"], state),
        "list": lambda: [webhook.id for webhook in client.iter_webhooks()],
        "test": lambda: client.test_webhook(own["id"]),
    }

    fault = dict(FAULTS[cell.fault])
    if cell.fault == "429 Retry-After":
        fault["retry_after"] = RETRY_AFTER[cell.times]
    for_ever = cell.times == "ever"
    began = time.monotonic()
    result: Any = None
    error: TrutoError | None = None
    with contextlib.ExitStack() as stack:
        if cell.fault == "refused":
            stack.enter_context(away(sandbox, for_ever=for_ever))
        elif fault:
            sandbox.inject(operation=cell.operation, times=0 if for_ever else 1, **fault)
        try:
            result = operations[cell.operation]()
        except TrutoError as caught:
            error = caught

    took_seconds = time.monotonic() - began

    # How it ended.
    assert type(error) is (cell.error or type(None)), error
    requests = sandbox.count(cell.operation)
    assert requests >= cell.requests if cell.or_more else requests == cell.requests
    # A create that succeeded after an unknown outcome tells what became of that: deleted, left over, or perhaps late.
    is_told = cell.operation == "create" and cell.error is None and cell.fault not in HARMLESS
    assert len(warnings) == int(is_told)
    if cell.fault == "504 late":
        time.sleep(1)  # until that is carried out too
    if (cell.fault, cell.times) == ("429 Retry-After", "once"):
        assert took_seconds >= 1
    if error is not None:
        assert len(str(error).splitlines()) == 1
        assert sandbox.token not in str(error)
        assert not [webhook for webhook in sandbox.backend.webhooks() if webhook.secret in str(error)]

    # What Truto has afterwards.
    after = {webhook.id: webhook for webhook in sandbox.backend.webhooks()}
    new = [webhook for id_, webhook in after.items() if id_ not in before]
    for id_ in others:
        assert after[id_] == before[id_]
    if cell.operation in ("create", "read", "list", "test") or not cell.done:
        assert after[own["id"]] == before[own["id"]]
    if cell.operation != "create":
        assert new == []
    elif cell.error is None:
        assert len(new) == 1 + cell.left_over
        id_, kept = result
        assert kept["secret"] == after[id_].secret
        assert {name: kept[name] for name in INPUTS} == INPUTS
    else:
        assert bool(new) == cell.done
        assert all(webhook.id in str(error) for webhook in new)
    if cell.operation == "read" and cell.error is None:
        assert {name: result[name] for name in state} == state
    if cell.operation == "update" and cell.done:
        now = after[own["id"]]
        assert (now.event_types, now.is_active, now.secret) == (["record:*"], False, own["secret"])
        assert result is None or {name: result[name] for name in state} == {**state, **CHANGED, "target_url": receiver}
    if cell.operation == "delete":
        assert (own["id"] not in after) == cell.done
    if cell.operation == "list" and cell.error is None:
        assert result == {"empty environment": [], "lagging list": others}.get(cell.fault, [*before])
    if cell.operation == "test":
        assert [each.event for each in sandbox.deliveries] == (["test"] if cell.done else [])
        assert result is (True if cell.error is None else None)
