"""A failed create raises an error that names every webhook that its attempts may have left in Truto."""

from __future__ import annotations

import pytest

from pulumi_truto.errors import (
    AmbiguousCreateError,
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    PermissionDeniedError,
    RateLimitedError,
    TrutoError,
)
from pulumi_truto.sandbox import Sandbox
from tests.support.webhook_manager import INPUTS, ManagerHarness, webhook_ids

# The first attempt is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error_type"), [(400, BadRequestError), (401, AuthenticationError), (403, PermissionDeniedError)]
)
def test_refused_create_sends_one_request(sandbox: Sandbox, status: int, error_type: type[TrutoError]) -> None:
    """If Truto refuses a create, there is no webhook, and no list is needed to know that."""
    sandbox.inject("status", "create", status=status)
    with pytest.raises(error_type):
        ManagerHarness(sandbox).create()
    assert [call.operation for call in sandbox.calls] == ["create"]


def test_rate_limited_create_sends_one_request(sandbox: Sandbox) -> None:
    """If the rate limit outlasts the deadline, there is no webhook, and no list is needed to know that."""
    sandbox.inject("rate_limited", "create", times=0, retry_after="3600")
    with pytest.raises(RateLimitedError):
        ManagerHarness(sandbox).create()
    assert [call.operation for call in sandbox.calls] == ["create"]


# A retry is refused ----------------------------------------------------------------------------------------


def test_refused_retry_names_the_orphan(sandbox: Sandbox) -> None:
    """If Truto refuses the retry, the error names the webhook that the first attempt created."""
    sandbox.backend.change_settings({"webhook_limit": 1})
    sandbox.inject("truncated", "create")
    with pytest.raises(AmbiguousCreateError) as caught:
        ManagerHarness(sandbox).create()
    (orphan_id,) = webhook_ids(sandbox)
    assert orphan_id in str(caught.value)
    assert "the plan allows 1 webhooks" in str(caught.value)


def test_refused_retry_without_an_orphan_mentions_the_first_attempt(sandbox: Sandbox) -> None:
    """If Truto refuses the retry and nothing was created, the error says that Truto may still complete the attempt."""
    sandbox.backend.change_settings({"webhook_limit": 0})
    sandbox.inject("reset", "create")
    with pytest.raises(AmbiguousCreateError, match="Truto may still create") as caught:
        ManagerHarness(sandbox).create()
    message = str(caught.value)
    assert "the plan allows 0 webhooks" in message
    assert "was lost" in message
    assert len(message.splitlines()) == 1
    assert webhook_ids(sandbox) == []


def test_refused_retry_and_unreadable_list_are_both_reported(sandbox: Sandbox) -> None:
    """If the retry is refused and the list fails too, the error names all failures and says what to do."""
    sandbox.inject("reset", "create")
    sandbox.inject("status", "create", status=403)
    sandbox.inject("empty", "list", times=0)
    with pytest.raises(AmbiguousCreateError) as caught:
        ManagerHarness(sandbox).create()
    for part in ("returned 403", "was lost", "cannot list the webhooks", "pulumi-truto orphans"):
        assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


# Every attempt fails ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset", "empty", "wrong_types"])
def test_permanent_failure_names_all_orphans(sandbox: Sandbox, fault: str) -> None:
    """If every attempt fails until the deadline, the error names every webhook that the attempts created."""
    sandbox.inject(fault, "create", times=0, processed=True)
    with pytest.raises(AmbiguousCreateError) as caught:
        ManagerHarness(sandbox, total_seconds=2, backoff_seconds=0.2).create()
    orphan_ids = webhook_ids(sandbox)
    assert len(orphan_ids) == sandbox.count("create") > 1
    assert all(id_ in str(caught.value) for id_ in orphan_ids)
    assert len(str(caught.value).splitlines()) == 1


def test_permanent_failure_without_orphans_says_so(sandbox: Sandbox) -> None:
    """If every attempt fails and none created a webhook, the error says that there is no such webhook yet."""
    sandbox.inject("reset", "create", times=0)
    with pytest.raises(AmbiguousCreateError, match=r"cannot create the webhook.*No webhook has the same inputs now"):
        ManagerHarness(sandbox, total_seconds=2, backoff_seconds=0.2).create()
    assert webhook_ids(sandbox) == []


@pytest.mark.parametrize("processed", [False, True])
def test_missing_response_ends_at_the_deadline(sandbox: Sandbox, processed: bool) -> None:
    """If no response comes, the create fails at the deadline and the error names what Truto has created."""
    sandbox.inject("timeout", "create", seconds=60, processed=processed)
    with pytest.raises(AmbiguousCreateError, match="in time") as caught:
        ManagerHarness(sandbox, total_seconds=1).create()
    assert all(id_ in str(caught.value) for id_ in webhook_ids(sandbox))
    assert sandbox.count("create") == 1


# A repeated response ---------------------------------------------------------------------------------------


def test_response_with_a_known_id_is_refused(sandbox: Sandbox) -> None:
    """If a response has the id of a webhook of the same stack, the create fails: two resources never share one."""
    harness = ManagerHarness(sandbox)
    id_, _ = harness.create()
    body = {**INPUTS, "id": id_, "secret": "a secret"}
    sandbox.inject("response", "create", body=body)
    with pytest.raises(InvalidResponseError, match=f"names webhook {id_}, which this stack already has"):
        harness.create(target_url="https://hooks.example.com/2")
    sandbox.inject("response", "create", body={**body, "id": "seen-before"})
    harness.known_ids.add("seen-before")
    with pytest.raises(InvalidResponseError, match="names webhook seen-before"):
        harness.create()
    assert webhook_ids(sandbox) == [id_]
