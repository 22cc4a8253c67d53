"""The rate limit and its headers."""

from __future__ import annotations

import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import CREATE_BODY, assert_error, call_api


def test_rate_limit(frozen_sandbox: Sandbox) -> None:
    """A request over the limit of its token is a 429 with Retry-After: 10; after ten seconds it succeeds."""
    sandbox = frozen_sandbox
    sandbox.backend.change_settings({"rate_limit": 3})
    remaining = [call_api(sandbox, "GET", "/webhook").headers["ratelimit-remaining"] for _ in range(3)]
    assert remaining == ["2", "1", "0"]
    sandbox.backend.clock.advance(4)
    limited = call_api(sandbox, "POST", "/webhook", json=CREATE_BODY)
    assert_error(limited, 429, "Too Many Requests")
    assert limited.headers["Retry-After"] == "10"
    assert limited.headers["ratelimit-limit"] == "3"
    assert limited.headers["ratelimit-remaining"] == "0"
    assert limited.headers["ratelimit-reset"] == "6"
    assert sandbox.backend.webhooks() == []
    other_token = sandbox.add_environment("other").token
    assert call_api(sandbox, "GET", "/webhook", token=other_token).status_code == 200
    sandbox.backend.clock.advance(6)
    assert call_api(sandbox, "GET", "/webhook").status_code == 200


def test_rate_limit_is_500_by_default(sandbox: Sandbox) -> None:
    """The headers of every API response, including errors, contain the limit of 500."""
    for path in ("/webhook", "/webhook/none", "/none"):
        assert call_api(sandbox, "GET", path).headers["ratelimit-limit"] == "500"
    unauthorized = requests.get(sandbox.base_url + "/webhook", timeout=10)
    for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert unauthorized.headers[name].isdigit()
