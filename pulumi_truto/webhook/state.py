"""A webhook's state: the body of a create, and the state after a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_truto.resource_type import Values
from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.inputs import canonical_event_types
from pulumi_truto.webhook.webhook_type import FINGERPRINT, WEBHOOK

if TYPE_CHECKING:
    from pulumi_truto.api.models import Webhook

__all__ = ["build_create_body", "to_inputs", "to_state", "to_written_state"]


def build_create_body(inputs: Values) -> Values:
    """The body of the POST that creates a webhook, always switched off: repeating it is harmless then.

    "Every event" is expressed by omitting ``event_types``, the one way on which Truto's guides and reference agree.
    ``environment_id`` is never sent: the token determines it.
    """
    body = {**inputs, "is_active": False}
    return body if inputs["event_types"] else {name: body[name] for name in body if name != "event_types"}


def to_inputs(webhook: Webhook) -> Values:
    """The inputs that would declare the webhook as it is."""
    inputs = {name: getattr(webhook, name) for name in WEBHOOK.inputs}
    return {**inputs, "event_types": canonical_event_types(webhook.event_types or [])}


def to_state(webhook: Webhook, known: Values) -> Values:
    """The state of a webhook as Truto returns it, given its known properties.

    Properties that the response leaves out stay as they were. The secret always does: only the response to the create
    has it. A URL that Truto only spells differently stays as declared, or it would be a change for ever.
    """
    texts = {"created_at": webhook.created_at, "updated_at": webhook.updated_at}
    outputs = {"environment_id": webhook.environment_id, **texts}
    state = {
        **to_inputs(webhook),
        **{name: outputs.get(name) or known.get(name) for name in WEBHOOK.outputs},
    }
    if known.get(FINGERPRINT):
        state[FINGERPRINT] = known[FINGERPRINT]
    declared_url = known.get("target_url")
    if isinstance(declared_url, str) and urls_equal(declared_url, webhook.target_url):
        state["target_url"] = declared_url
    return state


def to_written_state(webhook: Webhook, known: Values, sent: Values) -> Values:
    """The state after a request that sent some properties. The others stay as they were.

    A refresh shows changes outside Pulumi; a response to another request never brings them into the state.
    """
    kept_inputs = {name: known[name] for name in WEBHOOK.inputs if name not in sent and name in known}
    return {**to_state(webhook, {**known, **sent}), **kept_inputs}
