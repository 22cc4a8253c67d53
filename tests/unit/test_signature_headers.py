"""Verifying a delivery with the headers as the standard library and web frameworks have them."""

from __future__ import annotations

from email.message import Message
from http.client import parse_headers
from io import BytesIO
from typing import Any
from wsgiref.headers import Headers as WsgirefHeaders
from wsgiref.util import setup_testing_defaults

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from requests.structures import CaseInsensitiveDict
from starlette.datastructures import Headers as StarletteHeaders

from pulumi_truto.signature import HEADER, SignatureError, sign, verify

SECRET = "3f0d7a52-9c1e-4b7e-8a55-0d2f6f1f4a10"
BODY = b'{"id":"1"}'
VALUE = sign(BODY, SECRET)
LOWER = HEADER.lower()


def message(*values: str) -> Message:
    """Headers as `email` has them."""
    headers = Message()
    for value in values:
        headers[HEADER] = value
    return headers


def wsgi_environ(**variables: str) -> dict[str, Any]:
    """The environment of a WSGI application."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    return {**environ, **variables}


def multidict(*values: str) -> CIMultiDictProxy[str]:
    """Headers as aiohttp has them."""
    return CIMultiDictProxy(CIMultiDict([("Host", "h"), *((HEADER, value) for value in values)]))


@pytest.mark.parametrize(
    "headers",
    [
        {HEADER: VALUE, "Host": "h"},
        {LOWER: VALUE},
        {HEADER.upper(): VALUE},
        {HEADER: [VALUE]},
        {LOWER.encode(): VALUE.encode()},
        [(b"host", b"h"), (LOWER.encode(), VALUE.encode())],
        ((HEADER, VALUE),),
        [[HEADER, VALUE]],
        wsgi_environ(HTTP_X_TRUTO_SIGNATURE=VALUE),
        message(VALUE),
        parse_headers(BytesIO(f"Host: h\r\n{LOWER}: {VALUE}\r\n\r\n".encode())),
        WsgirefHeaders([(HEADER, VALUE)]),
        CaseInsensitiveDict({LOWER: VALUE}),
        StarletteHeaders({HEADER: VALUE}),
        multidict(VALUE),
        VALUE,
        VALUE.encode(),
    ],
)
def test_headers_of_any_framework_are_accepted(headers: Any) -> None:
    """The header is found in any case, in strings and bytes, alone and among others; another value is rejected."""
    verify(BODY, headers, SECRET)
    with pytest.raises(SignatureError, match="does not match"):
        verify(BODY + b" ", headers, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "h", "Signature": VALUE, "HTTP_SIGNATURE": VALUE, 5: VALUE},
        {HEADER: None},
        {HEADER: ""},
        {HEADER: []},
        {HEADER.encode(): b""},
        [],
        wsgi_environ(),
        message(),
        multidict(),
        StarletteHeaders({}),
        None,
        "",
        b"",
    ],
)
def test_missing_header_is_named(headers: Any) -> None:
    """The error for a request without the header names the header."""
    with pytest.raises(SignatureError, match=r"^the request has no X-Truto-Signature header$"):
        verify(BODY, headers, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {HEADER: VALUE, LOWER: VALUE},
        {HEADER: VALUE, LOWER: "format=sha256,v=" + "0" * 64},
        {HEADER: [VALUE, VALUE]},
        [(HEADER, VALUE), (LOWER, VALUE)],
        message(VALUE, VALUE),
        multidict(VALUE, "other"),
        StarletteHeaders(raw=[(LOWER.encode(), VALUE.encode()), (LOWER.encode(), b"other")]),
    ],
)
def test_several_headers_are_rejected(headers: Any) -> None:
    """A request with the header twice is rejected: the receiver cannot know which one others have checked."""
    with pytest.raises(SignatureError, match="the request has 2 X-Truto-Signature headers"):
        verify(BODY, headers, SECRET)


@pytest.mark.parametrize("headers", [5, object(), {HEADER: 5}, {HEADER: {"v": VALUE}}, {HEADER: object()}])
def test_value_must_be_a_string(headers: Any) -> None:
    """A value of another type is rejected."""
    with pytest.raises(SignatureError, match="must be a string, not "):
        verify(BODY, headers, SECRET)


@pytest.mark.parametrize("headers", [[VALUE], [HEADER, VALUE], [(HEADER, VALUE, 1)], [None]])
def test_list_of_other_things_is_rejected(headers: Any) -> None:
    """A list of anything but pairs is rejected."""
    with pytest.raises(SignatureError, match="must be a mapping or a list of pairs"):
        verify(BODY, headers, SECRET)
