"""Event types: how a request says "everything", and how a list comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pulumi_truto.event_types import EventType
from tests.contract.truto import UNSET, Observed, Truto, event_types

_LIST = ["record:created", "record:deleted"]


@pytest.mark.rests_on("pulumi_truto/api/models.py")
@pytest.mark.parametrize("sent", [UNSET, []], ids=["left-out", "empty"])
def test_create_for_every_event(truto: Truto, observed: Observed, sent: object) -> None:
    """A create without event_types, or with [], subscribes to everything, shown as [], null or not at all."""
    created = truto.create(event_types=sent)
    id_ = created["id"]
    webhooks = {"POST": created, "GET": truto.read(id_), "list": truto.listed(id_)[id_]}
    assert not [source for source, webhook in webhooks.items() if event_types(webhook)]
    observed(_shown(webhooks))


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_update_to_every_event(truto: Truto, observed: Observed) -> None:
    """A PATCH with event_types: [] goes back from a list to everything."""
    id_ = truto.create(event_types=_LIST)["id"]
    webhooks = {"PATCH": truto.update(id_, event_types=[]), "GET": truto.read(id_)}
    assert not [source for source, webhook in webhooks.items() if event_types(webhook)]
    observed(_shown(webhooks))


@pytest.mark.rests_on("pulumi_truto/webhook/inputs.py")
def test_order_of_event_types(truto: Truto, observed: Observed) -> None:
    """A list of event types comes back with the same elements, in any order."""
    sent = ["record:updated", "integrated_account:active", "record:created"]
    order = _comes_back(truto, sent)["event_types"]
    observed("in the order sent" if order == sent else "sorted" if order == sorted(sent) else "in another order")


@pytest.mark.rests_on("pulumi_truto/webhook/inputs.py")
def test_unknown_event_type(truto: Truto) -> None:
    """An event type that Truto does not know is accepted: the list is open."""
    _comes_back(truto, ["truto_contract:unknown"])


@pytest.mark.rests_on("pulumi_truto/webhook/lookup.py")
def test_wildcard_event_type(truto: Truto) -> None:
    """record:* is accepted, and comes back as it is."""
    _comes_back(truto, ["record:*"])


@pytest.mark.rests_on("pulumi_truto/event_types.py")
def test_known_event_types(truto: Truto) -> None:
    """All event types that the package knows are accepted, together."""
    _comes_back(truto, [event_type.value for event_type in EventType])


def _comes_back(truto: Truto, sent: list[str]) -> dict[str, Any]:
    created = truto.create(event_types=sent)
    read_webhook = truto.read(created["id"])
    assert event_types(created) == set(sent)
    assert event_types(read_webhook) == set(sent)
    return read_webhook


def _shown(webhooks: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{source}: {webhook.get('event_types', 'absent')}" for source, webhook in webhooks.items())
