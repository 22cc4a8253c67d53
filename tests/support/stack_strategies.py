"""Hypothesis strategies for the steps of `StackMachine`."""

from __future__ import annotations

from typing import Final

import hypothesis.strategies as st

__all__ = ["LATE_SECONDS", "OUTSIDE_CHANGES", "PROGRAM_CHANGES", "RUNS"]

#: How long Truto takes to process a request after a gateway has given up on it.
LATE_SECONDS: Final = 0.3

NAMES = st.sampled_from(["a", "b", "c", "d"])
EVENT_TYPES = st.lists(
    st.sampled_from(["record:created", "record:deleted", "record:*", "sync_job_run:failed"]), max_size=4
)
OPERATIONS = st.sampled_from(["any", "any", "create", "read", "update", "delete", "list"])
#: Every fault ends after a few requests. A permanent fault would only show that nothing works without Truto.
FAULTS = st.sampled_from(
    [
        {"kind": "reset"},
        {"kind": "reset", "processed": True},
        {"kind": "close", "processed": True},
        {"kind": "truncated"},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 502, "processed": True},
        {"kind": "empty", "status": 500},
        {"kind": "empty", "status": 500, "processed": True},
        {"kind": "rate_limited", "retry_after": "0"},
        {"kind": "wrong_types"},
        {"kind": "missing_fields", "fields": ["secret"]},
        {"kind": "missing_fields", "fields": ["id"]},
        {"kind": "not_json"},
        {"kind": "status", "status": 403, "message": "not now"},
        *({"kind": "status", "status": status, "processed": True} for status in (408, 409, 425, 499)),
        {"kind": "status", "status": 504, "processed_after_seconds": LATE_SECONDS},
    ]
)

# Each of these is the name of a method of `StackMachine` and its arguments.
PROGRAM_CHANGES = st.one_of(
    st.tuples(st.just("declare"), NAMES, EVENT_TYPES, st.booleans(), st.booleans()),
    st.tuples(st.just("change_url"), NAMES, st.sampled_from(["1", "2"])),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("replace"), NAMES),
    st.tuples(st.just("reorder")),
)
OUTSIDE_CHANGES = st.one_of(
    st.tuples(st.just("inject_fault"), OPERATIONS, FAULTS, st.integers(1, 2)),
    st.tuples(st.just("edit_outside"), st.integers(0, 9), st.sampled_from(["remove", "deactivate", "change"])),
)
RUNS = st.one_of(
    st.tuples(st.just("up"), st.booleans()),
    st.tuples(st.just("up"), st.booleans()),
    st.tuples(st.just("preview")),
    st.tuples(st.just("up_with_kill"), st.sampled_from(["killed before", "killed after"]), st.integers(0, 3)),
)
