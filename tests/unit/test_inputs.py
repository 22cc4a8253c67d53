"""Validation of a webhook's inputs as a whole; `test_target_url` and `test_event_types` cover those two inputs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.input_errors import CheckResult, unexpected
from pulumi_truto.notification_destination import NOTIFICATION_DESTINATION
from pulumi_truto.resource_type import UNKNOWN
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.strategies import ANYTHING, DECLARED_INPUTS, no_deadline
from tests.support.validation import canonical, check, error_messages, validate

# is_active -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("declared", "expected"), [(None, True), (True, True), (False, False)])
def test_is_active_defaults_to_true(declared: bool | None, expected: bool) -> None:
    """A webhook is active by default."""
    result = validate(is_active=declared)
    assert result.errors == []
    assert result.inputs["is_active"] is expected


@pytest.mark.parametrize(
    ("is_active", "reason"),
    [
        ("true", "must be true or false, not a string. A value from the stack's config is a string"),
        ("False", "read it with pulumi.Config().get_bool()"),
        ("yes", "must be true or false, not a string"),
        ("", "not a string"),
        (1, "not a number"),
        (0, "not a number"),
        ([], "not a list"),
        ({}, "not an object"),
    ],
)
def test_is_active_must_be_a_boolean(is_active: object, reason: str) -> None:
    """Only true and false are valid. The error for "true" says how to read a boolean from the config."""
    (message,) = error_messages(is_active=is_active)
    assert message.startswith("is_active ")
    assert reason in message


# Errors ----------------------------------------------------------------------------------------------------


def test_all_errors_are_reported_at_once() -> None:
    """All errors of all inputs are reported together, so that the user can fix them together."""
    messages = error_messages(
        target_url="http://user:hunter2@ example.com#top", event_types=["record", "record:created", 5], is_active="yes"
    )
    names = [re.split(r"[ \[]", message)[0] for message in messages]
    assert names == ["target_url"] * 4 + ["event_types"] * 2 + ["is_active"]
    reasons = ["whitespace", "https://", "password", "fragment", "[0]", "[2]", "true or false"]
    for message, reason in zip(messages, reasons, strict=True):
        assert reason in message


def test_messages_do_not_show_values() -> None:
    """A value can be a secret, so a message names the property and the index but never shows the value."""
    messages = error_messages(target_url="sesame", event_types=["sesame", "a:sesame:b"], is_active="sesame")
    messages += [warning.reason for warning in validate(event_types=["sesame:open"]).warnings]
    assert len(messages) == 5
    assert "sesame" not in " ".join(messages)


@pytest.mark.parametrize("number", [10**400, -(10**400)], ids=["positive", "negative"])
def test_huge_number_is_rejected(number: int) -> None:
    """A number of any size is rejected like any other value of a wrong type."""
    assert len(error_messages(target_url=number, event_types=number, is_active=number)) == 3


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("isactive", "Did you mean isActive?"),
        ("target_url", "Did you mean targetUrl?"),
        ("URL", "it has eventTypes, isActive, targetUrl"),
    ],
)
def test_unknown_property_is_rejected_with_a_suggestion(name: str, hint: str) -> None:
    """A misspelled property is an error that suggests a similar one. Pulumi's own properties are ignored."""
    (error,) = unexpected([name, "targetUrl", "__defaults"], ["targetUrl", "eventTypes", "isActive"], "a webhook")
    assert error.message(str).startswith(f"{name} is not an input of a webhook")
    assert error.message(str).rstrip("?").endswith(hint.rstrip("?"))


# Unknown values --------------------------------------------------------------------------------------------


def test_unknown_values_are_accepted_in_a_preview() -> None:
    """In a preview, each input may be the unknown output of another resource."""
    inputs: Any = {"target_url": UNKNOWN, "event_types": UNKNOWN, "is_active": UNKNOWN}
    assert check(inputs) == CheckResult(inputs, [], [])


def test_errors_are_reported_beside_unknown_values() -> None:
    """Known inputs are validated even if another input is unknown."""
    assert error_messages(target_url=UNKNOWN, is_active="yes") == ["is_active must be true or false, not a string"]


# Arbitrary inputs ------------------------------------------------------------------------------------------


@no_deadline
@given(st.dictionaries(st.sampled_from([*WEBHOOK.inputs, "other"]), ANYTHING), st.booleans())
def test_check_never_raises(inputs: dict[str, Any], api_on_loopback: bool) -> None:
    """Whatever a program declares, the result is a list of one-line errors, never an exception."""
    for error in check(inputs, api_on_loopback=api_on_loopback).errors:
        assert error.property in WEBHOOK.inputs
        assert len(error.reason.splitlines()) == 1


@pytest.mark.parametrize("type_", [["slack"], {"slack": 1}, None, 5])
def test_the_type_of_a_destination_must_be_a_string(type_: object) -> None:
    """A wrong type of a value is an error of that input, never an exception."""
    declared = {"type": type_, "config": {"webhook_url": "https://hooks.slack.example.com/a"}}
    errors = NOTIFICATION_DESTINATION.check(declared, {}).errors
    assert [error.message(str) for error in errors] == ['type must be "slack" or "email"']


@no_deadline
@given(DECLARED_INPUTS)
def test_canonical_form_is_stable(declared: dict[str, Any]) -> None:
    """Validating canonical inputs again does not change them."""
    canonical_inputs = canonical(declared)
    assert canonical(canonical_inputs) == canonical_inputs
