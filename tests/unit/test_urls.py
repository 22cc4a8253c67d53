"""Which URLs are equal."""

from __future__ import annotations

from hypothesis import given

from pulumi_truto.urls import urls_equal
from tests.unit.strategies import ODD_TEXTS, patient


@patient
@given(ODD_TEXTS, ODD_TEXTS)
def test_same_url_never_raises(one: str, other: str) -> None:
    """Two texts that are no URLs can be compared as well, and each equals itself."""
    assert urls_equal(one, other) == urls_equal(other, one)
    assert urls_equal(one, one)
