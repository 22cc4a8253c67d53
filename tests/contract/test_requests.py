"""When requests are sent, and what cannot be observed."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.contract.control import MAX_REQUESTS, WINDOW_SECONDS, Control
from tests.contract.fact import Result
from tests.contract.harness import left, observations, probe
from tests.contract.suite import Unusable


def test_requests_are_spread(sandbox: Sandbox) -> None:
    """With a limit as that of the API, no request of the suite is ever refused by the rate limit."""
    sandbox.backend.change_settings({"rate_limit": 20, "rate_window_seconds": 1})
    probe(sandbox, "spelling-of-urls", "pages", "page-sizes", control=Control(60, max_requests=20, window_seconds=1))
    assert len(sandbox.calls) > 40
    assert {call.status for call in sandbox.calls} <= {200, 204}


def test_limit_is_far_below_that_of_truto() -> None:
    """Truto allows 500 requests in 10 seconds."""
    assert MAX_REQUESTS / WINDOW_SECONDS <= 500 / 10 / 2


def test_rate_limit_is_waited_for(sandbox: Sandbox) -> None:
    """If others use up the rate limit, the suite waits as it is told, and says what it saw."""
    sandbox.backend.change_settings({"rate_limit": 15, "rate_window_seconds": 2})
    outcome = probe(sandbox, "spelling-of-urls", "rate-limit-headers")
    assert 429 in {call.status for call in sandbox.calls}
    found = observations(outcome)
    assert found["spelling-of-urls"].result is Result.CONFIRMED
    assert found["rate-limit-headers"].observed == "limit 15, reset in seconds; 429 with Retry-After"
    assert left(sandbox, []) == []


def test_time_limit(sandbox: Sandbox) -> None:
    """After the time limit nothing is probed any more: the facts are not observed, and the exit code says so."""
    sandbox.backend.change_settings({"latency_seconds": 0.2})
    outcome = probe(sandbox, control=Control(4))
    late = [finding for _, finding in outcome.findings if finding.observed == "the time limit of the run is over"]
    assert {finding.result for finding in late} == {Result.NOT_OBSERVABLE}
    assert outcome.failed_requests == len(late)
    assert outcome.exit_code == 1
    assert outcome.made > 0
    assert left(sandbox, []) == []


@pytest.mark.parametrize("kind", ["reset", "close", "truncated", "html", "empty", "status"])
def test_failed_request(sandbox: Sandbox, kind: str) -> None:
    """A request without a response that says something contradicts nothing, but is no success either."""
    sandbox.inject(kind, "read", skip=1)
    outcome = probe(sandbox, "longest-url")
    assert observations(outcome)["longest-url"].result is Result.NOT_OBSERVABLE
    assert outcome.failed_requests == 1
    assert outcome.exit_code == 1
    assert left(sandbox, []) == []


@pytest.mark.parametrize("token", ["revoked", "other"])
def test_token_that_is_refused(sandbox: Sandbox, token: str) -> None:
    """With a token that Truto refuses nothing is created."""
    tokens: dict[str, Any] = {"token": "refused"} if token == "revoked" else {"other_token": "refused"}
    with pytest.raises(Unusable, match="returned 401"):
        probe(sandbox, **tokens)
    assert sandbox.count("create") == 0


def test_environment_without_room(sandbox: Sandbox) -> None:
    """If no webhook can be made at all, nothing was verified, and the exit code says so."""
    sandbox.backend.change_settings({"webhook_limit": 0})
    outcome = probe(sandbox)
    assert outcome.count(Result.CONTRADICTED) == 0
    assert outcome.failed_requests > 40
    assert outcome.exit_code == 1


def test_without_a_receiver(sandbox: Sandbox) -> None:
    """What Truto delivers is not observable then, and the log is still looked at."""
    outcome = probe(sandbox, has_receiver=False, other_token=sandbox.add_environment("other").token)
    unobserved = {
        name: finding.observed
        for name, finding in observations(outcome).items()
        if finding.result is Result.NOT_OBSERVABLE and name != "limit-of-the-plan"
    }
    assert set(unobserved) == {
        "test-that-the-target-rejects",
        "test-that-the-target-accepts",
        "test-of-an-inactive-webhook",
        "test-event",
        "signature-of-a-delivery",
        "secret-survives-updates",
    }
    assert set(unobserved.values()) == {"needs a receiver that Truto can reach: --public-url and --port"}
    assert observations(outcome)["entries-of-the-log"].observed.endswith("; status None")
    assert outcome.exit_code == 0


def test_without_another_environment(sandbox: Sandbox) -> None:
    """Without a token of another environment the fact about one is not observable."""
    name = "webhook-of-another-environment"
    assert "TRUTO_OTHER_API_TOKEN" in observations(probe(sandbox, name))[name].observed
    same = sandbox.backend.add_token(sandbox.environment_id)
    outcome = probe(sandbox, name, other_token=same)
    assert observations(outcome)[name].result is Result.NOT_OBSERVABLE
    assert left(sandbox, []) == []
