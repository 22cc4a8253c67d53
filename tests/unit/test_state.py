"""Changes, the bodies of creates and updates, and the state after a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.api.models import Webhook
from pulumi_truto.resource_type import UNKNOWN
from pulumi_truto.rest.state import build_create_body, to_state
from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.strategies import DECLARED_INPUTS, no_deadline
from tests.support.url_pairs import DIFFERENT_URLS, EQUAL_URLS
from tests.support.validation import URL, canonical, check

#: The state of a webhook that was created with `URL`, two event types and the default of `is_active`.
STATE: Any = {
    "target_url": URL,
    "event_types": ["record:created", "record:updated"],
    "is_active": True,
    "environment_id": "environment",
    "created_at": "2024-09-01T10:00:00.000Z",
    "updated_at": "2024-09-01T10:00:00.000Z",
    "secret": "the secret",
}


def patch(current: Any, inputs: Any) -> Any:
    """The body of an update."""
    return WEBHOOK.changes(current, inputs)


def state_after(response: Webhook, known: Any) -> Any:
    """The state after a response."""
    return to_state(WEBHOOK, response, known)


def inputs_from(**inputs: Any) -> Any:
    """Canonical inputs that are equal to `STATE`, except for the given ones."""
    return {name: STATE[name] for name in WEBHOOK.inputs} | inputs


def webhook(**fields: Any) -> Webhook:
    """A response about the webhook of `STATE`, without its secret; ``...`` omits a field."""
    response = {
        "id": "webhook",
        "target_url": URL,
        "is_active": True,
        "event_types": ["record:updated", "record:created"],
        "environment_id": "environment",
        "created_at": "2024-09-01T10:00:00.000Z",
        "updated_at": "2024-09-01T10:00:00.000Z",
        **fields,
    }
    return Webhook.model_validate({name: value for name, value in response.items() if value is not ...})


# Changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"target_url": "https://hooks.example.com/other"},
        {"event_types": ["record:created"]},
        {"event_types": ["record:created", "record:deleted", "record:updated"]},
        {"is_active": False},
        {"target_url": "https://other.example.com/", "event_types": ["record:*"], "is_active": False},
    ],
)
def test_update_sends_only_changed_inputs(changed: dict[str, Any]) -> None:
    """An update sends the inputs that changed and no others."""
    assert patch(STATE, inputs_from(**changed)) == changed


def test_equal_inputs_are_no_change() -> None:
    """Inputs that are equal to the state are not a change."""
    assert patch(STATE, inputs_from()) == {}


@pytest.mark.parametrize(
    "event_types", [["record:updated", "record:created"], ["record:updated"] * 2 + ["record:created"]]
)
def test_reordering_event_types_is_no_change(event_types: list[str]) -> None:
    """Another order of event types, or duplicates, are not a change, neither in the inputs nor in the state."""
    assert patch(STATE, inputs_from(event_types=event_types)) == {}
    assert patch({**STATE, "event_types": event_types}, inputs_from()) == {}


@pytest.mark.parametrize("state", [{**STATE, "event_types": []}, {**STATE, "event_types": None}])
def test_switching_to_and_from_every_event_is_a_change(state: dict[str, Any]) -> None:
    """Switching between every event and some event types is a change; staying with every event is none."""
    assert patch(state, inputs_from(event_types=[])) == {}
    assert patch(state, inputs_from()) == {"event_types": STATE["event_types"]}
    assert patch(STATE, inputs_from(event_types=[])) == {"event_types": []}
    incomplete_state = {name: value for name, value in state.items() if name != "event_types"}
    assert patch(incomplete_state, inputs_from(event_types=[])) == {}


@pytest.mark.parametrize("name", WEBHOOK.inputs)
def test_unknown_value_is_a_change(name: str) -> None:
    """A preview shows an unknown value as a change."""
    assert patch(STATE, inputs_from(**{name: UNKNOWN})) == {name: UNKNOWN}


def test_unknown_element_is_a_change() -> None:
    """A preview shows a list with an unknown element as a change."""
    event_types = ["record:created", UNKNOWN]
    assert patch(STATE, inputs_from(event_types=event_types)) == {"event_types": event_types}


def test_input_missing_from_the_state_is_sent() -> None:
    """An input that is missing from the state is sent."""
    assert patch({}, inputs_from()) == inputs_from()


@pytest.mark.parametrize(("url", "other_url"), EQUAL_URLS)
def test_equivalent_url_is_no_change(url: str, other_url: str) -> None:
    """A URL that Truto returns in another, equivalent spelling is not a change."""
    assert urls_equal(url, other_url)
    assert urls_equal(other_url, url)
    assert patch({**STATE, "target_url": url}, inputs_from(target_url=other_url)) == {}


@pytest.mark.parametrize(("url", "other_url"), DIFFERENT_URLS)
def test_different_url_is_a_change(url: str, other_url: str) -> None:
    """A URL that means something else is a change, however small the difference is."""
    assert not urls_equal(url, other_url)
    assert not urls_equal(other_url, url)
    assert patch({**STATE, "target_url": url}, inputs_from(target_url=other_url)) == {"target_url": other_url}


# build_create_body -----------------------------------------------------------------------------------------


def test_create_sends_only_inputs() -> None:
    """A create sends the three inputs and nothing else, always switched off."""
    declared = {"target_url": URL, "event_types": ["record:updated", "record:created"], "secret": None, "id": "x"}
    assert build_create_body(check(declared).inputs) == {**inputs_from(), "is_active": False}


def test_create_for_every_event_omits_the_event_types() -> None:
    """A create for every event omits the event types, as Truto's guides do."""
    assert build_create_body(check({"target_url": URL, "is_active": False}).inputs) == {
        "target_url": URL,
        "is_active": False,
    }


# to_state --------------------------------------------------------------------------------------------------


def test_state_after_a_create() -> None:
    """The state of a new webhook is Truto's response in canonical form."""
    assert state_after(webhook(), {"target_url": URL, "secret": "the secret"}) == STATE


def test_drift_is_in_the_state() -> None:
    """A change made outside Pulumi is in the state after a refresh."""
    drifted_state = state_after(
        webhook(target_url="https://other.example.com", is_active=False, event_types=["a:b"]), STATE
    )
    assert drifted_state == {
        **STATE,
        "target_url": "https://other.example.com",
        "is_active": False,
        "event_types": ["a:b"],
    }


@pytest.mark.parametrize("secret", [..., None, "another secret"])
def test_known_secret_is_kept(secret: Any) -> None:
    """The secret from the create is kept, whatever later responses contain."""
    assert state_after(webhook(secret=secret), STATE)["secret"] == "the secret"


@pytest.mark.parametrize("secret", [..., None, "********", "returned"])
def test_unknown_secret_is_none(secret: Any) -> None:
    """A webhook that was imported has no secret, even if a read shows something in its place."""
    assert state_after(webhook(secret=secret), {"secret": None})["secret"] is None


@pytest.mark.parametrize("value", [..., None])
@pytest.mark.parametrize("name", ["environment_id", "created_at", "updated_at"])
def test_output_missing_from_a_response_is_kept(name: str, value: Any) -> None:
    """An output that is absent or null in a response keeps its value."""
    assert state_after(webhook(**{name: value}), STATE) == STATE


@pytest.mark.parametrize("event_types", [..., None, []])
def test_every_event_is_an_empty_list_in_the_state(event_types: Any) -> None:
    """In whichever form Truto returns "every event", the state has an empty list."""
    assert state_after(webhook(event_types=event_types), STATE)["event_types"] == []


@pytest.mark.parametrize(("declared", "returned"), [pair for pair in EQUAL_URLS if "://" in pair[0]])
def test_equivalent_url_keeps_its_declared_spelling(declared: str, returned: str) -> None:
    """If Truto returns an equivalent URL, the state keeps the spelling of the program."""
    assert state_after(webhook(target_url=returned), {"target_url": declared})["target_url"] == declared


def test_to_state_does_not_modify_the_known_state() -> None:
    """The result is a new state; the known one is unchanged."""
    known = dict(STATE)
    assert state_after(webhook(is_active=False), known) is not known
    assert known == STATE


# Arbitrary inputs ------------------------------------------------------------------------------------------


def returned_by_truto(inputs: Mapping[str, Any], upper_case_url: bool) -> Webhook:
    """A response about a webhook with these inputs, optionally with scheme and host of the URL in upper case."""
    url = inputs["target_url"]
    if upper_case_url:
        scheme, _, remainder = url.partition("://")
        host, slash, path = remainder.partition("/")
        url = f"{scheme.upper()}://{host.upper() if '?' not in host else host}{slash}{path}"
    return webhook(target_url=url, event_types=[*reversed(inputs["event_types"])], is_active=inputs["is_active"])


@no_deadline
@given(DECLARED_INPUTS, st.booleans())
def test_new_webhook_has_no_changes(declared: dict[str, Any], upper_case_url: bool) -> None:
    """Right after a create there is nothing to update, even if Truto returns another spelling of the URL."""
    inputs = canonical(declared)
    state = state_after(returned_by_truto(inputs, upper_case_url), inputs)
    assert patch(state, inputs) == {}


@no_deadline
@given(DECLARED_INPUTS, DECLARED_INPUTS, st.booleans())
def test_updated_webhook_has_no_changes(
    old_declared: dict[str, Any], new_declared: dict[str, Any], upper_case_url: bool
) -> None:
    """An update sends enough: after it there is nothing to update."""
    old, new = canonical(old_declared), canonical(new_declared)
    state = {**STATE, **old}
    patched = {**old, **patch(state, new)}
    new_state = state_after(returned_by_truto(patched, upper_case_url), {**state, "target_url": new["target_url"]})
    assert patch(new_state, new) == {}
    assert new_state["secret"] == STATE["secret"]


@no_deadline
@given(DECLARED_INPUTS, DECLARED_INPUTS)
def test_update_sends_no_unchanged_inputs(old_declared: dict[str, Any], new_declared: dict[str, Any]) -> None:
    """Every input that an update sends differs from the state."""
    state, new = {**STATE, **canonical(old_declared)}, canonical(new_declared)
    for name in patch(state, new):
        assert patch({**new, name: state[name]}, new) == {name: new[name]}
