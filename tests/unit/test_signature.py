"""Signing and verifying a delivery."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from pulumi_truto.signature import HEADER, SignatureError, sign, verify, verify_age

SECRET = "3f0d7a52-9c1e-4b7e-8a55-0d2f6f1f4a10"
BODY = b'{"id":"1","event":"record:created","payload":{"foo":"bar"}}'
#: Output of `openssl dgst -sha256 -hmac SECRET`: body, secret, digest in hex, digest in base64.
VECTORS = [
    (
        BODY,
        SECRET,
        "46c56d1b0ae4c3858465c756ba60b739f1230abe0ad2e737b57a596eddcf4c96",
        "RsVtGwrkw4WEZcdWumC3OfEjCr4K0uc3tXpZbt3PTJY=",
    ),
    (
        b"",
        SECRET,
        "aa659da334abd16de6bfbc6e1075d4e51b8f78e23a8169c54f6a8d6cbfd1d782",
        "qmWdozSr0W3mv7xuEHXU5RuPeOI6gWnFT2qNbL/R14I=",
    ),
    (
        "Zürich ☃".encode(),
        "schlüssel",
        "2731285627b264586cf1f8efdc6441486a930f8fc3398529acf7d74f251f7a3c",
        "JzEoVieyZFhs8fjv3GRBSGqTD4/DOYUprPfXTyUfejw=",
    ),
    # Its base64 contains both characters that differ between the standard and the URL-safe alphabet.
    (
        b"body 11",
        SECRET,
        "e3e98bafa5e0fd5c3cfdceb92c7a7806c60aba51cc116db630bb7979ded92507",
        "4+mLr6Xg/Vw8/c65LHp4BsYKulHMEW22MLt5ed7ZJQc=",
    ),
]
HEX, BASE64 = VECTORS[0][2:]


def header(digest: str) -> str:
    return f"format=sha256,v={digest}"


def verify_error(body: Any = BODY, header: Any = f"format=sha256,v={HEX}", secret: Any = SECRET) -> str:
    """The message of the error for a delivery that must be rejected. All arguments are valid by default."""
    with pytest.raises(SignatureError) as error_info:
        verify(body, header, secret)
    assert SECRET not in str(error_info.value)
    return str(error_info.value)


# Vectors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "secret", "hex_digest", "base64_digest"), VECTORS)
def test_vectors(body: bytes, secret: str, hex_digest: str, base64_digest: str) -> None:
    """A signature made by OpenSSL is accepted, and `sign` makes the same one."""
    assert sign(body, secret) == header(hex_digest)
    assert sign(body, secret, encoding="base64") == header(base64_digest)
    verify(body, header(hex_digest), secret)
    verify(body, header(base64_digest), secret)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")
@pytest.mark.parametrize("body", [BODY, b"\x00\xff\r\n", b"x" * 100_000])
def test_signature_of_local_openssl_is_accepted(body: bytes) -> None:
    """A signature made by the installed OpenSSL is accepted."""
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-binary"]
    digest = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout
    verify(body, header(digest.hex()), SECRET)
    verify(body, header(base64.b64encode(digest).decode()), SECRET)


@pytest.mark.parametrize(("body", "secret", "base64_digest"), [(body, key, digest) for body, key, _, digest in VECTORS])
def test_both_base64_alphabets_are_accepted(body: bytes, secret: str, base64_digest: str) -> None:
    """Standard and URL-safe base64 are accepted, with padding and without."""
    for digest in (base64_digest, base64_digest.replace("+", "-").replace("/", "_")):
        verify(body, header(digest), secret)
        verify(body, header(digest.rstrip("=")), secret)


@pytest.mark.parametrize("digest", [HEX.upper(), HEX[:32].upper() + HEX[32:]])
def test_hex_is_case_insensitive(digest: str) -> None:
    """A digest in hex may be in upper or lower case."""
    verify(BODY, header(digest), SECRET)


@pytest.mark.parametrize(
    "value",
    [
        f"v={HEX},format=sha256",
        f"v={HEX}",
        f"v={BASE64}",
        f"v={BASE64},format=sha256",
        f"format=sha256, v={HEX}",
        f" format=sha256,v={HEX} ",
        f"t=1,format=sha256,v={HEX}",
        f"format=sha256,v={HEX},new=field=with=signs",
    ],
)
def test_header_fields_may_be_reordered_or_unknown(value: str) -> None:
    """The fields of the header may come in any order, and unknown fields are ignored."""
    verify(BODY, value, SECRET)


@pytest.mark.parametrize("bytes_type", [bytes, bytearray, memoryview])
def test_all_types_of_bytes_are_accepted(bytes_type: Callable[[bytes], Any]) -> None:
    """The body may have any type of bytes that web frameworks use."""
    verify(bytes_type(BODY), header(HEX), SECRET)
    assert sign(bytes_type(BODY), SECRET) == header(HEX)


def test_non_contiguous_view_raises_no_other_error() -> None:
    """A view of every second byte is verified or rejected with a `SignatureError`."""
    every_second: Any = memoryview(b"".join(bytes([byte, 0]) for byte in BODY))[::2]
    assert bytes(every_second) == BODY
    with contextlib.suppress(SignatureError):
        verify(every_second, header(HEX), SECRET)


# Secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secrets",
    [[SECRET], ["old", SECRET], [SECRET, "new"], ("old", SECRET, "new"), {"old", SECRET}, frozenset({SECRET})],
)
def test_any_of_several_secrets_may_match(secrets: Sequence[str]) -> None:
    """During a rotation, a delivery may be signed with any of several secrets."""
    verify(BODY, header(HEX), secrets)


@pytest.mark.parametrize(
    "secret", ["other", SECRET + " ", SECRET.upper(), SECRET[:-1], ["other"], ["other", "another"]]
)
def test_wrong_secret_is_rejected(secret: str | list[str]) -> None:
    """A delivery that was signed with another secret is rejected."""
    assert "does not match" in verify_error(secret=secret)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("", "the secret is empty"),
        ([SECRET, ""], "the secret is empty"),
        ([], "no secret was given"),
        (None, "must be a string, not NoneType"),
        (SECRET.encode(), "must be a string, not bytes"),
        ([SECRET.encode()], "must be a string, not bytes"),
        ({SECRET: 1}, "must be a string, not dict"),
        ("\ud800", "not valid Unicode"),
    ],
)
def test_invalid_secret_is_rejected(secret: object, reason: str) -> None:
    """An empty, missing or mistyped secret never verifies anything, and the error says why."""
    assert reason in verify_error(secret=secret)


def test_signature_with_an_empty_key_is_rejected() -> None:
    """A delivery that was signed with an empty key is rejected, even if the receiver's secret is empty."""
    forged = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    verify_error(header=header(forged), secret="")
    verify_error(header=header(forged), secret=["", SECRET])


# Bodies and headers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [BODY + b" ", BODY[:-1], b"", json.dumps(json.loads(BODY)).encode(), BODY.replace(b"bar", b"baz")]
)
def test_changed_body_is_rejected(body: bytes) -> None:
    """A body that was changed, or parsed and encoded again, is rejected."""
    assert "does not match" in verify_error(body=body)


@pytest.mark.parametrize("body", [BODY.decode(), json.loads(BODY), None, 5, [BODY]])
def test_body_must_be_bytes(body: object) -> None:
    """The error for a body of another type says that the raw bytes are needed."""
    assert "raw bytes" in verify_error(body=body)
    with pytest.raises(SignatureError, match="raw bytes"):
        sign(body, SECRET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        HEX,
        f"format=sha1,v={HEX}",
        f"format=sha512,v={HEX}",
        f"format=none,v={HEX}",
        "format=sha256",
        "format=sha256,v=",
        f"format=sha256,v={HEX[:-1]}",
        f"format=sha256,v={HEX}0",
        f"format=sha256,v={HEX},v={HEX}",
        f"format=sha256,format=sha256,v={HEX}",
        f"format=sha256,v={HEX},",
        f"format=sha256;v={HEX}",
        f"format=sha256,v={BASE64[:-2]}",
        f"format=sha256,v={BASE64}=",
        f"format=sha256,v=={BASE64}",
        f"format=sha256,v={BASE64[:20]}\n{BASE64[20:]}",
        "format=sha256,v=" + "é" * 43,
        "format=sha256,v=" + "\uff11" * 64,
        f"format=sha256,v={HEX}," + "x=" + "y" * 2000,
        ",",
        "=",
        "\x00",
    ],
)
def test_malformed_header_is_rejected(value: str) -> None:
    """The error for a malformed header names the header."""
    assert HEADER in verify_error(header=value)


@pytest.mark.parametrize("value", [None, ""])
def test_missing_header_is_rejected(value: str | None) -> None:
    """The error for a request without the header names the header."""
    assert verify_error(header=value) == "the request has no X-Truto-Signature header"


@pytest.mark.parametrize("value", [header(HEX).encode(), [header(HEX)], {"v": HEX}, 5])
def test_header_must_be_a_string(value: object) -> None:
    """A header of another type is rejected."""
    assert "must be a string" in verify_error(header=value)


def test_errors_do_not_show_the_expected_signature() -> None:
    """An error does not show the expected signature, which a sender could use to forge a delivery."""
    assert HEX not in verify_error(header=header("0" * 64))
    assert BASE64 not in verify_error(header=header("0" * 64))


# The age of a delivery ---------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "created_at",
    [
        "2026-11-24T10:00:00.000Z",
        "2026-11-24T09:55:00.000Z",
        "2026-11-24T10:05:00.000Z",
        "2026-11-24 09:59:00",
        "2026-11-24T11:59:00+02:00",
    ],
)
def test_recent_delivery_is_accepted(created_at: str) -> None:
    """A delivery of the last five minutes is accepted, in every format that Truto uses, with clocks that differ."""
    verify_age(created_at, now=NOW)


@pytest.mark.parametrize("created_at", ["2026-11-24T09:54:59Z", "2025-11-24T10:00:00Z"])
def test_old_delivery_is_rejected(created_at: str) -> None:
    """An older delivery may be a replay."""
    with pytest.raises(SignatureError, match="it may be a replay"):
        verify_age(created_at, now=NOW)


def test_delivery_from_the_future_is_rejected() -> None:
    """A delivery from the future shows that a clock is wrong."""
    with pytest.raises(SignatureError, match="301 seconds in the future: check this machine's clock"):
        verify_age("2026-11-24T10:05:01Z", now=NOW)


@pytest.mark.parametrize("created_at", [None, "", "yesterday", 5, {}, "9999-99-99"])
def test_delivery_without_a_time_is_rejected(created_at: object) -> None:
    """A delivery whose age is unknown is rejected."""
    with pytest.raises(SignatureError, match="no readable created_at"):
        verify_age(created_at, now=NOW)


def test_tolerance_can_be_chosen() -> None:
    """The maximum age is the receiver's choice, and by default the time of this machine counts."""
    verify_age(datetime.now(timezone.utc).isoformat(), tolerance_seconds=60)
    with pytest.raises(SignatureError):
        verify_age("2026-11-24T09:58:59Z", tolerance_seconds=60, now=NOW)
