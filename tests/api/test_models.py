"""What is believed of Truto's answers, and what is not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import BaseModel, ValidationError

from pulumi_truto.api.models import ErrorEnvelope, TestResult, Webhook, WebhookPage

ANSWER = {
    "id": "0b7c1f0e-6d0f-4d3c-9d43-2f5a0c6f0001",
    "target_url": "https://hooks.example.com/truto",
    "is_active": True,
    "event_types": ["record:created"],
    "environment_id": "0b7c1f0e-6d0f-4d3c-9d43-2f5a0c6f0002",
    "created_at": "2024-09-01T10:00:00.000Z",
    "updated_at": "2024-09-01T10:00:00.000Z",
}


def parsed(**fields: Any) -> Webhook:
    """The webhook of an answer with these fields; ``...`` leaves one out."""
    response = {name: value for name, value in {**ANSWER, **fields}.items() if value is not ...}
    return Webhook.model_validate_json(json.dumps(response))


def refused(**fields: Any) -> str:
    """The text of the refusal of an answer with these fields."""
    with pytest.raises(ValidationError) as caught:
        parsed(**fields)
    return str(caught.value) + repr(caught.value)


# Times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2024-09-01T10:00:00.000Z", "2024-09-01T10:00:00.000Z"),
        ("2024-09-01 10:00:00", "2024-09-01T10:00:00.000Z"),
        ("2024-09-01T10:00:00", "2024-09-01T10:00:00.000Z"),
        ("2024-09-01T10:00:00+00:00", "2024-09-01T10:00:00.000Z"),
        ("2024-09-01T12:00:00.000+02:00", "2024-09-01T10:00:00.000Z"),
        ("2024-09-01 10:00:00.123", "2024-09-01T10:00:00.123Z"),
        ("2024-09-01T10:00:00.123456Z", "2024-09-01T10:00:00.123Z"),
    ],
)
def test_times_have_one_form(written: str, text: str) -> None:
    """However Truto writes a time, it is shown in one form, so that the form alone is never a change."""
    webhook = parsed(created_at=written, updated_at=written)
    assert webhook.created_at_text == webhook.updated_at_text == text


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize("left_out", [..., None])
def test_no_time(name: str, left_out: Any) -> None:
    """A time that Truto leaves out is no time, and no failure."""
    assert getattr(parsed(**{name: left_out}), f"{name}_text") is None


@pytest.mark.parametrize(
    "written",
    [
        1725184800,
        1725184800.0,
        True,
        ["2024-09-01"],
        {},
        "",
        "yesterday",
        "2024-13-01T10:00:00Z",
        "10:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_times_that_are_none(written: object) -> None:
    """What is no time is refused and not taken for one."""
    assert "created_at" in refused(created_at=written)


# Fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shown", "taken"), [(..., None), (None, None), ([], []), (["new:event"], ["new:event"])])
def test_event_types(shown: Any, taken: object) -> None:
    """Every way in which Truto shows the event types is understood, event types that are new included."""
    assert parsed(event_types=shown).event_types == taken


def test_unknown_fields() -> None:
    """A field that Truto adds some day is no failure."""
    assert parsed(new_field={"nested": [1, None]}, label="x") == parsed()
    page = {"result": [{**ANSWER, "new_field": 1}], "next_cursor": None, "limit": 100, "total": {"of": 1}}
    assert WebhookPage.model_validate(page).result == [parsed()]
    assert TestResult.model_validate({"success": False, "status": 500}).success is False
    assert ErrorEnvelope.model_validate({"message": "no", "statusCode": "400", "x": 1}).message == "no"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 5),
        ("id", None),
        ("id", ...),
        ("target_url", 5),
        ("target_url", ""),
        ("target_url", None),
        ("target_url", ...),
        ("target_url", "https://" + "x" * 10_000),
        ("is_active", "true"),
        ("is_active", 1),
        ("is_active", None),
        ("is_active", ...),
        ("event_types", "record:created"),
        ("event_types", [5]),
        ("event_types", [None]),
        ("event_types", {"record": "created"}),
        ("environment_id", 5),
        ("secret", 5),
        ("secret", ""),
        ("secret", ["x"]),
    ],
)
def test_wrong_types(name: str, value: Any) -> None:
    """An answer with a field of another type is refused by the field's name, and nothing is made to fit."""
    assert name in refused(**{name: value})


@pytest.mark.parametrize(
    "page",
    [
        {},
        [],
        {"result": None},
        {"result": {}},
        {"result": [5]},
        {"result": [{"id": "x"}]},
        {"result": [], "next_cursor": 5},
        {"webhooks": []},
    ],
)
def test_pages_that_are_none(page: object) -> None:
    """What is no page of webhooks is refused, rather than taken for an empty one."""
    with pytest.raises(ValidationError):
        WebhookPage.model_validate_json(json.dumps(page))


@pytest.mark.parametrize("response", [{}, {"success": "true"}, {"success": 1}, {"success": None}, [], True])
def test_test_results_that_are_none(response: object) -> None:
    """Only true and false say whether a test event arrived."""
    with pytest.raises(ValidationError):
        TestResult.model_validate_json(json.dumps(response))


@pytest.mark.parametrize("id_", [ANSWER["id"], "1", "webhook_1", "A-b_9", "x" * 128])
def test_ids_that_are_fine(id_: str) -> None:
    """An id is taken as it is, whether it is a UUID or not."""
    assert parsed(id=id_).id == id_


@pytest.mark.parametrize(
    "id_",
    [
        "",
        ".",
        "..",
        "../token",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a%2Fb",
        "a b",
        "a\n",
        "\na",
        "a\r\nb",
        "a;b",
        "a:b",
        "\u00e9",
        "\uff11",
        "a\x00",
        "x" * 129,
    ],
)
def test_ids_that_could_alter_a_path(id_: str) -> None:
    """An id that would lead a request elsewhere is refused."""
    assert "id" in refused(id=id_)


# Secrets ---------------------------------------------------------------------------------------------------


def test_the_secret_is_not_shown() -> None:
    """A webhook can be printed without showing its secret."""
    webhook = parsed(secret="hunter2")
    assert webhook.secret == "hunter2"
    assert "hunter2" not in repr(webhook) + str(webhook)
    assert "hunter2" not in repr(WebhookPage(result=[webhook]))


@pytest.mark.parametrize("name", [*ANSWER, "secret"])
@pytest.mark.parametrize("value", [{"hunter2": "hunter2"}, [["hunter2"]]])
def test_refusals_show_no_values(name: str, value: Any) -> None:
    """The refusal of an answer shows nothing of what it held, which could be a secret."""
    assert "hunter2" not in refused(**{"secret": "hunter2", name: value})


@pytest.mark.parametrize("name", ["id", "target_url", "is_active", "created_at", "updated_at", "secret"])
def test_refusals_show_no_texts(name: str) -> None:
    """The refusal of a text that is too long, or no text of that kind, shows nothing of it."""
    assert "hunter2" not in refused(**{name: "hunter2 hunter2\n" * 1000})


@pytest.mark.parametrize("text", ["", '{"secret": "hunter2"', '{"secret": "hunter2" x}', '"hunter2"', '["hunter2"]'])
def test_refusals_of_no_json_show_no_values(text: str) -> None:
    """The refusal of a broken answer shows nothing of it either."""
    with pytest.raises(ValidationError) as caught:
        Webhook.model_validate_json(text)
    assert "hunter2" not in str(caught.value) + repr(caught.value)


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"statusCode": 400, "error": "Bad Request", "message": "name is required"}, "name is required"),
        ({"message": ["one", "two"]}, ["one", "two"]),
        ({"message": None}, None),
        ({}, None),
    ],
)
def test_error_envelopes(body: dict[str, Any], message: object) -> None:
    """The body of an error may lack every field."""
    assert ErrorEnvelope.model_validate(body).message == message


# Properties ------------------------------------------------------------------------------------------------

#: A busy machine is slow, and that is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@patient
@given(
    st.sampled_from([Webhook, WebhookPage, TestResult, ErrorEnvelope]),
    st.binary() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from([*ANSWER, "result"]), JSON).map(json.dumps),
)
def test_only_validation_errors_come_out(model: type[BaseModel], body: bytes | str) -> None:
    """Whatever an answer holds, it is understood or refused in one way."""
    with contextlib.suppress(ValidationError):
        model.model_validate_json(body)


@patient
@given(st.datetimes(), st.sampled_from(["T", " "]), st.sampled_from(["", "Z"]))
def test_a_time_is_read_as_it_was_written(moment: Any, between: str, zone: str) -> None:
    """Both of Truto's forms of a time lead to the same text."""
    second = moment.replace(microsecond=0)
    webhook = parsed(created_at=second.isoformat(sep=between) + zone)
    assert webhook.created_at_text == second.isoformat() + ".000Z"
