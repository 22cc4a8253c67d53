"""What is a valid webhook, what is a change, what is sent and what is kept."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulumi_truto.api.models import Webhook
from pulumi_truto.event_types import EventType
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook.inputs import UNKNOWN, Checked, changes, check, create_body, keep, same_url

URL = "https://hooks.example.com/truto"
KNOWN = [each.value for each in EventType]
#: The state of a webhook as Truto made it from the inputs `URL`, two event types and no `is_active`.
STATE = {
    "target_url": URL,
    "event_types": ["record:created", "record:updated"],
    "is_active": True,
    "environment_id": "environment",
    "created_at": "2024-09-01T10:00:00.000Z",
    "updated_at": "2024-09-01T10:00:00.000Z",
    "secret": "the secret",
}


def checked(api_on_loopback: bool = False, **inputs: Any) -> Checked:
    """The outcome for inputs that are right but for the given ones."""
    return check({"target_url": URL, **inputs}, api_on_loopback=api_on_loopback)


def reasons(api_on_loopback: bool = False, **inputs: Any) -> list[str]:
    """Every fault as the user reads it: the name of the input and the reason."""
    return [each.text(each.property) for each in checked(api_on_loopback, **inputs).faults]


def inputs_from(**inputs: Any) -> dict[str, Any]:
    """Canonical inputs that equal `STATE` but for the given ones."""
    return {name: STATE[name] for name in rules.INPUTS} | inputs


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
    assert outcome.faults == []
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
    assert (outcome.faults, outcome.warnings) == ([], [])


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
    assert outcome.faults == []
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
        ("//hooks.example.com/truto", "it has no scheme"),
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
        ("https://hooks.example.com/" + "x" * 2023, "must have at most 2,048 characters, and it has 2,049"),
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
    assert "must start with https://, and it has no scheme" in found
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
        (["record"], 'event_types[0] is not an event type: they have the form "resource:event"'),
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
    (fault,) = rules.unexpected([name, "targetUrl", "__defaults"], ["targetUrl", "eventTypes", "isActive"])
    assert fault.text(fault.property).startswith(f"{name} is not an input of a webhook")
    assert fault.text(fault.property).rstrip("?").endswith(said.rstrip("?"))


@pytest.mark.parametrize("number", [10**400, -(10**400)], ids=["positive", "negative"])
def test_a_huge_number(number: int) -> None:
    """A number of any size is refused like any other value of the wrong type."""
    assert len(reasons(target_url=number, event_types=number, is_active=number)) == 3


# check: what is unknown ------------------------------------------------------------------------------------


def test_values_that_are_not_known_yet() -> None:
    """During a preview a value that another resource will produce passes wherever it stands."""
    outcome = check({"target_url": UNKNOWN, "event_types": UNKNOWN, "is_active": UNKNOWN})
    assert outcome == Checked({"target_url": UNKNOWN, "event_types": UNKNOWN, "is_active": UNKNOWN}, [], [])


def test_elements_that_are_not_known_yet() -> None:
    """During a preview a single event type may be unknown while the others are checked."""
    outcome = checked(event_types=["record:updated", UNKNOWN, "record:created"])
    assert outcome.faults == []
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
    assert outcome.faults == []
    assert outcome.inputs["event_types"] == ["record:craeted", "record:updated"]
    (warning,) = outcome.warnings
    assert warning.text("eventTypes").startswith("eventTypes[0] is not an event type that this version")
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
    assert changes(STATE, inputs_from(**changed)) == changed


def test_nothing_changed() -> None:
    """Inputs that say what is so already are no change."""
    assert changes(STATE, inputs_from()) == {}


@pytest.mark.parametrize(
    "event_types", [["record:updated", "record:created"], ["record:updated"] * 2 + ["record:created"]]
)
def test_event_types_are_a_set(event_types: list[str]) -> None:
    """The order and repeats of event types are no change, on whichever side."""
    assert changes(STATE, inputs_from(event_types=event_types)) == {}
    assert changes({**STATE, "event_types": event_types}, inputs_from()) == {}


@pytest.mark.parametrize("state", [{**STATE, "event_types": []}, {**STATE, "event_types": None}])
def test_every_event_and_back(state: dict[str, Any]) -> None:
    """Every event is no change from every event, and going there and back is one each time."""
    assert changes(state, inputs_from(event_types=[])) == {}
    assert changes(state, inputs_from()) == {"event_types": STATE["event_types"]}
    assert changes(STATE, inputs_from(event_types=[])) == {"event_types": []}
    without = {name: value for name, value in state.items() if name != "event_types"}
    assert changes(without, inputs_from(event_types=[])) == {}


@pytest.mark.parametrize("name", rules.INPUTS)
def test_unknown_is_a_change(name: str) -> None:
    """A preview shows a value that is not known yet as a change."""
    assert changes(STATE, inputs_from(**{name: UNKNOWN})) == {name: UNKNOWN}


def test_an_unknown_element_is_a_change() -> None:
    """A preview shows a list with an element that is not known yet as a change."""
    event_types = ["record:created", UNKNOWN]
    assert changes(STATE, inputs_from(event_types=event_types)) == {"event_types": event_types}


def test_a_value_that_truto_has_lost() -> None:
    """An input that is missing from the state is sent."""
    assert changes({}, inputs_from()) == inputs_from()


SAME_URLS = [
    ("https://hooks.example.com", "https://hooks.example.com/"),
    ("https://hooks.example.com/a", "HTTPS://Hooks.EXAMPLE.com/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:443/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:/a"),
    ("https://hooks.example.com?a=1", "https://hooks.example.com/?a=1"),
    ("https://[2001:DB8::1]/a", "https://[2001:db8::1]:443/a"),
    ("http://localhost/a", "http://LOCALHOST:80/a"),
    ("not a url", "not a url"),
]
OTHER_URLS = [
    ("https://hooks.example.com/a", "https://hooks.example.com/A"),
    ("https://hooks.example.com/a", "https://hooks.example.com/a/"),
    ("https://hooks.example.com/a", "https://hooks.example.com/a?b=1"),
    ("https://hooks.example.com/a?b=1", "https://hooks.example.com/a?b=2"),
    ("https://hooks.example.com/a?b=1", "https://hooks.example.com/a?B=1"),
    ("https://hooks.example.com/a?b=1&c=2", "https://hooks.example.com/a?c=2&b=1"),
    ("https://hooks.example.com/a", "https://hooks.example.com:8443/a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:80/a"),
    ("https://hooks.example.com/a", "http://hooks.example.com/a"),
    ("https://hooks.example.com/a", "https://www.hooks.example.com/a"),
    ("https://hooks.example.com/a", "https://user@hooks.example.com/a"),
    ("https://hooks.example.com/%7Ea", "https://hooks.example.com/~a"),
    ("https://hooks.example.com/a", "https://hooks.example.com:port/a"),
    ("https://[hooks", "https://hooks"),
]


@pytest.mark.parametrize(("one", "other"), SAME_URLS)
def test_urls_that_only_look_different(one: str, other: str) -> None:
    """A URL that is only spelled differently, as Truto may show it, is no change."""
    assert same_url(one, other)
    assert same_url(other, one)
    assert changes({**STATE, "target_url": one}, inputs_from(target_url=other)) == {}


@pytest.mark.parametrize(("one", "other"), OTHER_URLS)
def test_urls_that_are_different(one: str, other: str) -> None:
    """A URL that leads elsewhere is a change, however small the difference is."""
    assert not same_url(one, other)
    assert not same_url(other, one)
    assert changes({**STATE, "target_url": one}, inputs_from(target_url=other)) == {"target_url": other}


# create_body -----------------------------------------------------------------------------------------------


def test_the_body_of_a_create() -> None:
    """A create sends the three inputs and nothing else."""
    declared = {"target_url": URL, "event_types": ["record:updated", "record:created"], "secret": None, "id": "x"}
    assert create_body(check(declared).inputs) == inputs_from()


def test_the_body_of_a_create_for_every_event() -> None:
    """Every event is asked for by leaving the event types out, as Truto's guides do."""
    assert create_body(checked(is_active=False).inputs) == {"target_url": URL, "is_active": False}


# keep ------------------------------------------------------------------------------------------------------


def test_the_state_after_a_create() -> None:
    """The state of a new webhook is what Truto answered, in canonical form."""
    assert keep(webhook(secret="the secret"), {"target_url": URL}) == STATE


def test_drift_is_kept() -> None:
    """What was changed outside Pulumi is in the state after a refresh."""
    drifted = keep(webhook(target_url="https://other.example.com", is_active=False, event_types=["a:b"]), STATE)
    assert drifted == {**STATE, "target_url": "https://other.example.com", "is_active": False, "event_types": ["a:b"]}


@pytest.mark.parametrize("secret", [..., None, "another secret"])
def test_the_secret_is_never_dropped(secret: Any) -> None:
    """The secret stays the one that was known, whatever later answers of Truto hold."""
    assert keep(webhook(secret=secret), STATE)["secret"] == "the secret"


def test_a_secret_that_nobody_knows() -> None:
    """A webhook that was read and never created has no secret, and no made-up one."""
    assert keep(webhook(), {})["secret"] is None
    assert keep(webhook(secret="shown"), {"secret": None})["secret"] == "shown"


@pytest.mark.parametrize("left_out", [..., None])
@pytest.mark.parametrize("name", ["environment_id", "created_at", "updated_at"])
def test_outputs_that_an_answer_leaves_out(name: str, left_out: Any) -> None:
    """An output that Truto leaves out of an answer stays as it was."""
    assert keep(webhook(**{name: left_out}), STATE) == STATE


@pytest.mark.parametrize("every", [..., None, []])
def test_an_answer_with_every_event(every: Any) -> None:
    """However Truto shows that a webhook is for every event, it is an empty list in the state."""
    assert keep(webhook(event_types=every), STATE)["event_types"] == []


@pytest.mark.parametrize(("declared", "answered"), [pair for pair in SAME_URLS if "://" in pair[0]])
def test_the_url_stays_as_declared(declared: str, answered: str) -> None:
    """A URL that Truto only spells differently stays as it was declared."""
    assert keep(webhook(target_url=answered), {"target_url": declared})["target_url"] == declared


def test_keep_changes_neither_argument() -> None:
    """What is kept is a new state: the old one is not touched."""
    known = dict(STATE)
    assert keep(webhook(is_active=False), known) is not known
    assert known == STATE


# Properties ------------------------------------------------------------------------------------------------

#: A busy machine is slow, and that is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ODD_TEXTS = st.text() | st.text(alphabet="htps:/[]@#?.%0123456789aZ \n\t\x00\ud800\u2100\u00e9", max_size=40)
ODD_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers().map(lambda number: number * 10**320)
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
    | ODD_TEXTS
    | ODD_TEXTS.map(lambda text: "https://" + text)
    | st.binary()
    | st.sampled_from([UNKNOWN, EventType.RECORD_ANY, object(), URL, "record:created", "true"])
)
ANYTHING = st.recursive(
    ODD_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)

LABELS = st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=8)
PATHS = st.text(alphabet=string.ascii_letters + string.digits + "/%.-_~", max_size=12).map(lambda path: "/" + path)
URLS = st.builds(
    "{}://{}.example{}{}{}".format,
    st.sampled_from(["https", "HTTPS", "Https"]),
    LABELS,
    st.sampled_from(["", ":443", ":8443"]),
    st.just("") | PATHS,
    st.just("") | LABELS.map(lambda query: "?" + query),
)
EVENT_TYPES = st.lists(
    st.sampled_from(KNOWN) | st.from_regex(r"[^\s:]{1,8}:[^\s:]{1,8}", fullmatch=True) | st.just(EventType.RECORD_META),
    max_size=6,
)
WISHES = st.fixed_dictionaries(
    {"target_url": URLS, "event_types": st.none() | EVENT_TYPES, "is_active": st.none() | st.booleans()}
)


def canonical(wish: Mapping[str, Any]) -> dict[str, Any]:
    outcome = check(wish)
    assert outcome.faults == []
    return outcome.inputs


def shown_by_truto(inputs: Mapping[str, Any], shouting: bool) -> Webhook:
    """The webhook with these inputs as Truto answers it, perhaps with another spelling of the URL."""
    url = inputs["target_url"]
    if shouting:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        url = f"{scheme.upper()}://{host.upper() if '?' not in host else host}{slash}{path}"
    return webhook(target_url=url, event_types=[*reversed(inputs["event_types"])], is_active=inputs["is_active"])


@patient
@given(st.dictionaries(st.sampled_from([*rules.INPUTS, "other"]), ANYTHING), st.booleans())
def test_check_never_raises(inputs: dict[str, Any], api_on_loopback: bool) -> None:
    """Whatever a program declares is answered with faults on one line each, never with a traceback."""
    for fault in check(inputs, api_on_loopback=api_on_loopback).faults:
        assert fault.property in rules.INPUTS
        assert len(fault.reason.splitlines()) == 1


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


@patient
@given(WISHES, st.booleans())
def test_a_webhook_made_from_inputs_has_no_changes(wish: dict[str, Any], shouting: bool) -> None:
    """Right after an `up` there is nothing to do, however Truto spells what it was sent."""
    inputs = canonical(wish)
    state = keep(shown_by_truto(inputs, shouting), inputs)
    assert changes(state, inputs) == {}


@patient
@given(WISHES, WISHES, st.booleans())
def test_an_update_leads_where_it_should(before: dict[str, Any], after: dict[str, Any], shouting: bool) -> None:
    """An update sends enough: after it there is nothing to do."""
    old, new = canonical(before), canonical(after)
    state = {**STATE, **old}
    patched = {**old, **changes(state, new)}
    kept = keep(shown_by_truto(patched, shouting), {**state, "target_url": new["target_url"]})
    assert changes(kept, new) == {}
    assert kept["secret"] == STATE["secret"]


@patient
@given(WISHES, WISHES)
def test_an_update_sends_nothing_in_vain(before: dict[str, Any], after: dict[str, Any]) -> None:
    """An update sends no input that is as it should be already."""
    state, new = {**STATE, **canonical(before)}, canonical(after)
    for name in changes(state, new):
        assert changes({**new, name: state[name]}, new) == {name: new[name]}


@patient
@given(ODD_TEXTS, ODD_TEXTS)
def test_same_url_never_raises(one: str, other: str) -> None:
    """Two texts that are no URLs can be compared as well, and each equals itself."""
    assert same_url(one, other) == same_url(other, one)
    assert same_url(one, one)
