"""Compares a webhook's state with its inputs: the body of a PATCH, and the state to keep after a response.

A preview shows exactly what an update sends, as both come from `build_patch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from pulumi_truto.urls import urls_equal
from pulumi_truto.webhook.inputs import UNKNOWN, WebhookInputs, canonical_event_types
from pulumi_truto.webhook.properties import FINGERPRINT

if TYPE_CHECKING:
    from pulumi_truto.api.models import Webhook, WebhookBody

__all__ = [
    "WebhookState",
    "build_create_body",
    "build_patch",
    "has_changes",
    "inputs_in_state",
    "to_inputs",
    "to_state",
    "to_written_state",
]

#: A webhook's state, as its outputs in Pulumi's state. It is empty for a webhook that is being imported. `FINGERPRINT`
#: names the last key.
WebhookState = TypedDict(
    "WebhookState",
    {
        "target_url": str,
        "event_types": list[str],
        "is_active": bool,
        "secret": "str | None",
        "environment_id": "str | None",
        "created_at": "str | None",
        "updated_at": "str | None",
        "__fingerprint": str,
    },
    total=False,
)


def build_patch(current: WebhookState | WebhookInputs, inputs: WebhookInputs) -> WebhookBody:
    """The body of the PATCH that brings a webhook from what it is to the inputs; empty if there is nothing to do."""
    patch: WebhookBody = {}
    if not _is_same_url(current.get("target_url"), inputs["target_url"]):
        patch["target_url"] = inputs["target_url"]
    if not _are_same_event_types(current.get("event_types"), inputs["event_types"]):
        patch["event_types"] = inputs["event_types"]
    if current.get("is_active") is not inputs["is_active"]:
        patch["is_active"] = inputs["is_active"]
    return patch


def has_changes(current: WebhookState | WebhookInputs, inputs: WebhookInputs) -> bool:
    """Whether an update has anything to send."""
    return bool(build_patch(current, inputs))


def build_create_body(inputs: WebhookInputs) -> WebhookBody:
    """The body of the POST that creates a webhook, always switched off: repeating it is harmless then.

    "Every event" is expressed by omitting ``event_types``, the one way on which Truto's guides and reference agree.
    ``environment_id`` is never sent: the token determines it.
    """
    body: WebhookBody = {"target_url": inputs["target_url"], "is_active": False}
    if inputs["event_types"]:
        body["event_types"] = inputs["event_types"]
    return body


def to_inputs(webhook: Webhook) -> WebhookInputs:
    """The inputs that would declare the webhook as it is."""
    return {
        "target_url": webhook.target_url,
        "event_types": canonical_event_types(webhook.event_types or []),
        "is_active": webhook.is_active,
    }


def to_state(webhook: Webhook, known: WebhookState) -> WebhookState:
    """The state of a webhook as Truto returns it, given what was known before.

    What the response leaves out stays as it was: above all the secret, which only the response to the create has. A URL
    that Truto only spells differently stays as declared, or it would be a change for ever.
    """
    state: WebhookState = {
        "target_url": webhook.target_url,
        "event_types": canonical_event_types(webhook.event_types or []),
        "is_active": webhook.is_active,
        "environment_id": webhook.environment_id or known.get("environment_id"),
        "created_at": webhook.created_at_text or known.get("created_at"),
        "updated_at": webhook.updated_at_text or known.get("updated_at"),
        "secret": known.get("secret"),
    }
    if known.get(FINGERPRINT):
        state[FINGERPRINT] = known[FINGERPRINT]
    declared = known.get("target_url")
    if isinstance(declared, str) and urls_equal(declared, webhook.target_url):
        state["target_url"] = declared
    return state


def to_written_state(webhook: Webhook, known: WebhookState, sent: WebhookBody) -> WebhookState:
    """The state after a request that sent some properties. The others stay as they were.

    A refresh shows what was changed outside Pulumi; a response never takes it over by chance.
    """
    state = to_state(webhook, {**known, **sent})
    for name in ("target_url", "event_types", "is_active"):
        if name not in sent and name in known:
            state[name] = known[name]
    return state


def inputs_in_state(state: WebhookState) -> WebhookInputs:
    """The inputs that a state contains."""
    return {
        "target_url": state["target_url"],
        "event_types": state["event_types"],
        "is_active": state["is_active"],
    }


def _is_same_url(old: object, new: object) -> bool:
    return isinstance(old, str) and isinstance(new, str) and urls_equal(old, new)


def _are_same_event_types(old: object, new: object) -> bool:
    if new is UNKNOWN or not isinstance(new, Sequence) or UNKNOWN in new:
        return False
    known = old if isinstance(old, Sequence) and not isinstance(old, str) else []
    return canonical_event_types(known) == canonical_event_types(new)
