"""Which inputs are valid, and their canonical form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.event_types import EventType
from pulumi_truto.webhook.inputs import UNKNOWN, ValidationResult, check, unexpected
from pulumi_truto.webhook.properties import INPUTS
from tests.unit.strategies import ANYTHING, KNOWN, URL, WISHES, canonical, patient


def checked(api_on_loopback: bool = False, **inputs: Any) -> ValidationResult:
    """The outcome for inputs that are right but for the given ones."""
    return check({"target_url": URL, **inputs}, api_on_loopback=api_on_loopback)


def reasons(api_on_loopback: bool = False, **inputs: Any) -> list[str]:
    """Every fault as the user reads it: the name of the input and the reason."""
    return [each.message(each.property) for each in checked(api_on_loopback, **inputs).errors]


# check: what is accepted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("event_types", [None, [], ()])
def test_no_event_types_are_every_event(event_types: object) -> None:
    """No event types, null and an empty list are the same wish: every event."""
    assert checked(event_types=event_types) == check({"target_url": URL})
    assert checked(event_types=event_types).inputs == {"target_url": URL, "event_types": [], "is_active": True}


def test_order_and_repeats_do_not_count() -> None:
    """Event types are a set: their order and repeats make no difference."""
    one = checked(event_types=["record:updated", "record:created", "record:updated"])
    other = checked(event_types=("record:created", "record:updated"))
    assert one == other
    assert one.inputs["event_types"] == ["record:created", "record:updated"]


@pytest.mark.parametrize(("declared", "canonical"), [(None, True), (True, True), (False, False)])
def test_is_active(declared: bool | None, canonical: bool) -> None:
    """A webhook is active unless it is declared not to be."""
    outcome = checked(is_active=declared)
    assert outcome.errors == []
    assert outcome.inputs["is_active"] is canonical


def test_members_of_event_type_become_texts() -> None:
    """A member of EventType and its text are the same, and a text is what is sent."""
    outcome = checked(event_types=[EventType.RECORD_UPDATED, "record:updated", EventType.RECORD_ANY])
    assert outcome == checked(event_types=["record:*", "record:updated"])
    assert {type(each) for each in outcome.inputs["event_types"]} == {str}


@pytest.mark.parametrize("event_type", KNOWN)
def test_known_event_types(event_type: str) -> None:
    """Every event type that Truto documents is accepted without a word."""
    outcome = checked(event_types=[event_type])
    assert (outcome.errors, outcome.warnings) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://hooks.example.com",
        "HTTPS://Hooks.Example.COM/Truto",
        "https://hooks.example.com:8443/truto?tenant=1&x=%20",
        "https://192.0.2.1/truto",
        "https://[2001:db8::1]/truto",
        "https://[2001:db8::1]:8443/truto",
        "https://localhost/truto",
        "https://hooks.example.com/@user",
        "https://hooks.example.com/?mail=a@example.com",
    ],
)
def test_target_urls_that_are_fine(url: str) -> None:
    """An https URL is accepted and kept as it was declared."""
    outcome = checked(target_url=url)
    assert outcome.errors == []
    assert outcome.inputs["target_url"] == url


# check: what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "is required"),
        ("", "is required"),
        (5, "must be a string, the https:// URL that Truto posts the events to, not a number"),
        (2.5, "not a number"),
        (True, "not a boolean"),
        ([URL], "not a list"),
        ({"url": URL}, "not an object"),
        (URL.encode(), "not a value of the type bytes"),
        (f" {URL}", "whitespace or control characters, including at either end"),
        (f"{URL} ", "whitespace"),
        (f"{URL}\n", "whitespace or control characters"),
        ("https://hooks.exa\nmple.com/truto", "control characters"),
        ("https://hooks.example.com/a\tb", "whitespace or control characters"),
        ("https://hooks.example.com/a\x00b", "control characters"),
        ("https://hooks.example.com/a\u00a0b", "whitespace"),
        ("https://hooks.example.com/a\u200bb", "control characters"),
        ("https://hooks.example.com/truto#top", "must not have a fragment"),
        ("https://hooks.example.com/truto#", "must not have a fragment"),
        ("https://user:hunter2@hooks.example.com/", "must not contain a user name or password"),
        ("https://user@hooks.example.com/", "must not contain a user name or password"),
        ("https://@hooks.example.com/", "must not contain a user name or password"),
        ("http://hooks.example.com/truto", "must start with https://"),
        ("ftp://hooks.example.com/truto", "must start with https://"),
        ("//hooks.example.com/truto", "It has no scheme"),
        ("http://localhost:8080/truto", "Truto cannot reach a service on your own machine"),
        ("http://127.0.0.1/truto", "Truto cannot reach a service on your own machine"),
        ("http://[::1]:8080/truto", "Truto cannot reach a service on your own machine"),
        ("https://", "must name a host, as in https://hooks.example.com/truto"),
        ("https:///truto", "must name a host"),
        ("https://:8443/truto", "must name a host"),
        ("https:hooks.example.com", "must name a host"),
        ("https://[2001:db8::1/truto", "is not a URL"),
        ("https://hooks.example.com:port/", "is not a URL"),
        ("https://hooks.example.com:99999/", "is not a URL"),
        ("https://hooks.example.com:-1/", "is not a URL"),
        ("https://hooks.example.com:1:2/", "is not a URL"),
        ("https://hooks.example.com/" + "x" * 2023, "must have at most 2,048 characters, but has 2,049"),
    ],
)
def test_target_urls_that_are_refused(url: object, said: str) -> None:
    """A target URL that Truto could not use is refused before anything is sent, with what to change."""
    (reason,) = reasons(target_url=url)
    assert reason.startswith("target_url ")
    assert said in reason
    assert "hunter2" not in reason
    assert len(reason.splitlines()) == 1


@pytest.mark.parametrize("url", ["hooks.example.com", "hooks.example.com/truto", "/truto", "truto"])
def test_a_url_without_its_beginning(url: str) -> None:
    """A URL that lacks its beginning is told so, and told what an URL looks like."""
    found = "; ".join(reasons(target_url=url))
    assert "must start with https://. It has no scheme" in found
    assert "https://hooks.example.com/truto" in found


@pytest.mark.parametrize("host", ["hooks.example.com", "hooks.exam\u2100ple.com", "hooks.example.com:port"])
def test_a_password_in_the_url_is_not_repeated(host: str) -> None:
    """A password in the URL is never shown in the message about it."""
    found = reasons(target_url=f"https://user:hunter2@{host}/")
    assert found
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/x", "http://127.0.0.2/x", "http://[::1]:8080/x", "HTTP://LOCALHOST"]
)
def test_http_on_this_machine(url: str) -> None:
    """A receiver on this machine needs no TLS where the API is on this machine too, and only there."""
    assert reasons(api_on_loopback=True, target_url=url) == []
    assert len(reasons(api_on_loopback=False, target_url=url)) == 1


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/x", "http://localhost.example.com/x", "http://192.0.2.1/", "ftp://localhost/x"]
)
def test_http_elsewhere(url: str) -> None:
    """Even where the API is on this machine, a receiver elsewhere needs TLS."""
    (reason,) = reasons(api_on_loopback=True, target_url=url)
    assert "must start with https://" in reason


@pytest.mark.parametrize(
    ("event_types", "said"),
    [
        ("record:created", 'must be a list, not a single string: put it in brackets, as in ["record:created"]'),
        ("", "must be a list, not a single string"),
        (5, 'must be a list like ["record:created"], not a number'),
        (False, "not a boolean"),
        ({"record": "created"}, "not an object"),
        ([5], "event_types[0] must be a string, not a number"),
        (["record:created", None], "event_types[1] must be a string, not nothing"),
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
def test_event_types_that_are_refused(event_types: object, said: str) -> None:
    """What is no list of event types is refused, with the place of what is wrong."""
    (reason,) = reasons(event_types=event_types)
    assert reason.startswith(("event_types ", "event_types["))
    assert said in reason
    assert len(reason.splitlines()) == 1


@pytest.mark.parametrize(
    ("is_active", "said"),
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
def test_is_active_that_is_refused(is_active: object, said: str) -> None:
    """Only true and false say whether a webhook is active; a string from the config is told how to become one."""
    (reason,) = reasons(is_active=is_active)
    assert reason.startswith("is_active ")
    assert said in reason


def test_every_fault_in_one_go() -> None:
    """All that is wrong is told at once, so that it can be fixed at once."""
    found = reasons(
        target_url="http://user:hunter2@ example.com#top", event_types=["record", "record:created", 5], is_active="yes"
    )
    assert [re.split(r"[ \[]", reason)[0] for reason in found] == ["target_url"] * 4 + ["event_types"] * 2 + [
        "is_active"
    ]
    for number, said in enumerate(["whitespace", "https://", "password", "fragment", "[0]", "[2]", "true or false"]):
        assert said in found[number]


def test_no_message_repeats_a_refused_value() -> None:
    """A refused value can be a secret: messages name the property and the index, and never the value."""
    found = reasons(target_url="sesame", event_types=["sesame", "a:sesame:b"], is_active="sesame")
    found += [each.reason for each in checked(event_types=["sesame:open"]).warnings]
    assert len(found) == 5
    assert "sesame" not in " ".join(found)


def test_a_url_of_just_the_longest_length() -> None:
    """A URL may have 2,048 characters."""
    assert reasons(target_url="https://hooks.example.com/" + "x" * 2022) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("isactive", "Did you mean isActive?"),
        ("target_url", "Did you mean targetUrl?"),
        ("URL", "it has eventTypes, isActive, targetUrl"),
    ],
)
def test_properties_that_a_webhook_does_not_have(name: str, said: str) -> None:
    """A misspelt property is told, with the one that was perhaps meant; Pulumi's own are left alone."""
    (error,) = unexpected([name, "targetUrl", "__defaults"], ["targetUrl", "eventTypes", "isActive"])
    assert error.message(error.property).startswith(f"{name} is not an input of a webhook")
    assert error.message(error.property).rstrip("?").endswith(said.rstrip("?"))


@pytest.mark.parametrize("number", [10**400, -(10**400)], ids=["positive", "negative"])
def test_a_huge_number(number: int) -> None:
    """A number of any size is refused like any other value of the wrong type."""
    assert len(reasons(target_url=number, event_types=number, is_active=number)) == 3


# check: what is unknown ------------------------------------------------------------------------------------


def test_values_that_are_not_known_yet() -> None:
    """During a preview a value that another resource will produce passes wherever it stands."""
    outcome = check({"target_url": UNKNOWN, "event_types": UNKNOWN, "is_active": UNKNOWN})
    assert outcome == ValidationResult({"target_url": UNKNOWN, "event_types": UNKNOWN, "is_active": UNKNOWN}, [], [])


def test_elements_that_are_not_known_yet() -> None:
    """During a preview a single event type may be unknown while the others are checked."""
    outcome = checked(event_types=["record:updated", UNKNOWN, "record:created"])
    assert outcome.errors == []
    assert outcome.inputs["event_types"] == ["record:created", "record:updated", UNKNOWN]
    (reason,) = reasons(event_types=[UNKNOWN, "record"])
    assert "[1]" in reason


def test_a_fault_beside_unknown_values() -> None:
    """What is known and wrong is told although other values are not known yet."""
    assert reasons(target_url=UNKNOWN, is_active="yes") == [
        "is_active must be true or false, not a string",
    ]


# check: warnings -------------------------------------------------------------------------------------------


def test_an_unknown_event_type_is_a_warning() -> None:
    """A new event type of Truto is passed on, with one warning that names the one that was perhaps meant."""
    outcome = checked(event_types=["record:craeted", "record:updated", "record:craeted"])
    assert outcome.errors == []
    assert outcome.inputs["event_types"] == ["record:craeted", "record:updated"]
    (warning,) = outcome.warnings
    assert warning.message("eventTypes").startswith("eventTypes[0] is not an event type that this version")
    assert warning.reason.endswith('Did you mean "record:created"?')
    assert "craeted" not in warning.reason


def test_an_event_type_like_none_that_is_known() -> None:
    """There is no guess where nothing known is near."""
    (warning,) = checked(event_types=["zzzz:qqqq"]).warnings
    assert "[0]" in warning.reason
    assert "Did you mean" not in warning.reason


def test_one_warning_for_each_unknown_event_type() -> None:
    """Every unknown event type has its own warning."""
    first, second = checked(event_types=["new:one", "new:two"]).warnings
    assert first.reason.startswith("[0]")
    assert second.reason.startswith("[1]")


# Any inputs -----


@patient
@given(st.dictionaries(st.sampled_from([*INPUTS, "other"]), ANYTHING), st.booleans())
def test_check_never_raises(inputs: dict[str, Any], api_on_loopback: bool) -> None:
    """Whatever a program declares is answered with faults on one line each, never with a traceback."""
    for error in check(inputs, api_on_loopback=api_on_loopback).errors:
        assert error.property in INPUTS
        assert len(error.reason.splitlines()) == 1


@patient
@given(WISHES)
def test_canonical_is_canonical(wish: dict[str, Any]) -> None:
    """What was checked once is not changed by being checked again."""
    once = canonical(wish)
    assert canonical(once) == once


@patient
@given(WISHES, st.data())
def test_order_never_counts(wish: dict[str, Any], data: st.DataObject) -> None:
    """The same event types in another order or with repeats are the same wish."""
    event_types = wish["event_types"] or []
    repeats = data.draw(st.lists(st.sampled_from(event_types), max_size=3)) if event_types else []
    shuffled = data.draw(st.permutations(event_types + repeats))
    assert canonical({**wish, "event_types": shuffled}) == canonical(wish)
