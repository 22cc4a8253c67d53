"""Test events: what Truto responds, what it delivers, and how it signs."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any

from pulumi_truto import signature
from tests.contract.fact import Contradiction, Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.journal import Exchange, is_ambiguous
from tests.contract.receiver import Delivery
from tests.contract.run import Run
from tests.contract.seen import Seen

#: For a webhook that is active but gets no events meanwhile.
_NO_EVENTS = ["truto_contract:none"]


@rests_on("pulumi_truto/webhook/tester.py::_attempt")
def test_of_an_unreachable_target(run: Run) -> Finding:
    """The test of a webhook whose target cannot be reached gives success: false, or a status that says a failure."""
    return _rejection(send_test(run, run.create(is_active=True, event_types=_NO_EVENTS).id))


@rests_on("pulumi_truto/webhook/tester.py::_attempt")
def test_that_the_target_rejects(run: Run) -> Finding:
    """The test of a webhook whose target responds with 503 gives success: false, or a status that says a failure."""
    url, path = run.new_target(status=503)
    finding = _rejection(send_test(run, run.create(target_url=url, is_active=True, event_types=_NO_EVENTS).id))
    return Finding(finding.result, f"{finding.observed}, after {_count(run, path)}")


@rests_on("pulumi_truto/webhook/tester.py::_attempt")
def test_that_the_target_accepts(run: Run) -> Finding:
    """The test of a webhook whose target accepts the test event gives success: true."""
    url, path = run.new_target()
    exchange = send_test(run, run.create(target_url=url, is_active=True, event_types=_NO_EVENTS).id)
    if not _is_accepted(exchange):
        return contradicted(f"{_shown(exchange)}, after {_count(run, path)}")
    if not _deliveries(run, path):
        return contradicted("success: true without a delivery")
    return confirmed(f"{exchange.status}, success: true, after {_count(run, path)}")


@rests_on("pulumi_truto/webhook/tester.py::run")
def test_of_an_inactive_webhook(run: Run) -> Finding:
    """The test of an inactive webhook delivers the test event, or fails; it never succeeds without a delivery."""
    url, path = run.new_target()
    exchange = send_test(run, run.create(target_url=url, is_active=False).id)
    if _is_accepted(exchange) and not _deliveries(run, path):
        return contradicted("success: true without a delivery")
    return confirmed(f"{_shown(exchange)}, after {_count(run, path)}")


@rests_on("pulumi_truto/webhook/tester.py::run")
def test_of_an_unknown_webhook(run: Run) -> Finding:
    """The test of an id that no webhook has gives a 404 or 400."""
    exchange = send_test(run, str(uuid.uuid4()))
    return confirmed(str(exchange.status)) if exchange.status in (400, 404, 422) else contradicted(_shown(exchange))


@rests_on("pulumi_truto/signature.py::verify_age")
def test_event(run: Run) -> Finding:
    """A delivery is JSON with id, event, payload, environment_id, webhook_id and created_at; a test event is "test"."""
    webhook, delivery = _delivered(run)
    event = _json(delivery)
    missing = {"id", "event", "payload", "environment_id", "webhook_id", "created_at"} - set(event)
    if missing:
        return contradicted(f"without {', '.join(sorted(missing))}")
    if event["event"] != "test" or event["webhook_id"] != webhook.id:
        return contradicted("event is not test, or webhook_id is that of another webhook")
    try:
        signature.verify_age(event["created_at"])
    except signature.SignatureError as error:
        return contradicted(str(error))
    payload = run.journal.shorten(json.dumps(event["payload"]), 60)
    agent = run.journal.shorten(delivery.headers.get("user-agent", "none"), 40)
    return confirmed(f"payload {payload}, User-Agent {agent}")


@rests_on("pulumi_truto/signature.py::verify")
def signature_of_a_delivery(run: Run) -> Finding:
    """X-Truto-Signature is the HMAC-SHA256 of the raw body, keyed with the secret, in hex or base64."""
    webhook, delivery = _delivered(run)
    header = delivery.headers.get(signature.HEADER.lower())
    _verify(delivery, webhook)
    value = re.sub(r".*\bv=", "", header or "")
    if re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return confirmed("hex")
    standard = base64.b64encode(base64.b64decode(value.rstrip("=") + "=", altchars=b"-_")).decode()
    return confirmed("base64" if value == standard else "base64, in the URL alphabet or without padding")


@rests_on("pulumi_truto/webhook/diff.py::to_state")
def secret_survives_updates(run: Run) -> Finding:
    """After PATCHes of URL, event types and is_active deliveries go to the new URL, signed with the same secret."""
    old_url, old_path = run.new_target()
    url, path = run.new_target()
    webhook = run.create(target_url=old_url, is_active=False, event_types=_NO_EVENTS)
    run.update(webhook.id, target_url=url, event_types=["truto_contract:other"], is_active=True)
    send_test(run, webhook.id)
    if _deliveries(run, old_path):
        return contradicted("delivered to the old URL")
    _verify(_last(run, path), webhook)
    return confirmed("the same secret, at the new URL")


def send_test(run: Run, id_: str) -> Exchange:
    """Makes Truto deliver its test event."""
    return run.api.send("POST", "/webhook/test", json={"id": id_})


def _rejection(exchange: Exchange) -> Finding:
    """The finding about the response to a test that failed."""
    is_refused = 400 <= exchange.status < 500 and exchange.status not in (401, 403, 404, 409, 429)
    is_false = exchange.is_success and isinstance(exchange.body, dict) and exchange.body.get("success") is False
    if is_false or is_refused or is_ambiguous(exchange.status):
        return confirmed(_shown(exchange))
    return contradicted(_shown(exchange))


def _is_accepted(exchange: Exchange) -> bool:
    return exchange.is_success and isinstance(exchange.body, dict) and exchange.body.get("success") is True


def _shown(exchange: Exchange) -> str:
    if not exchange.is_success:
        return f"{exchange.status} with {'a message' if exchange.message else 'no message'}"
    success = exchange.body.get("success") if isinstance(exchange.body, dict) else None
    return f"{exchange.status}, success: {json.dumps(success)[:20]}"


def _deliveries(run: Run, path: str) -> list[Delivery]:
    assert run.receiver is not None  # the path is of `Run.new_target`
    return run.receiver.deliveries(path)


def _count(run: Run, path: str) -> str:
    number = len(_deliveries(run, path))
    return "1 delivery" if number == 1 else f"{number} deliveries"


def _delivered(run: Run) -> tuple[Seen, Delivery]:
    """A webhook, and the delivery of its test event."""
    url, path = run.new_target()
    webhook = run.create(target_url=url, is_active=True, event_types=_NO_EVENTS)
    send_test(run, webhook.id)
    return webhook, _last(run, path)


def _last(run: Run, path: str) -> Delivery:
    deliveries = _deliveries(run, path)
    if not deliveries:
        raise NotObservable("the test event was not delivered")
    return deliveries[-1]


def _json(delivery: Delivery) -> dict[str, Any]:
    try:
        event = json.loads(delivery.body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise Contradiction("the body is not a JSON object")
    return event


def _verify(delivery: Delivery, webhook: Seen) -> None:
    if webhook.secret is None:
        raise NotObservable("the secret is not known")
    try:
        signature.verify(delivery.body, delivery.headers.get(signature.HEADER.lower()), webhook.secret)
    except signature.SignatureError as error:
        raise Contradiction(str(error)) from None
