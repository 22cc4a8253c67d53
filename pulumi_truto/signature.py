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
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, Protocol

__all__ = ["HEADER", "SignatureError", "sign", "verify", "verify_age"]

HEADER = "X-Truto-Signature"
"""The name of the header with the signature."""

_DIGEST_BYTES = hashlib.sha256().digest_size
_HEX = re.compile(r"[0-9a-fA-F]{64}")
# 32 bytes in base64: 43 characters and a padding that some encoders omit, in either alphabet.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_STANDARD_ALPHABET = str.maketrans("-_", "+/")
_MAX_HEADER_LENGTH = 1024
_QUOTATION_MARKS = frozenset("\"'`\u2018\u2019\u201c\u201d")
#: The header's name in lower case, and in the environment of a WSGI application.
_HEADER_NAMES = (HEADER.lower(), "http_" + HEADER.lower().replace("-", "_"))
# RFC 3339, and the other form that Truto writes: a space for the T, and no zone. What `datetime.fromisoformat` accepts
# depends on the Python.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):\d\d):((?:[0-5]\d|60)(?:\.\d+)?)(?:[Zz]|([+-]\d\d)(?::?([0-5]\d))?)?",
    re.ASCII,
)


class Headers(Protocol):
    """The headers of a request, as a web framework has them: names in any case, strings or bytes, values or lists."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """The names and values."""


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
        SignatureError: an argument has the wrong type, or the secret cannot be one.
    """
    _require_bytes(body)
    digest = _digest(body, _key(secret))
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")
    return f"format=sha256,v={text}"


def verify(
    body: bytes, headers: Headers | Sequence[tuple[Any, Any]] | str | bytes | None, secret: str | Sequence[str]
) -> None:
    """Returns if the signature is right, raises `SignatureError` otherwise.

    It does not detect replays: see `verify_age`, and remember the ``id`` of each delivery.

    Args:
        body: the raw bytes of the request, before any parsing. A body that is encoded again has another signature.
        headers: the headers of the request, as the web framework has them: a mapping, a list of pairs, or the
            environment of a WSGI application. The value of the `HEADER` header alone will do, too.
        secret: the webhook's ``secret``, or several of them while one replaces another.

    Raises:
        SignatureError: the signature is missing, malformed or wrong, an argument has the wrong type, or a secret
            cannot be one: it has whitespace or quotation marks, or is masked.
    """
    _require_bytes(body)
    received_digest = _digest_in(_header_value(headers))
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
    if any(matches):
        return
    if not bytes(body):
        raise SignatureError("the signature does not match the body, which is empty: read it before anything else does")
    raise SignatureError("the signature does not match the body: wrong secret, or the body was changed")


def verify_age(created_at: object, *, tolerance_seconds: float = 300, now: datetime | None = None) -> None:
    """Returns if a delivery is recent, raises `SignatureError` if it is too old: it may be a replay.

    Call it after `verify`: only the signature proves that ``created_at`` is Truto's. Truto retries for at most a
    minute.

    Args:
        created_at: the ``created_at`` of the delivered event; a time without a zone is in UTC.
        tolerance_seconds: the maximum age, and the maximum difference of the clocks, in seconds.
        now: the present time, with a zone; by default that of this machine.

    Raises:
        SignatureError: it is older, in the future, or no time, or another argument is invalid.
    """
    is_number = isinstance(tolerance_seconds, (int, float)) and not isinstance(tolerance_seconds, bool)
    if not is_number or not 0 <= tolerance_seconds < math.inf:
        raise SignatureError("tolerance_seconds must be a number of seconds, 0 or more")
    if now is not None and (not isinstance(now, datetime) or now.utcoffset() is None):
        raise SignatureError("now must be a datetime with a time zone, like datetime.now(timezone.utc)")
    age_seconds = ((now or datetime.now(timezone.utc)) - _moment(created_at)).total_seconds()
    if age_seconds < -tolerance_seconds:
        raise SignatureError(f"the delivery is {-age_seconds:.0f} seconds in the future: check this machine's clock")
    if age_seconds > tolerance_seconds:
        raise SignatureError(f"the delivery was created {age_seconds:.0f} seconds ago: it may be a replay")


def secret_error(secret: object) -> str | None:
    """Why a string cannot be a signing secret, without the string itself; ``None`` if it can be one."""
    if not isinstance(secret, str):
        return f"must be a string, not {type(secret).__name__}"
    if not secret.strip():
        return "is empty"
    if secret == "[secret]" or not secret.strip("*"):  # noqa: S105 - what Pulumi shows for a secret
        return "is masked: read it with `pulumi stack output --show-secrets`"
    if secret.lower() in ("none", "null", "undefined"):
        return f'is the text "{secret}" in place of a secret'
    if secret.lstrip()[0] in "[{":
        return "is JSON text: parse it, and pass the strings in it"
    if not _QUOTATION_MARKS.isdisjoint(secret):
        return "has quotation marks: pass it without them"
    if not secret.isprintable() or " " in secret:
        return "has whitespace or other characters that no secret has, perhaps a trailing line break"
    return None


def _moment(created_at: object) -> datetime:
    if isinstance(created_at, datetime):  # parsed by a framework
        return created_at if created_at.utcoffset() is not None else created_at.replace(tzinfo=timezone.utc)
    match = _TIME.fullmatch(created_at) if isinstance(created_at, str) else None
    try:
        if match is None:
            raise ValueError
        date, time, seconds, zone_hours, zone_minutes = match.groups()
        moment = datetime.fromisoformat(f"{date}T{time}{zone_hours or '+00'}:{zone_minutes or '00'}")
        return moment + timedelta(seconds=float(seconds))  # added, because a leap second is the second 60
    except (ValueError, OverflowError):
        raise SignatureError("the delivery has no readable created_at") from None


def _require_bytes(body: object) -> None:
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise SignatureError(f"the body must be the raw bytes of the request, not {type(body).__name__}")
    if isinstance(body, memoryview) and not body.c_contiguous:
        raise SignatureError("the body must be contiguous bytes")


def _key(secret: object) -> bytes:
    if error := secret_error(secret):
        raise SignatureError(f"the secret {error}")
    return str(secret).encode("utf-8")


def _digest(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def _header_value(headers: object) -> str:
    """The value of the header in the headers."""
    items = getattr(headers, "items", None)
    if callable(items):
        pairs = list(items())
    elif isinstance(headers, (list, tuple)):
        pairs = list(headers)
    else:
        pairs = [(HEADER, headers)]
    values: list[object] = []
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise SignatureError("the headers must be a mapping or a list of pairs")
        if _text(pair[0]).lower() in _HEADER_NAMES:
            values += pair[1] if isinstance(pair[1], (list, tuple)) else [pair[1]]
    values = [value for value in values if value]
    if not values:
        raise SignatureError(f"the request has no {HEADER} header")
    if len(values) > 1:
        raise SignatureError(f"the request has {len(values)} {HEADER} headers")
    if not isinstance(values[0], (str, bytes)):
        raise SignatureError(f"the {HEADER} header must be a string, not {type(values[0]).__name__}")
    return _text(values[0])


def _text(name_or_value: object) -> str:
    """A name or value as a string: ASGI has bytes."""
    return name_or_value.decode("latin-1") if isinstance(name_or_value, bytes) else str(name_or_value)


def _digest_in(header: str) -> bytes:
    """The digest in the header, as bytes. The order of the fields does not matter; unknown ones are ignored."""
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
