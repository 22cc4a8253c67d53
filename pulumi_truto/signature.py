"""Verifies that a delivery comes from Truto, for the service that receives the events.

Standard library only: it must import neither pulumi nor requests, as receivers run without them.

A delivery carries the header ``X-Truto-Signature: format=sha256,v=<digest>``. The digest is HMAC-SHA256 over
the raw body, keyed with the UTF-8 bytes of the webhook's ``secret`` output. Truto's documentation says the
digest is hex, receivers in public code decode it as base64: both are accepted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Literal

__all__ = ["HEADER", "SignatureError", "sign", "verify"]

HEADER = "X-Truto-Signature"

_DIGEST_BYTES = hashlib.sha256().digest_size
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# 32 bytes in base64: 43 characters and a padding that some encoders leave out, in either alphabet.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_HEADER_LIMIT = 1024


class SignatureError(ValueError):
    """The delivery is not proved to come from Truto: answer it with 401 and do not act on it.

    The message says what is wrong and never holds a secret, a digest or anything of the body.
    """


def sign(body: bytes, secret: str, *, encoding: Literal["hex", "base64"] = "hex") -> str:
    """Returns the value of the ``X-Truto-Signature`` header that Truto would send.

    Meant for tests of a receiver; `verify` accepts what it returns.

    Args:
        body: the raw bytes of the delivery.
        secret: the webhook's ``secret``.
        encoding: how the digest is written.

    Raises:
        SignatureError: an argument has the wrong type, or the secret is empty.
    """
    _require_bytes(body)
    digest = _digest(body, _key(secret))
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")
    return f"format=sha256,v={text}"


def verify(body: bytes, header: str | None, secret: str | Sequence[str]) -> None:
    """Returns if the signature is right, raises `SignatureError` otherwise.

    Replays are not detected here: compare the payload's ``created_at`` and ``id`` with what was seen.

    Args:
        body: the raw bytes of the request, before any JSON parsing. A re-encoded body has another signature.
        header: the value of the `HEADER` header, ``None`` where the request has none.
        secret: the webhook's ``secret``, or several of them while one replaces another.

    Raises:
        SignatureError: the signature is missing, malformed or wrong, or an argument has the wrong type.
    """
    _require_bytes(body)
    given = _digest_in(header)
    secrets: Sequence[str]
    if isinstance(secret, (list, tuple, set, frozenset)):
        secrets = list(secret)
        if not secrets:
            raise SignatureError("no secret was given to verify the signature with")
    else:
        secrets = [secret]  # type: ignore[list-item]  # a str; anything else is refused by _key
    keys = [_key(each) for each in secrets]
    # Every key is tried, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(given, _digest(body, key)) for key in keys]
    if not any(matches):
        raise SignatureError("the signature does not match the body: wrong secret, or the body was changed")


def _require_bytes(body: object) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise SignatureError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
    if isinstance(body, memoryview) and not body.c_contiguous:
        raise SignatureError("the body must be bytes in a row, not a view with gaps")


def _key(secret: object) -> bytes:
    if not isinstance(secret, str):
        raise SignatureError(f"the secret must be a string, not {type(secret).__name__}")
    if not secret:
        raise SignatureError("the secret is empty")
    try:
        return secret.encode("utf-8")
    except UnicodeEncodeError:
        # from None: the original exception holds the secret.
        raise SignatureError("the secret is not valid Unicode text") from None


def _digest(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def _digest_in(header: object) -> bytes:
    """The digest that the header holds, as bytes. The order of its fields is free, unknown ones are skipped."""
    if header is None or header == "":
        raise SignatureError(f"the request has no {HEADER} header")
    if not isinstance(header, str):
        raise SignatureError(f"the {HEADER} header must be a string, not {type(header).__name__}")
    if len(header) > _HEADER_LIMIT:
        raise SignatureError(f"the {HEADER} header is too long")
    fields: dict[str, str] = {}
    for field in header.split(","):
        name, equals, value = field.strip().partition("=")
        if not equals or name in fields:
            raise SignatureError(f"the {HEADER} header is malformed")
        fields[name] = value
    if fields.get("format") != "sha256" or "v" not in fields:
        raise SignatureError(f"the {HEADER} header is not of the form format=sha256,v=<digest>")
    value = fields["v"]
    if _HEX.fullmatch(value):
        return bytes.fromhex(value)
    if _BASE64.fullmatch(value):
        try:
            digest = base64.b64decode(value.translate(_STANDARD_ALPHABET).rstrip("=") + "=", validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if len(digest) == _DIGEST_BYTES:
            return digest
    raise SignatureError(f"the digest in the {HEADER} header is neither hex nor base64 of 32 bytes")


_STANDARD_ALPHABET = str.maketrans("-_", "+/")
