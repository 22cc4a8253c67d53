"""Comparing URLs, and recognizing loopback."""

from __future__ import annotations

import pytest
from hypothesis import given

from pulumi_truto.urls import is_loopback, urls_equal
from tests.support.strategies import ODD_STRINGS, no_deadline


@no_deadline
@given(ODD_STRINGS, ODD_STRINGS)
def test_any_strings_can_be_compared(url: str, other_url: str) -> None:
    """Comparing never raises, even for strings that are not URLs; it is symmetric, and a string equals itself."""
    assert urls_equal(url, other_url) == urls_equal(other_url, url)
    assert urls_equal(url, url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::2", False),
        ("", False),
        (None, False),
    ],
)
def test_is_loopback(host: str | None, expected: bool) -> None:
    """Only localhost, 127.0.0.0/8 and ::1 are loopback."""
    assert is_loopback(host) is expected
