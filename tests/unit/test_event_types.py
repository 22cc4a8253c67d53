"""Which event types are valid, and their canonical form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.event_types import EventType
from pulumi_truto.property_names import camel_case
from pulumi_truto.resource_type import UNKNOWN
from tests.support.strategies import DECLARED_INPUTS, KNOWN_EVENT_TYPES, no_deadline
from tests.support.validation import URL, canonical, check, error_messages, validate

# Canonical form --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event_types", [None, [], ()])
def test_no_event_types_means_every_event(event_types: object) -> None:
    """Absent, null and empty event types all mean every event."""
    assert validate(event_types=event_types) == check({"target_url": URL})
    assert validate(event_types=event_types).inputs == {"target_url": URL, "event_types": [], "is_active": True}


def test_event_types_are_sorted_without_duplicates() -> None:
    """Event types are a set: their order and duplicates do not count."""
    result = validate(event_types=["record:updated", "record:created", "record:updated"])
    reordered = validate(event_types=("record:created", "record:updated"))
    assert result == reordered
    assert result.inputs["event_types"] == ["record:created", "record:updated"]


@no_deadline
@given(DECLARED_INPUTS, st.data())
def test_order_and_duplicates_never_count(declared: dict[str, Any], data: st.DataObject) -> None:
    """Any event types in another order or with duplicates have the same canonical form."""
    event_types = declared["event_types"] or []
    duplicates = data.draw(st.lists(st.sampled_from(event_types), max_size=3)) if event_types else []
    shuffled = data.draw(st.permutations(event_types + duplicates))
    assert canonical({**declared, "event_types": shuffled}) == canonical(declared)


def test_enum_members_become_strings() -> None:
    """A member of `EventType` and its string are equivalent, and the string is sent."""
    result = validate(event_types=[EventType.RECORD_UPDATED, "record:updated", EventType.RECORD_ANY])
    assert result == validate(event_types=["record:*", "record:updated"])
    assert {type(event_type) for event_type in result.inputs["event_types"]} == {str}


@pytest.mark.parametrize("event_type", KNOWN_EVENT_TYPES)
def test_known_event_type_is_accepted(event_type: str) -> None:
    """Every event type in Truto's documentation is accepted without a warning."""
    result = validate(event_types=[event_type])
    assert (result.errors, result.warnings) == ([], [])


def test_unknown_element_is_accepted_in_a_preview() -> None:
    """In a preview, one event type may be unknown; the others are validated."""
    result = validate(event_types=["record:updated", UNKNOWN, "record:created"])
    assert result.errors == []
    assert result.inputs["event_types"] == ["record:created", "record:updated", UNKNOWN]
    (message,) = error_messages(event_types=[UNKNOWN, "record"])
    assert "[1]" in message


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_types", "reason"),
    [
        ("record:created", 'must be a list, not a single string: put it in brackets, as in ["record:created"]'),
        ("", "must be a list, not a single string"),
        (5, 'must be a list like ["record:created"], not a number'),
        (False, "not a boolean"),
        ({"record": "created"}, "not an object"),
        ([5], "event_types[0] must be a string, not a number"),
        (["record:created", None], "event_types[1] must be a string, not null"),
        ([["record:created"]], "event_types[0] must be a string, not a list"),
        (["record"], 'event_types[0] is not an event type: event types have the form "resource:event"'),
        ([""], "event_types[0] is not an event type"),
        (["record:"], "event_types[0] is not an event type"),
        ([":created"], "event_types[0] is not an event type"),
        (["record:created "], "event_types[0] is not an event type"),
        (["record: created"], '"resource:event"'),
        (["record:created\n"], "event_types[0] is not an event type"),
        (["a:b:c"], "event_types[0] is not an event type"),
        (["record:created,record:updated"], "event_types"),
    ],
)
def test_invalid_event_types_are_rejected(event_types: object, reason: str) -> None:
    """Invalid event types are an error that shows the index of the invalid element."""
    (message,) = error_messages(event_types=event_types)
    assert message.startswith(("event_types ", "event_types["))
    assert reason in message
    assert len(message.splitlines()) == 1


# Warnings --------------------------------------------------------------------------------------------------


def test_unknown_event_type_is_a_warning() -> None:
    """An event type that this version does not know is accepted, with one warning that suggests a similar one."""
    result = validate(event_types=["record:craeted", "record:updated", "record:craeted"])
    assert result.errors == []
    assert result.inputs["event_types"] == ["record:craeted", "record:updated"]
    (warning,) = result.warnings
    assert warning.message(camel_case).startswith("eventTypes[0] is not an event type that this version")
    assert warning.reason.endswith('Did you mean "record:created"?')
    assert "craeted" not in warning.reason


def test_no_suggestion_without_a_similar_event_type() -> None:
    """The warning suggests nothing if no known event type is similar."""
    (warning,) = validate(event_types=["zzzz:qqqq"]).warnings
    assert "[0]" in warning.reason
    assert "Did you mean" not in warning.reason


def test_each_unknown_event_type_has_its_own_warning() -> None:
    """Two unknown event types give two warnings."""
    first_warning, second_warning = validate(event_types=["new:one", "new:two"]).warnings
    assert first_warning.reason.startswith("[0]")
    assert second_warning.reason.startswith("[1]")
