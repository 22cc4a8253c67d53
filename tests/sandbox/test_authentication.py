"""Tokens and environments."""

from __future__ import annotations

import re

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import CREATE_BODY, assert_error, call_api, create_webhook


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token} x"]
)
@pytest.mark.parametrize("path", ["/webhook", "/webhook/test", "/elsewhere"])
def test_every_request_needs_a_valid_token(sandbox: Sandbox, header: str | None, path: str) -> None:
    """A request without a token, with an unknown one or with a malformed header is a 401, whatever the path."""
    headers = {} if header is None else {"Authorization": header.format(token=sandbox.token)}
    response = requests.post(sandbox.base_url + path, json=CREATE_BODY, headers=headers, timeout=10)
    assert_error(response, 401, "Unauthorized")
    assert sandbox.backend.webhooks() == []
    assert sandbox.calls[0].environment_id is None


def test_other_environments_are_invisible(sandbox: Sandbox) -> None:
    """A webhook of another environment than the token's is a 404, and is not listed."""
    other = sandbox.add_environment("other")
    webhook = create_webhook(sandbox)
    for method in ("GET", "PATCH", "DELETE"):
        assert_error(call_api(sandbox, method, f"/webhook/{webhook['id']}", token=other.token, json={}), 404)
    response = call_api(sandbox, "POST", "/webhook/test", token=other.token, json={"id": webhook["id"]})
    assert_error(response, 404)
    assert call_api(sandbox, "GET", "/webhook", token=other.token).json()["result"] == []
    assert call_api(sandbox, "GET", f"/webhook/{webhook['id']}").status_code == 200


def test_tokens_are_random_and_not_in_repr(sandbox: Sandbox) -> None:
    """A token is long and random, and the repr of its environment does not contain it."""
    environment = sandbox.add_environment("other")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", environment.token)
    assert environment.token not in repr(environment)
