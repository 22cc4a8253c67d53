"""Requests that the API rejects, whatever their operation."""

from __future__ import annotations

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import CREATE_BODY, assert_error, call_api


@pytest.mark.parametrize("path", ["/", "/elsewhere", "/webhook/", "/webhooks", "/webhook/a/b", "/__sandbox__"])
def test_unknown_paths(sandbox: Sandbox, path: str) -> None:
    """An unknown path is a 404 with the error envelope."""
    assert_error(call_api(sandbox, "GET", path), 404, "Not Found")
    assert sandbox.calls[0].operation == ""


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/webhook", "POST, GET"),
        ("POST", "/webhook/a", "GET, PATCH, DELETE"),
        ("PUT", "/webhook/a", ""),
    ],
)
def test_methods_that_are_not_allowed(sandbox: Sandbox, method: str, path: str, allow: str) -> None:
    """A method that a path does not support is a 405 that lists the supported ones."""
    response = call_api(sandbox, method, path, json={})
    assert_error(response, 405, "Method Not Allowed")
    assert allow in response.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"text"', b"null", b'{"target_url": NaN}', b'{"x": 1e999}', b"\xff\xfe", b"[" * 9**6, b"a=b"],
)
def test_malformed_json(sandbox: Sandbox, body: bytes) -> None:
    """A body that is not a JSON object is a 400 with the error envelope."""
    assert_error(call_api(sandbox, "POST", "/webhook", data=body), 400, "Bad Request", "JSON")


def test_too_large_body(sandbox: Sandbox) -> None:
    """A body of more than one mebibyte is a 413 with the error envelope."""
    response = call_api(sandbox, "POST", "/webhook", json={**CREATE_BODY, "padding": "x" * 1024 * 1024})
    assert_error(response, 413)
    assert sandbox.calls[0].body is None
