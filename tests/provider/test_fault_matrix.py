"""Every operation under every fault, over real sockets: two tables show what the user gets and what Truto then has."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from tests.support.fault_causes import FAULTS
from tests.support.fault_cells import Cell, run_cell
from tests.support.raw_servers import http_response, raw_server

# Before each operation the environment has three webhooks: the one to read, update, delete or test, and two that are an
# hour old and never change. One of these two equals the webhook to create.
#
# A fault happens "once", and then Truto works again, or "always". A cell names the result, the number of requests that
# the operation sent (`max_attempts` is 3), and every effect. What a cell does not name did not happen.
#
#   ok 2             the operation succeeded with its second request
#   Transport 3      it raised `errors.TransportError` after three requests
#   RateLimited 4+   it retried until the deadline, with four requests or more
#
#   1 new            Truto has one new webhook, which the create returned; with "2 new" there is an orphan too
#   leftovers        Truto has new webhooks although the create failed, and the error names all of them
#   changed          the webhook has the new event types and is inactive; URL and secret are unchanged
#   deleted          the webhook does not exist any more
#   all, older, none the list returned all three webhooks, only the two older ones, or none
#   sent             Truto sent one test event
#   1 warning        the user saw one warning: an orphan was deleted or left, or Truto may still complete an attempt
#   waited           the operation waited as long as Retry-After says
#
# Whatever a cell says, a returned state has the right values and secret, and an error message is one line and contains
# neither the token nor a secret.
#
# A create with an unknown outcome is retried until the deadline. Then the list shows which orphans to delete or name.
# After an update with an unknown outcome the webhook is read, so that the error can say whether the update took effect.
# A test with an unknown outcome fails and is not retried, since Truto would send the test event twice. It reads the
# webhook first; the number of requests is that of the tests. The log is requested once, as it only explains something.
CHANGING_OPERATIONS = """
fault             | times  | create                        | update                  | delete
refused           | once   | ok 1, 1 new                   | ok 1, changed           | ok 1, deleted
refused           | always | Connect 0                     | Connect 0               | Connect 0
reset before      | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
reset before      | always | AmbiguousCreate 2+            | UpdateFailed 3          | Transport 3
reset after       | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
reset after       | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Transport 3, deleted
timeout before    | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
timeout before    | always | AmbiguousCreate 2+            | UpdateFailed 3          | Transport 3
timeout after     | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
timeout after     | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Transport 3, deleted
truncated         | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
truncated         | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Transport 3, deleted
slow drip         | once   | ok 1, 1 new                   | ok 2, changed           | ok 2, deleted
slow drip         | always | ok 1, 1 new                   | UpdateFailed 3, changed | Transport 3, deleted
HTML 502          | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
HTML 502          | always | AmbiguousCreate 2+            | UpdateFailed 3          | Server 3
empty 500         | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
empty 500         | always | AmbiguousCreate 2+            | UpdateFailed 3          | Server 3
408 after         | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
408 after         | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Server 3, deleted
425 after         | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
425 after         | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Server 3, deleted
499 after         | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
499 after         | always | AmbiguousCreate 2+, leftovers | UpdateFailed 3, changed | Server 3, deleted
409 after         | once   | ok 2, 1 new, 1 warning        | UpdateFailed 1, changed | Conflict 1, deleted
409 after         | always | AmbiguousCreate 2+, leftovers | UpdateFailed 1, changed | Conflict 1, deleted
504 late          | once   | ok 2, 2 new, 1 warning        | ok 2, changed           | ok 2, deleted
lagging list      | once   | ok 2, 2 new, 1 warning        | ok 2, changed           | ok 2, deleted
skewed Date       | once   | ok 2, 1 new, 1 warning        | ok 2, changed           | ok 2, deleted
429 Retry-After   | once   | ok 2, 1 new, waited           | ok 2, changed, waited   | ok 2, deleted, waited
429 Retry-After   | always | RateLimited 1                 | RateLimited 1           | RateLimited 1
429               | once   | ok 2, 1 new                   | ok 2, changed           | ok 2, deleted
429               | always | RateLimited 4+                | RateLimited 4+          | RateLimited 4+
401               | once   | Authentication 1              | Authentication 1        | Authentication 1
401               | always | Authentication 1              | Authentication 1        | Authentication 1
403               | once   | PermissionDenied 1            | PermissionDenied 1      | PermissionDenied 1
403               | always | PermissionDenied 1            | PermissionDenied 1      | PermissionDenied 1
404               | once   | NotFound 1                    | NotFound 1              | NotFound 1
404               | always | NotFound 1                    | NotFound 1              | NotFound 1
wrong types       | once   | ok 2, 1 new, 1 warning        | UpdateFailed 1, changed | ok 1, deleted
wrong types       | always | AmbiguousCreate 2+, leftovers | UpdateFailed 1, changed | ok 1, deleted
empty environment | always | ok 1, 1 new                   | UnconfirmedDeletion 1   | UnconfirmedDeletion 1
"""
OTHER_OPERATIONS = """
fault             | times  | read                  | list               | test                      | log
refused           | once   | ok 1                  | ok 1, all          | ok 1, sent                | Connect 0
refused           | always | Connect 0             | Connect 0          | Connect 0                 | Connect 0
reset before      | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1       | Transport 1
reset before      | always | Transport 3           | Transport 3        | WebhookTestFailed 1       | Transport 1
reset after       | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Transport 1
reset after       | always | Transport 3           | Transport 3        | WebhookTestFailed 1, sent | Transport 1
timeout before    | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1       | Transport 1
timeout before    | always | Transport 3           | Transport 3        | WebhookTestFailed 1       | Transport 1
timeout after     | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Transport 1
timeout after     | always | Transport 3           | Transport 3        | WebhookTestFailed 1, sent | Transport 1
truncated         | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Transport 1
truncated         | always | Transport 3           | Transport 3        | WebhookTestFailed 1, sent | Transport 1
slow drip         | once   | ok 2                  | ok 2, all          | ok 1, sent                | Transport 1
slow drip         | always | Transport 3           | Transport 3        | ok 1, sent                | Transport 1
HTML 502          | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1       | Server 1
HTML 502          | always | Server 3              | Server 3           | WebhookTestFailed 1       | Server 1
empty 500         | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1       | Server 1
empty 500         | always | Server 3              | Server 3           | WebhookTestFailed 1       | Server 1
408 after         | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Server 1
408 after         | always | Server 3              | Server 3           | WebhookTestFailed 1, sent | Server 1
425 after         | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Server 1
425 after         | always | Server 3              | Server 3           | WebhookTestFailed 1, sent | Server 1
499 after         | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Server 1
499 after         | always | Server 3              | Server 3           | WebhookTestFailed 1, sent | Server 1
409 after         | once   | Conflict 1            | Conflict 1         | Conflict 1, sent          | Conflict 1
409 after         | always | Conflict 1            | Conflict 1         | Conflict 1, sent          | Conflict 1
504 late          | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Server 1
lagging list      | once   | ok 2                  | ok 2, older        | WebhookTestFailed 1, sent | Transport 1
skewed Date       | once   | ok 2                  | ok 2, all          | WebhookTestFailed 1, sent | Transport 1
429 Retry-After   | once   | ok 2, waited          | ok 2, all, waited  | ok 2, sent, waited        | RateLimited 1
429 Retry-After   | always | RateLimited 1         | RateLimited 1      | RateLimited 1             | RateLimited 1
429               | once   | ok 2                  | ok 2, all          | ok 2, sent                | RateLimited 1
429               | always | RateLimited 4+        | RateLimited 4+     | RateLimited 4+            | RateLimited 1
401               | once   | Authentication 1      | Authentication 1   | Authentication 1          | Authentication 1
401               | always | Authentication 1      | Authentication 1   | Authentication 1          | Authentication 1
403               | once   | PermissionDenied 1    | PermissionDenied 1 | PermissionDenied 1        | PermissionDenied 1
403               | always | PermissionDenied 1    | PermissionDenied 1 | PermissionDenied 1        | PermissionDenied 1
404               | once   | NotFound 1            | NotFound 1         | NotFound 1                | NotFound 1
404               | always | NotFound 1            | NotFound 1         | NotFound 1                | NotFound 1
wrong types       | once   | InvalidResponse 1     | InvalidResponse 1  | WebhookTestFailed 1, sent | InvalidResponse 1
wrong types       | always | InvalidResponse 1     | InvalidResponse 1  | WebhookTestFailed 1, sent | InvalidResponse 1
empty environment | always | UnconfirmedDeletion 1 | ok 1, none         | NotFound 0                | ok 1
"""
#: The faults that only make sense once or always.
ONLY: Final = {"504 late": "once", "lagging list": "once", "skewed Date": "once", "empty environment": "always"}


def parse(*tables: str) -> dict[tuple[str, str], list[Cell]]:
    """The cells of all tables by fault and times."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for table in tables:
        head, *lines = [[field.strip() for field in line.split("|")] for line in table.strip().splitlines()]
        for fault, times, *outcomes in lines:
            cells = [Cell(fault, times, *each) for each in zip(head[2:], outcomes, strict=True)]
            rows.setdefault((fault, times), []).extend(cells)
    return rows


ROWS: Final = parse(CHANGING_OPERATIONS, OTHER_OPERATIONS)


def test_tables_are_complete() -> None:
    """The tables have one cell for every operation under every fault, once and always."""
    expected = {(fault, times) for fault in FAULTS for times in ("once", "always") if ONLY.get(fault, times) == times}
    assert set(ROWS) == expected
    for cells in ROWS.values():
        assert [cell.operation for cell in cells] == ["create", "update", "delete", "read", "list", "test", "log"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """The URL of a receiver that accepts every event."""
    response = http_response(b"", "Connection: close")
    with raw_server(lambda connection, _: connection.sendall(response)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(("fault", "times"), ROWS)
def test_row(fault: str, times: str, receiver: str) -> None:
    """Each operation ends as the tables say, and no webhook or secret is lost."""
    cells = ROWS[fault, times]
    # All operations of a row run at once, as they mostly wait.
    with ThreadPoolExecutor(len(cells)) as pool:
        outcomes = list(pool.map(lambda cell: run_cell(cell, receiver), cells))
    expected = {cell.operation: cell.outcome for cell in cells}
    assert dict(zip(expected, outcomes, strict=True)) == expected
