"""Retries: attempts, waits, Retry-After, rate limits, deadlines and a cancel."""

from __future__ import annotations

import datetime
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.deadline import OPERATION_SECONDS
from pulumi_truto.api.transport import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import ConnectError, RateLimitedError, ServerError, TransportError, TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, URL, assert_duration, assert_list_fails, client_for, client_of
from tests.support.raw_servers import empty_page, http_response, raw_server


def test_truncated_response_is_retried(sandbox: Sandbox) -> None:
    """A read whose response breaks off is retried, and fails if every attempt breaks off."""
    sandbox.inject("truncated", "list")
    assert client_of(sandbox, total_seconds=20).webhooks.list_page().result == []
    assert sandbox.count() == 2
    sandbox.inject("truncated", "list", times=0)
    assert "was lost" in str(assert_list_fails(client_of(sandbox), TransportError))
    assert sandbox.count() > 3


@pytest.mark.parametrize("fault", ["empty", "html", "status", "reset", "close", "not_json", "wrong_types"])
def test_create_has_five_attempts_with_an_unknown_outcome(sandbox: Sandbox, fault: str) -> None:
    """A create is retried with one idempotency key, and at most five attempts may have left a webhook behind."""
    sandbox.inject(fault, "create", processed=True, times=0)
    unknown_outcomes: list[TrutoError] = []
    with pytest.raises(TrutoError) as error_info:
        client_of(sandbox, total_seconds=20).webhooks.create(BODY, unknown_outcomes=unknown_outcomes)
    assert error_info.value.may_have_succeeded
    assert len(unknown_outcomes) == sandbox.count("create") == 5
    assert len({call.idempotency_key for call in sandbox.calls}) == 1


def test_waits_of_a_create_outlast_an_outage_of_a_minute() -> None:
    """The five attempts of a create span more than 60 seconds, and less than an operation may take."""
    policy = RequestPolicy()
    waits = [policy.create_wait_seconds(unknown) for unknown in range(1, policy.max_creates)]
    assert 60 < sum(waits) < OPERATION_SECONDS / 1.25


@pytest.mark.parametrize("method", ["get", "delete", "list_page", "update", "create"])
def test_all_methods_outlast_an_outage(sandbox: Sandbox, method: str) -> None:
    """A request that finds Truto down for a while succeeds as soon as it is up, whichever method it has."""
    webhook = sandbox.backend.create(sandbox.environment_id, dict(BODY))
    client = client_of(sandbox, total_seconds=30)
    arguments: dict[str, list[Any]] = {
        "list_page": [],
        "update": [webhook["id"], {"event_types": []}],
        "create": [BODY],
    }
    sandbox.inject("status", times=4)
    getattr(client.webhooks, method)(*arguments.get(method, [webhook["id"]]))
    assert sandbox.count() == 5


def test_interim_responses_are_skipped() -> None:
    """102 and 103 before the response are not the response."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    response = interim + http_response(empty_page())
    with raw_server(lambda connection, _: connection.sendall(response)) as port:
        client = client_for(f"http://127.0.0.1:{port}")
        assert [client.webhooks.list_page().result for _ in range(2)] == [[], []]


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (ServerError, {"kind": "status", "status": 503}),
        (RateLimitedError, {"kind": "rate_limited", "retry_after": "1"}),
        (TransportError, {"kind": "reset"}),
    ],
)
def test_error_after_retries_shows_the_total_time(
    sandbox: Sandbox, kind: type[TrutoError], fault: dict[str, Any]
) -> None:
    """An error after retries shows the total time, so that nobody retries for less than that."""
    sandbox.inject(operation="list", times=0, **fault)
    message = str(assert_list_fails(client_of(sandbox, total_seconds=1.9, backoff_seconds=0.1), kind))
    [seconds] = re.findall(r"\(gave up after (\d\.\d) s\)", message)
    assert 0.1 <= float(seconds) <= 1.9


def test_deadline_covers_all_attempts(sandbox: Sandbox) -> None:
    """All attempts and waits together end at the deadline of the call."""
    sandbox.inject("timeout", "list", times=0, seconds=60)
    client = client_of(sandbox, read_seconds=0.4, total_seconds=1)
    with assert_duration(maximum=15):
        assert_list_fails(client, TransportError)


# Retry-After -----------------------------------------------------------------------------------------------


def test_retry_after_is_honored(sandbox: Sandbox) -> None:
    """The next attempt comes after the requested wait, for a create as well."""
    client = client_of(sandbox, total_seconds=20)
    sandbox.inject("rate_limited", "create", retry_after="1")
    with assert_duration(minimum=1, maximum=5):
        client.webhooks.create(BODY)
    assert len(sandbox.backend.webhooks()) == 1


def test_retry_after_can_be_a_date(sandbox: Sandbox) -> None:
    """A Retry-After with a date is honored too."""
    retry_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    sandbox.inject("rate_limited", "list", retry_after=retry_at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    with assert_duration(minimum=0.9, maximum=5):
        client_of(sandbox, total_seconds=20).webhooks.list_page()


def test_retry_after_beyond_the_deadline_fails_at_once(sandbox: Sandbox) -> None:
    """If Truto asks for a wait beyond the deadline, the error comes at once and advises less parallelism."""
    sandbox.inject("rate_limited", "list", times=0, retry_after="3600")
    with assert_duration(maximum=5):
        error = assert_list_fails(client_of(sandbox), RateLimitedError)
    assert "--parallel" in str(error)
    assert sandbox.count() == 1


@pytest.mark.parametrize("retry_after", ["soon", "-5", "1.5", "", "Mon, 99 Foo 2024 00:00:00 GMT", "9" * 50])
def test_invalid_retry_after_is_ignored(sandbox: Sandbox, retry_after: str) -> None:
    """An invalid Retry-After counts as none. A huge number is valid and goes beyond the deadline."""
    sandbox.inject("rate_limited", "list", retry_after=retry_after)
    client = client_of(sandbox)
    if retry_after.isdigit():
        assert_list_fails(client, RateLimitedError)
    else:
        assert client.webhooks.list_page().result == []


@pytest.mark.parametrize("retry_after", ["0", "Mon, 01 Jan 2024 00:00:00 GMT"])
def test_retry_after_without_a_wait_causes_no_storm(sandbox: Sandbox, retry_after: str) -> None:
    """The client backs off even if Truto asks it to retry at once."""
    sandbox.inject("rate_limited", "list", times=0, retry_after=retry_after)
    assert_list_fails(client_of(sandbox, total_seconds=1, backoff_seconds=0.05), RateLimitedError)
    assert sandbox.count() <= 25


# Rate limits -----------------------------------------------------------------------------------------------


def test_rate_limited_requests_are_not_failed_attempts() -> None:
    """More requests than the rate limit allows all succeed: a 429 does not count as an attempt."""
    with Sandbox(rate_limit=3, rate_window_seconds=1) as sandbox:
        client = client_of(sandbox)
        created_ids = [client.webhooks.create(BODY).id for _ in range(5)]
        assert [webhook.id for webhook in sandbox.backend.webhooks()] == created_ids


def test_parallel_creates_beyond_the_rate_limit_all_succeed() -> None:
    """Three times as many parallel creates as the rate limit allows all succeed, each exactly once."""
    with Sandbox(rate_limit=30, rate_window_seconds=1) as sandbox:
        client = TrutoClient(Settings(sandbox.token, sandbox.base_url))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: client.webhooks.create({"target_url": f"{URL}/{number}"}), range(90)))
        assert len(sandbox.backend.webhooks()) == 90


# Cancel ----------------------------------------------------------------------------------------------------


def test_cancel_ends_the_wait_for_the_rate_limit(sandbox: Sandbox) -> None:
    """After a cancel, neither a waiting create nor a new one is sent."""
    client = client_of(sandbox, total_seconds=20)
    sandbox.inject("rate_limited", "create", retry_after="5")
    with ThreadPoolExecutor(1) as pool:
        create = pool.submit(client.webhooks.create, BODY)
        while not sandbox.calls:
            time.sleep(0.01)
        client.cancelled.set()
        with pytest.raises(TrutoError):
            create.result(timeout=30)
    with pytest.raises(ConnectError, match="the run was cancelled"):
        client.webhooks.create(BODY)
    assert sandbox.count("create") == 1
    assert sandbox.backend.webhooks() == []


def test_rate_limit_reset_shortens_retry_after(sandbox: Sandbox) -> None:
    """After a 429 the client waits until the window of the rate limit ends, not for a whole window of Retry-After.

    Truto's Retry-After is always a whole window. With it, this call would have no time left for a retry.
    """
    headers = {"Retry-After": "60", "ratelimit-reset": "1"}
    sandbox.inject("response", "list", status=429, headers=headers)
    assert client_of(sandbox, total_seconds=20).webhooks.list_page().result == []
    assert sandbox.count() == 2


@pytest.mark.parametrize("reset", ["", "soon", "-1", "1700000000"])
def test_nonsense_in_rate_limit_reset_is_ignored(sandbox: Sandbox, reset: str) -> None:
    """A reset that is not a number of seconds, or longer than Retry-After, does not change the wait."""
    headers = {"Retry-After": "1", "ratelimit-reset": reset}
    sandbox.inject("response", "list", status=429, headers=headers)
    with assert_duration(minimum=0.9, maximum=15):
        assert client_of(sandbox, total_seconds=20).webhooks.list_page().result == []


def test_lost_attempt_before_a_failed_connection_may_have_succeeded(sandbox: Sandbox) -> None:
    """If an attempt was lost and the retry finds no connection, Truto may have processed the first one."""
    client = client_of(sandbox, backoff_seconds=0.3)
    webhook = client.webhooks.create(BODY)
    sandbox.inject("reset", "update", processed=True)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(client.webhooks.update, webhook.id, {"is_active": False})
        while sandbox.count("update") == 0:
            time.sleep(0.01)
        sandbox.stop()
        with pytest.raises(TransportError, match=r"no connection to") as error_info:
            update.result()
    assert error_info.value.may_have_succeeded
    assert "nothing was sent" not in str(error_info.value)


def test_cancelled_request_says_that_it_was_not_sent(sandbox: Sandbox) -> None:
    """After a cancel no request is sent, and the error says so without blaming the network."""
    client = client_of(sandbox)
    client.cancelled.set()
    with pytest.raises(ConnectError, match="the run was cancelled before the request was sent") as error_info:
        client.webhooks.list_page()
    assert not error_info.value.may_have_succeeded
    assert sandbox.count() == 0
