"""Verifies that a delivery comes from Truto, in the service that receives the events. Standard library only.

A delivery has the header ``X-Truto-Signature: format=sha256,v=<digest>``. The digest is HMAC-SHA256 of the raw body,
keyed with the UTF-8 bytes of the webhook's ``secret``. Truto's documentation says that the digest is hex; receivers in
public code decode it as base64. Both are accepted, with or without ``format=sha256``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Literal

__all__ = ["HEADER", "SignatureError", "sign", "verify", "verify_age"]

HEADER = "X-Truto-Signature"
"""The name of the header with the signature."""

_DIGEST_BYTES = hashlib.sha256().digest_size
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# 32 bytes in base64: 43 characters and a padding that some encoders omit, in either alphabet.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_MAX_HEADER_LENGTH = 1024


class SignatureError(ValueError):
    """The delivery is not proved to come from Truto: respond with 401 and do not process it.

    The message names the mistake and never contains a secret, a digest or a part of the body.
    """


def sign(body: bytes, secret: str, *, encoding: Literal["hex", "base64"] = "hex") -> str:
    """Returns the value of the ``X-Truto-Signature`` header that Truto would send, for tests of a receiver.

    Args:
        body: the raw bytes of the delivery.
        secret: the webhook's ``secret``.
        encoding: the encoding of the digest.

    Raises:
        SignatureError: an argument has the wrong type, or the secret is empty.
    """
    _require_bytes(body)
    digest = _digest(body, _key(secret))
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")
    return f"format=sha256,v={text}"


def verify(body: bytes, header: str | None, secret: str | Sequence[str]) -> None:
    """Returns if the signature is right, raises `SignatureError` otherwise.

    It does not detect replays: see `verify_age`, and remember the ``id`` of each delivery.

    Args:
        body: the raw bytes of the request, before any parsing. A body that is encoded again has another signature.
        header: the value of the `HEADER` header, ``None`` if the request has none.
        secret: the webhook's ``secret``, or several of them while one replaces another.

    Raises:
        SignatureError: the signature is missing, malformed or wrong, or an argument has the wrong type.
    """
    _require_bytes(body)
    received_digest = _digest_in(header)
    secrets: Sequence[str]
    if isinstance(secret, (list, tuple, set, frozenset)):
        secrets = list(secret)
        if not secrets:
            raise SignatureError("no secret was given to verify the signature with")
    else:
        secrets = [secret]  # type: ignore[list-item]  # a str; anything else is refused by _key
    keys = [_key(secret) for secret in secrets]
    # Every key is tried, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(received_digest, _digest(body, key)) for key in keys]
    if not any(matches):
        raise SignatureError("the signature does not match the body: wrong secret, or the body was changed")


def verify_age(created_at: object, *, tolerance_seconds: float = 300, now: datetime | None = None) -> None:
    """Returns if a delivery is recent, raises `SignatureError` if it is too old: it may be a replay.

    Call it after `verify`: only the signature proves that ``created_at`` is Truto's. Truto retries for at most a
    minute.

    Args:
        created_at: the ``created_at`` of the delivered event; a time without a zone is in UTC.
        tolerance_seconds: the maximum age, and the maximum difference of the clocks.
        now: the present time, with a zone; by default that of this machine.

    Raises:
        SignatureError: it is older, in the future, or no time.
    """
    try:
        moment = datetime.fromisoformat(str(created_at).replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        age_seconds = ((now or datetime.now(timezone.utc)) - moment).total_seconds()
    except (ValueError, OverflowError):
        raise SignatureError("the delivery has no readable created_at") from None
    if age_seconds < -tolerance_seconds:
        raise SignatureError(f"the delivery is {-age_seconds:.0f} seconds in the future: check this machine's clock")
    if age_seconds > tolerance_seconds:
        raise SignatureError(f"the delivery was created {age_seconds:.0f} seconds ago: it may be a replay")


def _require_bytes(body: object) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise SignatureError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
    if isinstance(body, memoryview) and not body.c_contiguous:
        raise SignatureError("the body must be contiguous bytes")


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
    """The digest in the header, as bytes. The order of the fields does not matter; unknown ones are ignored."""
    if header is None or header == "":
        raise SignatureError(f"the request has no {HEADER} header")
    if not isinstance(header, str):
        raise SignatureError(f"the {HEADER} header must be a string, not {type(header).__name__}")
    if len(header) > _MAX_HEADER_LENGTH:
        raise SignatureError(f"the {HEADER} header is too long")
    fields: dict[str, str] = {}
    for field in header.split(","):
        name, equals, value = field.strip().partition("=")
        if not equals or name in fields:
            raise SignatureError(f"the {HEADER} header is malformed")
        fields[name] = value
    if fields.get("format", "sha256") != "sha256" or "v" not in fields:
        raise SignatureError(f"the {HEADER} header does not have the form format=sha256,v=<digest>")
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
