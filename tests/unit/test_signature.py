"""Signing and verifying a delivery."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pulumi_truto.signature import HEADER, SignatureError, sign, verify

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


@pytest.mark.parametrize("secret", ["other", SECRET.upper(), SECRET[:-1], ["other"], ["other", "another"]])
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
        ("\ud800", "has whitespace or other characters"),
        (SECRET + "\n", "perhaps a trailing line break"),
        (" " + SECRET, "has whitespace"),
        ([SECRET, SECRET + "\r\n"], "has whitespace"),
        ("\ufeff" + SECRET, "has whitespace or other characters"),
        (SECRET[:8] + "\u200b" + SECRET[8:], "has whitespace or other characters"),
        (" \n", "the secret is empty"),
        (f'"{SECRET}"', "has quotation marks"),
        (f"'{SECRET}'", "has quotation marks"),
        (f"\u201c{SECRET}\u201d", "has quotation marks"),
        (json.dumps(["other", SECRET]), "is JSON text"),
        (json.dumps({"secret": SECRET}), "is JSON text"),
        ("[secret]", "is masked"),
        ("***", "is masked"),
        ("None", 'is the text "None"'),
        ([SECRET, "null"], 'is the text "null"'),
    ],
)
def test_invalid_secret_is_rejected(secret: object, reason: str) -> None:
    """A string that cannot be a secret never verifies anything, and the error says why without showing it."""
    assert reason in verify_error(secret=secret)
    if isinstance(secret, str):
        with pytest.raises(SignatureError, match=re.escape(reason)):
            sign(BODY, secret)


def test_signature_with_an_empty_key_is_rejected() -> None:
    """A delivery that was signed with an empty key is rejected, even if the receiver's secret is empty."""
    forged = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    verify_error(header=header(forged), secret="")
    verify_error(header=header(forged), secret=["", SECRET])


@pytest.mark.parametrize("key", ["None", "null"])
def test_signature_with_the_name_of_an_empty_value_is_rejected(key: str) -> None:
    """A receiver whose secret is unknown does not accept deliveries that anyone could sign."""
    forged = hmac.new(key.encode(), BODY, hashlib.sha256).hexdigest()
    verify_error(header=header(forged), secret=key)


# Bodies and headers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [BODY + b" ", BODY[:-1], json.dumps(json.loads(BODY)).encode(), BODY.replace(b"bar", b"baz")]
)
def test_changed_body_is_rejected(body: bytes) -> None:
    """A body that was changed, or parsed and encoded again, is rejected."""
    assert "does not match" in verify_error(body=body)


@pytest.mark.parametrize("body", [b"", bytearray(), memoryview(b"")])
def test_empty_body_is_named(body: bytes) -> None:
    """The error for a body that the framework has already read says so."""
    assert "which is empty: read it before anything else does" in verify_error(body=body)


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


def test_errors_do_not_show_the_expected_signature() -> None:
    """An error does not show the expected signature, which a sender could use to forge a delivery."""
    assert HEX not in verify_error(header=header("0" * 64))
    assert BASE64 not in verify_error(header=header("0" * 64))
