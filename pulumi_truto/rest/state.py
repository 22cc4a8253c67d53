"""The state of a resource of Truto's: the body of a create, and the state after a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_truto.resource_type import ResourceType, Values
from pulumi_truto.rest.rest_type import FINGERPRINT

if TYPE_CHECKING:
    from pulumi_truto.api.models import Item

__all__ = ["build_create_body", "to_inputs", "to_state", "to_written_state"]


def build_create_body(inputs: Values) -> Values:
    """The body of the POST that creates an item, always switched off: repeating it is harmless then.

    Null and empty inputs are omitted. For ``event_types`` that means "every event", the one way on which Truto's guides
    and reference agree. ``environment_id`` is never sent: the token determines it.
    """
    return {**{name: value for name, value in inputs.items() if value not in (None, [])}, "is_active": False}


def to_inputs(kind: ResourceType, item: Item) -> Values:
    """The inputs that would declare the item as it is."""
    inputs = {}
    for property_ in kind.properties:
        if property_.is_input:
            value = getattr(item, property_.name)
            inputs[property_.name] = property_.canonical(property_.default if value is None else value)
    return inputs


def to_state(kind: ResourceType, item: Item, known: Values) -> Values:
    """The state of an item as Truto returns it, given its known properties.

    Properties that the response leaves out stay as they were. The secret of a webhook always does: only the response to
    the create has it. An input that Truto only spells differently stays as declared, or it would be a change for ever.
    """
    state = {
        **to_inputs(kind, item),
        **{name: getattr(item, name, None) or known.get(name) for name in kind.outputs},
    }
    if known.get(FINGERPRINT):
        state[FINGERPRINT] = known[FINGERPRINT]
    for property_ in kind.properties:
        declared = known.get(property_.name)
        if property_.is_input and declared is not None and property_.is_equal(declared, state[property_.name]):
            state[property_.name] = property_.canonical(declared)
    return state


def to_written_state(kind: ResourceType, item: Item, known: Values, sent: Values) -> Values:
    """The state after a request that sent some properties. The others stay as they were.

    A refresh shows changes outside Pulumi; a response to another request never brings them into the state.
    """
    kept_inputs = {name: known[name] for name in kind.inputs if name not in sent and name in known}
    return {**to_state(kind, item, {**known, **sent}), **kept_inputs}
