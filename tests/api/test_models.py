"""Which responses of Truto are valid."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import ValidationError

from pulumi_truto.api.models import CreatedWebhook, ErrorEnvelope, Page, TestResult, Webhook

RESPONSE = {
    "id": "0b7c1f0e-6d0f-4d3c-9d43-2f5a0c6f0001",
    "target_url": "https://hooks.example.com/truto",
    "is_active": True,
    "event_types": ["record:created"],
    "environment_id": "0b7c1f0e-6d0f-4d3c-9d43-2f5a0c6f0002",
    "created_at": "2024-09-01T10:00:00.000Z",
    "updated_at": "2024-09-01T10:00:00.000Z",
}


def parse(**fields: Any) -> CreatedWebhook:
    """The webhook in `RESPONSE` with these fields; ``...`` omits a field."""
    known = {**RESPONSE, "secret": "a secret", **fields}
    response = {name: value for name, value in known.items() if value is not ...}
    return CreatedWebhook.model_validate_json(json.dumps(response))


def parse_error(**fields: Any) -> str:
    """The error for `RESPONSE` with these fields, which must be invalid."""
    with pytest.raises(ValidationError) as error_info:
        parse(**fields)
    return str(error_info.value) + repr(error_info.value)


# Times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "normalized"),
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
def test_times_are_normalized(timestamp: str, normalized: str) -> None:
    """A time has one format, whichever Truto used, so that the format alone is never a change."""
    webhook = parse(created_at=timestamp, updated_at=timestamp)
    assert webhook.created_at == webhook.updated_at == normalized


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize("value", [..., None])
def test_missing_time_is_none(name: str, value: Any) -> None:
    """A time that is absent or null is ``None``."""
    assert getattr(parse(**{name: value}), name) is None


@pytest.mark.parametrize(
    "value",
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
def test_invalid_time_is_rejected(value: object) -> None:
    """A value that is not a time in a string is an error."""
    assert "created_at" in parse_error(created_at=value)


# Fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "parsed"), [(..., None), (None, None), ([], []), (["new:event"], ["new:event"])])
def test_event_types(value: Any, parsed: object) -> None:
    """Event types may be absent, null, empty, or new to this version."""
    assert parse(event_types=value).event_types == parsed


def test_unknown_fields_are_ignored() -> None:
    """A field that Truto adds later is not an error."""
    assert parse(new_field={"nested": [1, None]}, label="x") == parse()
    page = {"result": [{**RESPONSE, "new_field": 1}], "next_cursor": None, "limit": 100, "total": {"of": 1}}
    assert Page.parse(Webhook, json.dumps(page).encode()).result == [Webhook.model_validate(RESPONSE)]
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
        ("secret", ...),
    ],
)
def test_wrong_type_is_rejected(name: str, value: Any) -> None:
    """A field with a wrong type is an error that names the field. No value is converted."""
    assert name in parse_error(**{name: value})


@pytest.mark.parametrize(
    "page",
    [
        {},
        [],
        {"result": None},
        {"result": {}},
        {"result": [], "next_cursor": 5},
        {"webhooks": []},
    ],
)
def test_invalid_page_is_rejected(page: object) -> None:
    """An invalid page is an error, never an empty page."""
    with pytest.raises(ValueError, match=r"result|next_cursor|Input should be"):
        Page.parse(Webhook, json.dumps(page).encode())


@pytest.mark.parametrize("response", [{}, {"success": "true"}, {"success": 1}, {"success": None}, [], True])
def test_invalid_test_result_is_rejected(response: object) -> None:
    """The ``success`` of a test must be true or false."""
    with pytest.raises(ValidationError):
        TestResult.model_validate_json(json.dumps(response))


@pytest.mark.parametrize("id_", [RESPONSE["id"], "1", "webhook_1", "A-b_9", "x" * 128])
def test_valid_ids(id_: str) -> None:
    """An id does not have to be a UUID."""
    assert parse(id=id_).id == id_


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
def test_id_that_could_change_a_path_is_rejected(id_: str) -> None:
    """An id with characters that have a meaning in a URL is an error."""
    assert "id" in parse_error(id=id_)


# Secrets ---------------------------------------------------------------------------------------------------


def test_repr_does_not_show_the_secret() -> None:
    """A printed webhook does not show its secret."""
    webhook = parse(secret="hunter2")
    assert webhook.secret == "hunter2"
    assert "hunter2" not in repr(webhook) + str(webhook)
    assert "hunter2" not in repr(Page([webhook], [], None))


@pytest.mark.parametrize("name", [*RESPONSE, "secret"])
@pytest.mark.parametrize("value", [{"hunter2": "hunter2"}, [["hunter2"]]])
def test_errors_do_not_show_values(name: str, value: Any) -> None:
    """The error for an invalid response shows none of its values, which could be secrets."""
    assert "hunter2" not in parse_error(**{"secret": "hunter2", name: value})


@pytest.mark.parametrize("name", ["id", "target_url", "is_active", "created_at", "updated_at", "secret"])
def test_errors_do_not_show_strings(name: str) -> None:
    """The error for a string that is too long or malformed does not show the string."""
    assert "hunter2" not in parse_error(**{name: "hunter2 hunter2\n" * 1000})


@pytest.mark.parametrize("body", ["", '{"secret": "hunter2"', '{"secret": "hunter2" x}', '"hunter2"', '["hunter2"]'])
def test_errors_for_invalid_json_do_not_show_values(body: str) -> None:
    """The error for malformed JSON, or for JSON that is not an object, shows none of it."""
    with pytest.raises(ValidationError) as error_info:
        Webhook.model_validate_json(body)
    assert "hunter2" not in str(error_info.value) + repr(error_info.value)


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
def test_error_envelope_fields_are_optional(body: dict[str, Any], message: object) -> None:
    """The body of an error may lack every field."""
    assert ErrorEnvelope.model_validate(body).message == message


# Properties ------------------------------------------------------------------------------------------------

#: A slow machine must not fail a test.
no_deadline = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@no_deadline
@given(
    st.sampled_from([Webhook.parse, partial(Page.parse, Webhook), TestResult.parse, ErrorEnvelope.parse]),
    st.binary() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from([*RESPONSE, "result"]), JSON).map(json.dumps),
)
def test_any_body_is_valid_or_a_value_error(parse_body: Callable[[bytes], object], body: bytes | str) -> None:
    """Parsing raises no other exception than `ValueError`, whatever the body is."""
    with contextlib.suppress(ValueError):
        parse_body(body.encode() if isinstance(body, str) else body)


@no_deadline
@given(st.datetimes(), st.sampled_from(["T", " "]), st.sampled_from(["", "Z"]))
def test_time_formats_are_equivalent(moment: Any, separator: str, zone: str) -> None:
    """All of Truto's time formats give the same normalized time."""
    moment = moment.replace(microsecond=0)
    webhook = parse(created_at=moment.isoformat(sep=separator) + zone)
    assert webhook.created_at == moment.isoformat() + ".000Z"
