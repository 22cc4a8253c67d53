"""What is a change, what is sent, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.api.models import Webhook
from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.diff import build_create_body, build_patch, to_state
from pulumi_truto.webhook.inputs import UNKNOWN, check
from pulumi_truto.webhook.properties import INPUTS
from tests.unit.strategies import URL, WISHES, canonical, patient
from tests.unit.urls import EQUAL_URLS, OTHER_URLS

#: The state of a webhook as Truto made it from the inputs `URL`, two event types and no `is_active`.
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
    """What an update sends."""
    return build_patch(current, inputs)


def state_after(response: Webhook, known: Any) -> Any:
    """The state after a response."""
    return to_state(response, known)


def inputs_from(**inputs: Any) -> Any:
    """Canonical inputs that equal `STATE` but for the given ones."""
    return {name: STATE[name] for name in INPUTS} | inputs


def webhook(**fields: Any) -> Webhook:
    """Truto's answer about the webhook of `STATE`, without its secret; ``...`` leaves a field out."""
    answer = {
        "id": "webhook",
        "target_url": URL,
        "is_active": True,
        "event_types": ["record:updated", "record:created"],
        "environment_id": "environment",
        "created_at": "2024-09-01T10:00:00.000Z",
        "updated_at": "2024-09-01T10:00:00.000Z",
        **fields,
    }
    return Webhook.model_validate({name: value for name, value in answer.items() if value is not ...})


# changes ---------------------------------------------------------------------------------------------------


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
def test_only_what_changed_is_sent(changed: dict[str, Any]) -> None:
    """An update sends the inputs that changed and no other."""
    assert patch(STATE, inputs_from(**changed)) == changed


def test_nothing_changed() -> None:
    """Inputs that say what is so already are no change."""
    assert patch(STATE, inputs_from()) == {}


@pytest.mark.parametrize(
    "event_types", [["record:updated", "record:created"], ["record:updated"] * 2 + ["record:created"]]
)
def test_event_types_are_a_set(event_types: list[str]) -> None:
    """The order and repeats of event types are no change, on whichever side."""
    assert patch(STATE, inputs_from(event_types=event_types)) == {}
    assert patch({**STATE, "event_types": event_types}, inputs_from()) == {}


@pytest.mark.parametrize("state", [{**STATE, "event_types": []}, {**STATE, "event_types": None}])
def test_every_event_and_back(state: dict[str, Any]) -> None:
    """Every event is no change from every event, and going there and back is one each time."""
    assert patch(state, inputs_from(event_types=[])) == {}
    assert patch(state, inputs_from()) == {"event_types": STATE["event_types"]}
    assert patch(STATE, inputs_from(event_types=[])) == {"event_types": []}
    without = {name: value for name, value in state.items() if name != "event_types"}
    assert patch(without, inputs_from(event_types=[])) == {}


@pytest.mark.parametrize("name", INPUTS)
def test_unknown_is_a_change(name: str) -> None:
    """A preview shows a value that is not known yet as a change."""
    assert patch(STATE, inputs_from(**{name: UNKNOWN})) == {name: UNKNOWN}


def test_an_unknown_element_is_a_change() -> None:
    """A preview shows a list with an element that is not known yet as a change."""
    event_types = ["record:created", UNKNOWN]
    assert patch(STATE, inputs_from(event_types=event_types)) == {"event_types": event_types}


def test_a_value_that_truto_has_lost() -> None:
    """An input that is missing from the state is sent."""
    assert patch({}, inputs_from()) == inputs_from()


@pytest.mark.parametrize(("one", "other"), EQUAL_URLS)
def test_urls_that_only_look_different(one: str, other: str) -> None:
    """A URL that is only spelled differently, as Truto may show it, is no change."""
    assert urls_equal(one, other)
    assert urls_equal(other, one)
    assert patch({**STATE, "target_url": one}, inputs_from(target_url=other)) == {}


@pytest.mark.parametrize(("one", "other"), OTHER_URLS)
def test_urls_that_are_different(one: str, other: str) -> None:
    """A URL that leads elsewhere is a change, however small the difference is."""
    assert not urls_equal(one, other)
    assert not urls_equal(other, one)
    assert patch({**STATE, "target_url": one}, inputs_from(target_url=other)) == {"target_url": other}


# create_body -----------------------------------------------------------------------------------------------


def test_the_body_of_a_create() -> None:
    """A create sends the three inputs and nothing else."""
    declared = {"target_url": URL, "event_types": ["record:updated", "record:created"], "secret": None, "id": "x"}
    assert build_create_body(check(declared).inputs) == inputs_from()


def test_the_body_of_a_create_for_every_event() -> None:
    """Every event is asked for by leaving the event types out, as Truto's guides do."""
    assert build_create_body(check({"target_url": URL, "is_active": False}).inputs) == {
        "target_url": URL,
        "is_active": False,
    }


# keep ------------------------------------------------------------------------------------------------------


def test_the_state_after_a_create() -> None:
    """The state of a new webhook is what Truto answered, in canonical form."""
    assert state_after(webhook(secret="the secret"), {"target_url": URL}) == STATE


def test_drift_is_kept() -> None:
    """What was changed outside Pulumi is in the state after a refresh."""
    drifted = state_after(webhook(target_url="https://other.example.com", is_active=False, event_types=["a:b"]), STATE)
    assert drifted == {**STATE, "target_url": "https://other.example.com", "is_active": False, "event_types": ["a:b"]}


@pytest.mark.parametrize("secret", [..., None, "another secret"])
def test_the_secret_is_never_dropped(secret: Any) -> None:
    """The secret stays the one that was known, whatever later answers of Truto hold."""
    assert state_after(webhook(secret=secret), STATE)["secret"] == "the secret"


def test_a_secret_that_nobody_knows() -> None:
    """A webhook that was read and never created has no secret, and no made-up one."""
    assert state_after(webhook(), {})["secret"] is None
    assert state_after(webhook(secret="shown"), {"secret": None})["secret"] == "shown"


@pytest.mark.parametrize("left_out", [..., None])
@pytest.mark.parametrize("name", ["environment_id", "created_at", "updated_at"])
def test_outputs_that_an_answer_leaves_out(name: str, left_out: Any) -> None:
    """An output that Truto leaves out of an answer stays as it was."""
    assert state_after(webhook(**{name: left_out}), STATE) == STATE


@pytest.mark.parametrize("every", [..., None, []])
def test_an_answer_with_every_event(every: Any) -> None:
    """However Truto shows that a webhook is for every event, it is an empty list in the state."""
    assert state_after(webhook(event_types=every), STATE)["event_types"] == []


@pytest.mark.parametrize(("declared", "answered"), [pair for pair in EQUAL_URLS if "://" in pair[0]])
def test_the_url_stays_as_declared(declared: str, returned: str) -> None:
    """A URL that Truto only spells differently stays as it was declared."""
    assert state_after(webhook(target_url=returned), {"target_url": declared})["target_url"] == declared


def test_keep_changes_neither_argument() -> None:
    """What is kept is a new state: the old one is not touched."""
    known = dict(STATE)
    assert state_after(webhook(is_active=False), known) is not known
    assert known == STATE


# Any inputs -----


def shown_by_truto(inputs: Mapping[str, Any], shouting: bool) -> Webhook:
    """The webhook with these inputs as Truto answers it, perhaps with another spelling of the URL."""
    url = inputs["target_url"]
    if shouting:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        url = f"{scheme.upper()}://{host.upper() if '?' not in host else host}{slash}{path}"
    return webhook(target_url=url, event_types=[*reversed(inputs["event_types"])], is_active=inputs["is_active"])


@patient
@given(WISHES, st.booleans())
def test_a_webhook_made_from_inputs_has_no_changes(wish: dict[str, Any], shouting: bool) -> None:
    """Right after an `up` there is nothing to do, however Truto spells what it was sent."""
    inputs = canonical(wish)
    state = state_after(shown_by_truto(inputs, shouting), inputs)
    assert patch(state, inputs) == {}


@patient
@given(WISHES, WISHES, st.booleans())
def test_an_update_leads_where_it_should(before: dict[str, Any], after: dict[str, Any], shouting: bool) -> None:
    """An update sends enough: after it there is nothing to do."""
    old, new = canonical(before), canonical(after)
    state = {**STATE, **old}
    patched = {**old, **patch(state, new)}
    kept = state_after(shown_by_truto(patched, shouting), {**state, "target_url": new["target_url"]})
    assert patch(kept, new) == {}
    assert kept["secret"] == STATE["secret"]


@patient
@given(WISHES, WISHES)
def test_an_update_sends_nothing_in_vain(before: dict[str, Any], after: dict[str, Any]) -> None:
    """An update sends no input that is as it should be already."""
    state, new = {**STATE, **canonical(before)}, canonical(after)
    for name in patch(state, new):
        assert patch({**new, name: state[name]}, new) == {name: new[name]}
