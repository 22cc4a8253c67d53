"""The signature of a delivery, as a receiver verifies it; nothing but the standard library is loaded for it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pulumi_truto.signature import HEADER, SignatureError, sign, verify
from tests.support.commands import run

SECRET = "3f0d7a52-9c1e-4b7e-8a55-0d2f6f1f4a10"
BODY = b'{"id":"1","event":"record:created","payload":{"foo":"bar"}}'
#: Made with `openssl dgst -sha256 -hmac SECRET`: body, secret, digest in hex, digest in base64.
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
    # Both of the characters in which the alphabets of base64 differ.
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


def urlsafe(digest: str) -> str:
    return digest.replace("+", "-").replace("/", "_")


def view(data: bytes) -> Any:
    return memoryview(data)


def fails(body: Any = BODY, header: Any = f"format=sha256,v={HEX}", secret: Any = SECRET) -> str:
    """The message of the refusal."""
    with pytest.raises(SignatureError) as caught:
        verify(body, header, secret)
    assert SECRET not in str(caught.value)
    return str(caught.value)


# Vectors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "secret", "in_hex", "in_base64"), VECTORS)
def test_vectors(body: bytes, secret: str, in_hex: str, in_base64: str) -> None:
    """A signature that OpenSSL made is accepted, and ours is the same to the letter."""
    assert sign(body, secret) == header(in_hex)
    assert sign(body, secret, encoding="base64") == header(in_base64)
    verify(body, header(in_hex), secret)
    verify(body, header(in_base64), secret)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")
@pytest.mark.parametrize("body", [BODY, b"\x00\xff\r\n", b"x" * 100_000])
def test_against_openssl(body: bytes) -> None:
    """What OpenSSL on this machine signs is accepted."""
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-binary"]
    digest = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout
    verify(body, header(digest.hex()), SECRET)
    verify(body, header(base64.b64encode(digest).decode()), SECRET)


@pytest.mark.parametrize("in_base64", [vector[3] for vector in VECTORS])
def test_spellings_of_base64(in_base64: str) -> None:
    """Both alphabets of base64 are accepted, with padding and without."""
    (body, secret) = next((body, secret) for body, secret, _, digest in VECTORS if digest == in_base64)
    for digest in (in_base64, urlsafe(in_base64)):
        verify(body, header(digest), secret)
        verify(body, header(digest.rstrip("=")), secret)


@pytest.mark.parametrize("digest", [HEX.upper(), HEX[:32].upper() + HEX[32:]])
def test_upper_case_hex(digest: str) -> None:
    """The case of a digest in hex does not count."""
    verify(BODY, header(digest), SECRET)


@pytest.mark.parametrize(
    "value",
    [
        f"v={HEX},format=sha256",
        f"v={BASE64},format=sha256",
        f"format=sha256, v={HEX}",
        f" format=sha256,v={HEX} ",
        f"t=1,format=sha256,v={HEX}",
        f"format=sha256,v={HEX},new=field=with=signs",
    ],
)
def test_order_of_fields(value: str) -> None:
    """The order of the header's fields is free, and fields that nobody knows are skipped."""
    verify(BODY, value, SECRET)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_kinds_of_bytes(make: Callable[[bytes], Any]) -> None:
    """The body may come in any of the kinds of bytes that web frameworks hand out."""
    verify(make(BODY), header(HEX), SECRET)
    assert sign(make(BODY), SECRET) == header(HEX)


def test_bytes_that_do_not_lie_in_a_row() -> None:
    """A view on every second byte is refused or verified, and never fails in another way."""
    every_second = view(b"".join(bytes([each, 0]) for each in BODY))[::2]
    assert bytes(every_second) == BODY
    with contextlib.suppress(SignatureError):
        verify(every_second, header(HEX), SECRET)


# Secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secrets",
    [[SECRET], ["old", SECRET], [SECRET, "new"], ("old", SECRET, "new"), {"old", SECRET}, frozenset({SECRET})],
)
def test_several_secrets(secrets: Sequence[str]) -> None:
    """While one secret replaces another, either of them may have signed."""
    verify(BODY, header(HEX), secrets)


@pytest.mark.parametrize(
    "secret", ["other", SECRET + " ", SECRET.upper(), SECRET[:-1], ["other"], ["other", "another"]]
)
def test_wrong_secret(secret: str | list[str]) -> None:
    """A delivery that another secret signed is refused."""
    assert "does not match" in fails(secret=secret)


@pytest.mark.parametrize(
    ("secret", "said"),
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
def test_secrets_that_are_none(secret: object, said: str) -> None:
    """An empty or missing secret never verifies anything: it is refused, with the reason."""
    assert said in fails(secret=secret)


def test_an_empty_key_is_no_way_in() -> None:
    """A delivery that was signed with an empty key is refused even where the secret is empty."""
    forged = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    fails(header=header(forged), secret="")
    fails(header=header(forged), secret=["", SECRET])


# Bodies and headers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [BODY + b" ", BODY[:-1], b"", json.dumps(json.loads(BODY)).encode(), BODY.replace(b"bar", b"baz")]
)
def test_changed_body(body: bytes) -> None:
    """A body that was changed, or parsed and written again, is refused."""
    assert "does not match" in fails(body=body)


@pytest.mark.parametrize("body", [BODY.decode(), json.loads(BODY), None, 5, [BODY]])
def test_bodies_that_are_no_bytes(body: object) -> None:
    """A body that is not the raw bytes is refused with a hint that it must be."""
    assert "raw bytes" in fails(body=body)
    with pytest.raises(SignatureError, match="raw bytes"):
        sign(body, SECRET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        HEX,
        f"v={HEX}",
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
def test_malformed_headers(value: str) -> None:
    """A header of another form is refused and never guessed at."""
    assert HEADER in fails(header=value)


@pytest.mark.parametrize("value", [None, ""])
def test_no_header(value: str | None) -> None:
    """A request without the header is refused, and the message names the header."""
    assert fails(header=value) == "the request has no X-Truto-Signature header"


@pytest.mark.parametrize("value", [header(HEX).encode(), [header(HEX)], {"v": HEX}, 5])
def test_headers_that_are_no_text(value: object) -> None:
    """A header that is no text is refused."""
    assert "must be a string" in fails(header=value)


def test_messages_show_nothing() -> None:
    """No refusal shows the right signature, which would be a way to get it."""
    assert HEX not in fails(header=header("0" * 64))
    assert BASE64 not in fails(header=header("0" * 64))


# Properties ------------------------------------------------------------------------------------------------

#: A busy machine is slow, and that is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DIGESTS = (
    st.text(alphabet="0123456789abcdefABCDEF", min_size=63, max_size=65)
    | st.text(alphabet="abcXYZ019+/-_=", min_size=42, max_size=45)
    | st.binary(min_size=32, max_size=32).map(lambda digest: base64.b64encode(digest).decode())
)
HEADERS = (
    st.text()
    | DIGESTS.map(header)
    | st.lists(st.sampled_from(["format=sha256", "v=", "=", header(HEX), f"v={HEX}", " ", "\x00", "é"])).map(",".join)
)
ANYTHING: st.SearchStrategy[Any] = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(alphabet="\ud800a")
    | st.binary()
    | st.binary().map(bytearray)
    | st.binary().map(view)
    | st.binary(min_size=2).map(lambda data: view(data)[::-1])
    | st.lists(st.text() | st.binary() | st.none())
    | st.frozensets(st.text())
    | st.dictionaries(st.text(), st.text())
    | st.builds(object)
)


@patient
@given(st.binary() | ANYTHING, HEADERS | ANYTHING, st.text() | ANYTHING)
def test_only_signature_errors_come_out(body: Any, value: Any, secret: Any) -> None:
    """Whatever a request holds, the receiver has one exception to catch."""
    with pytest.raises(SignatureError):
        verify(body, value, secret)


@patient
@given(ANYTHING, ANYTHING)
def test_only_signature_errors_come_out_of_sign(body: Any, secret: Any) -> None:
    """Whatever is to be signed, it is signed or refused with the one exception."""
    try:
        signed = sign(body, secret)
    except SignatureError:
        return
    verify(body, signed, secret)


@patient
@given(st.binary(), st.text(min_size=1, alphabet=st.characters(codec="utf-8")), st.sampled_from(["hex", "base64"]))
def test_what_was_signed_is_verified(body: bytes, secret: str, encoding: Any) -> None:
    """What was signed is verified with the same secret and with no other."""
    signed = sign(body, secret, encoding=encoding)
    verify(body, signed, secret)
    with pytest.raises(SignatureError):
        verify(body, signed, secret + "x")
    with pytest.raises(SignatureError):
        verify(body + b"x", signed, secret)


@patient
@given(st.binary(), st.binary(min_size=32, max_size=32))
def test_a_guessed_digest_is_refused(body: bytes, digest: bytes) -> None:
    """A digest that was not made with the secret is refused, however it is written."""
    for text in (digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()):
        assert "does not match" in fails(body=body, header=header(text))


# What is loaded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "not_loaded"),
    [
        ("import pulumi_truto.signature", ["pulumi", "requests", "pydantic", "grpc", "urllib3", "aiohttp"]),
        ("import pulumi_truto", ["requests", "pydantic", "urllib3", "aiohttp"]),
        ("from pulumi_truto import Webhook", ["requests", "pydantic", "urllib3", "aiohttp"]),
    ],
)
def test_what_an_import_loads(statement: str, not_loaded: list[str]) -> None:
    """A receiver loads no more than the standard library, and a program nothing that only an API call needs."""
    code = f"import sys\n{statement}\nprint(*(name for name in {not_loaded!r} if name in sys.modules))"
    ran = run(sys.executable, "-c", code)
    assert ran.stdout.split() == []
