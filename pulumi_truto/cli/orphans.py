"""Joins the webhooks of an environment with the exports of the stacks that use it. Deletes nothing.

A provider that is killed in the middle of a create can leave a webhook that no stack knows: no provider can prevent
that, and this finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pulumi_truto.api.models import Webhook
from pulumi_truto.config import Settings
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook.properties import from_camel

__all__ = ["KnownWebhook", "Report", "compare", "read_export"]

_TYPES: Final = (WEBHOOK, DYNAMIC_WEBHOOK)


@dataclass(frozen=True)
class KnownWebhook:
    """A webhook as a stack knows it."""

    id: str
    urn: str
    target_url: str | None
    environment_id: str | None
    fingerprint: str | None

    def to_json(self) -> dict[str, Any]:
        """The webhook for programs."""
        return {name: value for name, value in asdict(self).items() if name != "fingerprint"}


@dataclass(frozen=True)
class Report:
    """What does not fit.

    Attributes:
        orphans: the webhooks that no stack knows.
        missing: the webhooks that a stack knows and that are not in the environment.
        unreadable: the ids of the webhooks that no stack knows and that cannot be read.
        undecided: the webhooks that a stack knows, of an environment that nothing shows to be this one or another.
        others: how many webhooks of the stacks belong to other environments.
    """

    orphans: list[Webhook]
    missing: list[KnownWebhook]
    unreadable: list[str]
    undecided: list[KnownWebhook]
    others: int

    @property
    def has_difference(self) -> bool:
        """Whether anything does not fit, or may not."""
        return bool(self.orphans or self.missing or self.unreadable or self.undecided)

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        orphans = [
            {
                "id": each.id,
                **rules.inputs_of(each),
                "environment_id": each.environment_id,
                "created_at": each.created_at_text,
                "updated_at": each.updated_at_text,
            }
            for each in self.orphans
        ]
        return {
            "orphans": orphans,
            "missing": [each.to_json() for each in self.missing],
            "unreadable": self.unreadable,
            "undecided": [each.to_json() for each in self.undecided],
        }


def read_export(document: object) -> list[KnownWebhook]:
    """The webhooks in the JSON of a ``pulumi stack export``, those that it only reads among them.

    Raises:
        ValueError: it is no such JSON.
    """
    deployment = document.get("deployment") if isinstance(document, Mapping) else None
    if not isinstance(deployment, Mapping):
        raise ValueError("it is not the output of `pulumi stack export`: it has no deployment")
    resources = deployment.get("resources") or []
    if not isinstance(resources, list) or not all(isinstance(each, Mapping) for each in resources):
        raise ValueError("it is not the output of `pulumi stack export`: its resources are not a list of objects")
    return [_known(each) for each in resources if each.get("type") in _TYPES and each.get("id")]


def compare(
    webhooks: Sequence[Webhook], unreadable: Collection[str], known: Iterable[KnownWebhook], settings: Settings
) -> Report:
    """What the environment has and no stack knows, and the other way round."""
    known = list(known)
    known_ids, there = {each.id for each in known}, {each.id for each in webhooks} | set(unreadable)
    environments = {each.environment_id for each in webhooks if each.environment_id}
    environments |= {each.environment_id for each in known if each.id in there and each.environment_id}
    absent = [each for each in known if each.id not in there]
    # With no webhook to show the environment, the credential that wrote it does.
    missing = [
        each
        for each in absent
        if each.environment_id in environments or each.fingerprint == settings.fingerprint(each.id)
    ]
    rest = [each for each in absent if each not in missing]
    return Report(
        orphans=[each for each in webhooks if each.id not in known_ids],
        missing=missing,
        unreadable=sorted(set(unreadable) - known_ids),
        undecided=[] if environments else rest,
        others=len(rest) if environments else 0,
    )


def _known(resource: Mapping[str, Any]) -> KnownWebhook:
    outputs = resource.get("outputs")
    properties = from_camel(outputs if isinstance(outputs, Mapping) else {})
    strings = {name: value if isinstance(value, str) else None for name, value in properties.items()}
    return KnownWebhook(
        id=str(resource["id"]),
        urn=str(resource.get("urn", "")),
        target_url=strings.get("target_url"),
        environment_id=strings.get("environment_id"),
        fingerprint=strings.get(rules.FINGERPRINT),
    )
