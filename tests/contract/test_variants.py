"""Under every setting of the sandbox nothing is contradicted, and the observations differ where the setting differs."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, Final

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.settings import Settings
from tests.contract.fact import Result
from tests.contract.harness import add_foreign_webhooks, left, observations, probe
from tests.contract.suite import WEBHOOKS, Outcome

#: Settings, and what is observed only with them, by the name of the fact.
VARIANTS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "times without fractions": (
        {"timestamp_format": "space"},
        {
            "form-of-times": "0000-00-00 00:00:00, without fractions",
            "created-at-is-during-the-request": "no fractions",
        },
    ),
    "null for every event": (
        {"empty_event_types_as": "null"},
        {
            "event-types-left-out-of-a-create": "POST: null, GET: null, list: null",
            "event-types-empty-in-a-create": "POST: null, GET: null",
            "event-types-null-in-a-create": "POST: null, GET: null",
            "event-types-empty-in-an-update": "PATCH: null, GET: null",
            "event-types-null-in-an-update": "PATCH: null, GET: null",
        },
    ),
    "nothing for every event": (
        {"empty_event_types_as": "absent"},
        {
            "event-types-left-out-of-a-create": "POST: absent, GET: absent, list: absent",
            "event-types-empty-in-a-create": "POST: absent, GET: absent",
            "event-types-null-in-a-create": "POST: absent, GET: absent",
            "event-types-empty-in-an-update": "PATCH: absent, GET: absent",
            "event-types-null-in-an-update": "PATCH: absent, GET: absent",
        },
    ),
    "204 to a delete": ({"delete_response": "no_content"}, {"delete-response": "204"}),
    "base64": ({"digest": "base64"}, {"signature-of-a-delivery": "base64"}),
    "no delivery log": (
        {"has_delivery_log": False},
        {
            "delivery-log": "there is none: 404",
            "entries-of-the-log": "there is no delivery log: 404",
            "filters-of-the-log": "there is no delivery log: 404",
            "newest-entry-of-the-log": "there is no delivery log: 404",
        },
    ),
    "small default pages": ({"page_default": 2}, {"page-sizes": "without a limit 2"}),
    "small pages": ({"page_maximum": 2}, {"page-sizes": "limit=100 gives 2, without a limit 2"}),
    "a list that lags": ({"list_lag_seconds": 1.0}, {"new-webhook-is-listed": "after "}),
    "a Date header behind": ({"date_skew_seconds": -10}, {"clock-of-truto": "ahead of the Date header"}),
    "a Date header ahead": ({"date_skew_seconds": 10}, {"clock-of-truto": "behind the Date header"}),
    "a limit of the plan": (
        {"webhook_limit": 4},  # one more than the foreign ones
        {
            "limit-of-the-plan": "403 with a message",
            **dict.fromkeys(
                (
                    "equal-webhooks",
                    "repeated-idempotency-key",
                    "pages",
                    "page-sizes",
                    "inactive-webhooks-are-listed",
                    "filters-of-the-list",
                    "filters-of-the-log",
                ),
                "the plan allows 4 webhooks",
            ),
        },
    ),
    "slow responses": ({"latency_seconds": 0.005}, {}),
}
#: What the suite cannot see: it publishes no events of its own, so nothing is retried or deactivated.
INVISIBLE: Final = {
    "event_id": "per_webhook",
    "retry_backoff_seconds": 0.0,
    "delivery_timeout_seconds": 20.0,
    "deactivate_after": 1,
}
#: Not for the whole suite; see test_requests.py.
RATE_LIMIT: Final = {"rate_limit", "rate_window_seconds"}


def verify_with(settings: dict[str, Any]) -> Outcome:
    """Runs the whole suite, and checks that nothing is contradicted and that it leaves everything as it was."""
    with Sandbox() as sandbox:
        foreign = add_foreign_webhooks(sandbox)
        sandbox.backend.change_settings(settings)
        outcome = probe(sandbox, other_token=sandbox.add_environment("other").token)
        assert left(sandbox, foreign) == []
    contradicted = {fact.name: each.observed for fact, each in outcome.findings if each.result is Result.CONTRADICTED}
    assert contradicted == {}
    assert outcome.exit_code == 0
    return outcome


@cache
def default_outcome() -> Outcome:
    """The outcome under the default settings."""
    return verify_with({})


def test_default_settings() -> None:
    """Everything is confirmed, but for the limit of the plan, which is not reached."""
    outcome = default_outcome()
    unconfirmed = [fact.name for fact, finding in outcome.findings if finding.result is not Result.CONFIRMED]
    assert unconfirmed == ["limit-of-the-plan"]
    assert abs(outcome.made - WEBHOOKS) <= 5, "the refusal names another number of webhooks"


@pytest.mark.parametrize(("settings", "differing"), VARIANTS.values(), ids=VARIANTS)
def test_variant(settings: dict[str, Any], differing: dict[str, str]) -> None:
    """The observations name the variant, and are the same for every other fact."""
    default = observations(default_outcome())
    found = observations(verify_with(settings))
    assert {name for name, finding in found.items() if finding != default[name]} == set(differing)
    for name, shown in differing.items():
        assert shown in found[name].observed
        assert shown not in default[name].observed


def test_invisible_settings() -> None:
    """Settings of what Truto does by itself change no observation."""
    assert observations(verify_with(INVISIBLE)) == observations(default_outcome())


def test_omitted_event_types() -> None:
    """A Truto that subscribes to every event when a PATCH omits the event types contradicts one fact."""
    with Sandbox(omitted_event_types="all") as sandbox:
        findings = probe(sandbox, other_token=sandbox.add_environment("other").token).findings
    contradicted = [fact.name for fact, finding in findings if finding.result is Result.CONTRADICTED]
    assert contradicted == ["update-leaves-the-rest"]


def test_every_setting_is_covered() -> None:
    """A new setting of the sandbox needs a variant here."""
    visible = {"omitted_event_types", *(name for settings, _ in VARIANTS.values() for name in settings)}
    assert visible | set(INVISIBLE) | RATE_LIMIT == {each.name for each in fields(Settings)}
