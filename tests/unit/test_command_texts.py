"""The texts that the commands read and print: JSON, lines for a terminal, and Python code."""

from __future__ import annotations

import ast
import json
import keyword

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.api.models import Webhook
from pulumi_truto.cli.environment import Existing
from pulumi_truto.cli.files import parse_json
from pulumi_truto.cli.import_file import python_program
from pulumi_truto.cli.terminal import escape
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.strategies import no_deadline

#: Strings with a preference for those that are commands somewhere, or end a literal.
TEXTS = st.text() | st.text(alphabet="#[]:\\\"'\r\n\x1b\x85\x9b\u2028\u202e\U0001f600aü")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"a": "s3cr3t"', "Expecting"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'{"a": {"s3cr3t": 1, "s3cr3t": 1}}', "an object has the same key twice"),
        (b'{"a": "s3cr3t\xff"}', "can't decode byte"),
        (b'{"a": "s3cr3t\n"}', "Invalid control character"),
        (b'{"a": "s3cr3t"} {}', "Extra data"),
        (b"1" * 5000, "Exceeds the limit"),
    ],
)
def test_wrong_json_is_an_error_without_its_content(content: bytes, reason: str) -> None:
    """JSON that is invalid, or whose meaning is not certain, is an error of one line that shows nothing of it."""
    with pytest.raises(ValueError, match=reason) as error_info:
        parse_json(content)
    assert "\n" not in str(error_info.value)
    assert "s3cr3t" not in str(error_info.value)


@no_deadline
@given(TEXTS)
def test_escaped_text_is_no_command(text: str) -> None:
    """Printed text is one line without control characters and without `##`, and readable text stays as it is."""
    escaped = escape(text)
    assert escaped.isprintable()
    assert "##" not in escaped
    if text.isprintable() and "##" not in text:
        assert escaped == text


@no_deadline
@given(TEXTS)
def test_escaped_json_has_the_same_value(text: str) -> None:
    """JSON that is printed for programs has the same value as before."""
    assert json.loads(escape(json.dumps(text))) == text


@no_deadline
@given(
    TEXTS.filter(bool) | st.text(alphabet="\ud800a", min_size=1) | st.sampled_from(["truto", *keyword.kwlist]),
    st.text(min_size=1) | TEXTS.filter(bool),
    st.lists(TEXTS, min_size=1, unique=True),
)
def test_printed_code_has_the_same_strings(name: str, url: str, event_types: list[str]) -> None:
    """The code that is printed is valid Python for every character, and its strings are those of the webhook."""
    webhook = Existing(WEBHOOK, Webhook(id="an-id", target_url=url, is_active=False, event_types=event_types))
    code = python_program([webhook, webhook], {"an-id": name})
    tree = ast.parse("\n".join(escape(line) for line in code.split("\n")))
    _, *assignments = tree.body
    assert len(assignments) == 2
    for assignment in assignments:
        assert isinstance(assignment, ast.Assign)
        assert isinstance(assignment.targets[0], ast.Name)
        assert assignment.targets[0].id != "truto"
        call = assignment.value
        assert isinstance(call, ast.Call)
        assert ast.unparse(call.func) == "truto.Webhook"
        assert [ast.literal_eval(argument) for argument in call.args] == [name]
        arguments = {argument.arg: ast.literal_eval(argument.value) for argument in call.keywords}
        assert sorted(arguments.pop("event_types")) == sorted(event_types)
        assert arguments == {"target_url": url, "is_active": False}
