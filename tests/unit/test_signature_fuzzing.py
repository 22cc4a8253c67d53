"""Signing, verifying and dating arbitrary values: `SignatureError` is the only exception."""

from __future__ import annotations

import base64
import contextlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pulumi_truto.signature import HEADER, SignatureError, sign, verify, verify_age
from tests.support.strategies import no_deadline

HEX = "46c56d1b0ae4c3858465c756ba60b739f1230abe0ad2e737b57a596eddcf4c96"
DIGESTS = (
    st.text(alphabet="0123456789abcdefABCDEF", min_size=63, max_size=65)
    | st.text(alphabet="abcXYZ019+/-_=", min_size=42, max_size=45)
    | st.binary(min_size=32, max_size=32).map(lambda digest: base64.b64encode(digest).decode())
)
HEADER_FIELDS = st.sampled_from(["format=sha256", "v=", "=", f"format=sha256,v={HEX}", f"v={HEX}", " ", "\x00", "é"])
HEADERS = st.text() | DIGESTS.map("format=sha256,v={}".format) | st.lists(HEADER_FIELDS).map(",".join)
ANYTHING: st.SearchStrategy[Any] = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(alphabet="\ud800a")
    | st.binary()
    | st.binary().map(bytearray)
    | st.binary().map(lambda data: memoryview(data))
    | st.binary(min_size=2).map(lambda data: memoryview(data)[::-1])
    | st.lists(st.text() | st.binary() | st.none())
    | st.frozensets(st.text())
    | st.dictionaries(st.text(), st.text())
    | st.builds(object)
)
NAMES = st.sampled_from([HEADER, HEADER.lower(), HEADER.encode(), "HTTP_X_TRUTO_SIGNATURE"]) | ANYTHING
MAPPINGS = st.dictionaries(
    NAMES.filter(lambda name: getattr(name, "__hash__", None) is not None), HEADERS | ANYTHING
) | st.lists(st.tuples(NAMES, HEADERS | ANYTHING))
#: Strings that can be a secret: Truto's are UUIDs.
SECRETS = st.uuids().map(str) | st.text(alphabet="abcXYZ019-_+/=.é", min_size=1)
TIMES = st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d*)?([Zz]|[+-]\d\d:?\d\d)?", fullmatch=True)


@no_deadline
@given(st.binary() | ANYTHING, HEADERS | MAPPINGS | ANYTHING, st.text() | ANYTHING)
def test_verify_raises_only_signature_errors(body: Any, header: Any, secret: Any) -> None:
    """Whatever a request contains, the receiver has to catch one exception only."""
    with pytest.raises(SignatureError):
        verify(body, header, secret)


@no_deadline
@given(ANYTHING, ANYTHING)
def test_sign_raises_only_signature_errors(body: Any, secret: Any) -> None:
    """`sign` returns a valid signature or raises a `SignatureError`."""
    try:
        signature = sign(body, secret)
    except SignatureError:
        return
    verify(body, signature, secret)


@no_deadline
@given(st.binary(), SECRETS, st.sampled_from(["hex", "base64"]))
def test_signature_verifies_with_its_body_and_secret_only(body: bytes, secret: str, encoding: Any) -> None:
    """A signature is accepted for its own body and secret and rejected for others."""
    signature = sign(body, secret, encoding=encoding)
    verify(body, signature, secret)
    with pytest.raises(SignatureError):
        verify(body, signature, secret + "x")
    with pytest.raises(SignatureError):
        verify(body + b"x", signature, secret)


@no_deadline
@given(st.binary(), st.binary(min_size=32, max_size=32))
def test_guessed_digest_is_rejected(body: bytes, digest: bytes) -> None:
    """A digest that was made without the secret is rejected in every encoding, and the error hides the secret."""
    secret = "3f0d7a52-9c1e-4b7e-8a55-0d2f6f1f4a10"
    for encoded in (digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()):
        with pytest.raises(SignatureError, match="does not match") as error_info:
            verify(body, f"format=sha256,v={encoded}", secret)
        assert secret not in str(error_info.value)


@no_deadline
@given(
    st.datetimes(timezones=st.just(timezone.utc)).filter(lambda moment: 1 < moment.year < 9999),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.sampled_from("T t"),
    st.integers(6, 9),
    st.sampled_from(["", ":"]),
)
def test_time_is_read_in_every_form(moment: datetime, zone: timezone, separator: str, digits: int, colon: str) -> None:
    """A moment has the same age in every zone, with every separator and any number of digits, to the microsecond."""
    local = moment.astimezone(zone)
    fraction = f"{local.microsecond:06}000"[:digits]
    zone_text = local.strftime("%z")
    seconds = local.replace(tzinfo=None).isoformat(separator, "seconds")
    text = f"{seconds}.{fraction}{zone_text[:3]}{colon}{zone_text[3:]}"
    verify_age(text, tolerance_seconds=0, now=moment)
    with pytest.raises(SignatureError, match="it may be a replay"):
        verify_age(text, tolerance_seconds=0, now=moment + timedelta(microseconds=1))


@no_deadline
@given(TIMES | ANYTHING, st.floats() | ANYTHING, st.datetimes() | ANYTHING)
def test_verify_age_raises_only_signature_errors(created_at: Any, tolerance_seconds: Any, now: Any) -> None:
    """Whatever a delivery contains, it has an age or is rejected."""
    with contextlib.suppress(SignatureError):
        verify_age(created_at, tolerance_seconds=tolerance_seconds, now=now)
    with contextlib.suppress(SignatureError):
        verify_age(created_at)
