"""Compares the webhooks of an environment with the exports of the stacks that use it. Changes nothing.

A create that fails, or whose provider is killed, can leave a webhook behind that no stack knows. No provider can
prevent that; this finds it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from pulumi_truto.api.models import CronTrigger, Webhook
from pulumi_truto.config import Settings
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK
from pulumi_truto.property_names import from_camel
from pulumi_truto.rest.rest_type import FINGERPRINT
from pulumi_truto.rest.state import to_inputs
from pulumi_truto.webhook.webhook_type import WEBHOOK as WEBHOOK_TYPE

__all__ = ["KnownWebhook", "Report", "compare", "read_export", "to_lines"]

_TYPES: Final = (WEBHOOK, DYNAMIC_WEBHOOK)


@dataclass(frozen=True)
class KnownWebhook:
    """A webhook as a stack knows it.

    Attributes:
        is_managed: whether the stack manages it, and not only reads it.
        has_own_type: whether its type says that it is a webhook. Otherwise only its id can: a class of the program's
            own, or another provider, may have made it.
        export: the file of the export. Stacks in two backends can have the same URNs.
    """

    id: str
    urn: str
    target_url: str | None
    environment_id: str | None
    fingerprint: str | None
    is_managed: bool
    has_own_type: bool
    export: str = ""

    def to_json(self) -> dict[str, Any]:
        """The webhook for programs."""
        return {name: getattr(self, name) for name in ("id", "urn", "target_url", "environment_id", "export")}


@dataclass(frozen=True)
class Report:
    """The differences.

    Attributes:
        orphans: the webhooks that no stack knows.
        missing: the webhooks that a stack knows but the environment does not have.
        unreadable: the ids of invalid webhooks that no stack knows.
        undecided: the webhooks that a stack knows and that may belong to this environment or to another one.
        others: the number of webhooks in the stacks that belong to other environments.
        managed_twice: for each webhook that several resources manage, these.
        triggers: the cron triggers that name a webhook which does not exist.
    """

    orphans: list[Webhook]
    missing: list[KnownWebhook]
    unreadable: list[str]
    undecided: list[KnownWebhook]
    others: int
    managed_twice: list[list[KnownWebhook]]
    triggers: list[CronTrigger]

    @property
    def has_difference(self) -> bool:
        """Whether there is, or may be, a difference."""
        return any(getattr(self, difference.name) for difference in fields(self) if difference.name != "others")

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        orphans = [
            {
                "id": webhook.id,
                **to_inputs(WEBHOOK_TYPE, webhook),
                "environment_id": webhook.environment_id,
                "created_at": webhook.created_at,
                "updated_at": webhook.updated_at,
                "never_switched_on": is_never_switched_on(webhook),
            }
            for webhook in self.orphans
        ]
        return {
            "orphans": orphans,
            "missing": [webhook.to_json() for webhook in self.missing],
            "unreadable": self.unreadable,
            "undecided": [webhook.to_json() for webhook in self.undecided],
            "managed_twice": [[webhook.to_json() for webhook in resources] for resources in self.managed_twice],
            "triggers": [{"id": trigger.id, "webhook_ids": sorted(trigger.webhook_ids)} for trigger in self.triggers],
        }


def read_export(document: object) -> list[KnownWebhook]:
    """The webhooks in the JSON of a ``pulumi stack export``, including those that the stack only reads.

    Resources of other types are included too: some of them may be webhooks.

    Raises:
        ValueError: it is not such JSON.
    """
    deployment = document.get("deployment") if isinstance(document, Mapping) else None
    if not isinstance(deployment, Mapping):
        raise ValueError("it is not the output of `pulumi stack export`: it has no deployment")
    resources = deployment.get("resources") or []
    if not isinstance(resources, list) or not all(isinstance(resource, Mapping) for resource in resources):
        raise ValueError("it is not the output of `pulumi stack export`: its resources are not a list of objects")
    return [_known(resource) for resource in resources if resource.get("id")]


def compare(
    webhooks: Sequence[Webhook],
    unreadable: Collection[str],
    known: Iterable[KnownWebhook],
    settings: Settings,
    triggers: Iterable[CronTrigger] = (),
) -> Report:
    """The webhooks that only the environment has, only the stacks have, or several resources manage."""
    existing_ids = {webhook.id for webhook in webhooks} | set(unreadable)
    known = [webhook for webhook in known if webhook.has_own_type or webhook.id in existing_ids]
    known_ids = {webhook.id for webhook in known}
    environments = {webhook.environment_id for webhook in webhooks if webhook.environment_id}
    environments |= {
        webhook.environment_id for webhook in known if webhook.id in existing_ids and webhook.environment_id
    }
    absent = [webhook for webhook in known if webhook.id not in existing_ids]
    # If no webhook shows which environment this is, the credential that wrote the webhook does.
    missing = [
        webhook
        for webhook in absent
        if webhook.environment_id in environments or webhook.fingerprint == settings.fingerprint(webhook.id)
    ]
    unproven = [webhook for webhook in absent if webhook not in missing]
    return Report(
        orphans=[webhook for webhook in webhooks if webhook.id not in known_ids],
        missing=missing,
        unreadable=sorted(set(unreadable) - known_ids),
        undecided=[] if environments else unproven,
        others=len(unproven) if environments else 0,
        managed_twice=_managed_twice(known),
        triggers=[trigger for trigger in triggers if trigger.webhook_ids - existing_ids],
    )


def to_lines(report: Report) -> Iterator[str]:
    """The report for people."""
    for orphan in report.orphans:
        state = "active" if orphan.is_active else "not active"
        state += ", never switched on" if is_never_switched_on(orphan) else ""
        created_at = orphan.created_at or "an unknown time"
        yield f"orphan   {orphan.id}  since {created_at}, {state}, {orphan.target_url}"
    for webhook in report.missing:
        yield f"missing  {webhook.id}  {webhook.target_url or 'unknown URL'}, known as {webhook.urn}"
    if report.orphans:
        ids = " ".join(f"--id {orphan.id}" for orphan in report.orphans)
        yield "No given stack manages the orphans. They may have been created by hand: check URL and time, then either"
        yield f"- import: pulumi-truto import-file --provider-kind KIND --output webhooks.json {ids}"
        yield "- delete: the same command with --delete, which asks before each"
        yield "A failed create may have left behind those that were never switched on: they deliver nothing."
    if report.missing:
        yield "The missing webhooks were deleted outside Pulumi: `pulumi up --refresh` creates them again."
    for id_ in report.unreadable:
        yield f"orphan   {id_}  cannot be read: see the warning"
    for webhook in report.undecided:
        yield f"unknown  {webhook.id}  {webhook.target_url or 'unknown URL'}, known as {webhook.urn}"
    if report.undecided:
        yield (
            "The API token sees no webhook at all, so the unknown webhooks may have been deleted, or belong to another "
            "environment. Check the token."
        )
    yield from _reference_lines(report)
    if report.others:
        yield f"{report.others} webhooks of the stacks belong to other environments and were left out."
    if not report.has_difference:
        yield "No difference: the environment and the stacks have the same webhooks."


def _reference_lines(report: Report) -> Iterator[str]:
    """The webhooks that several resources manage, and the cron triggers that name deleted webhooks."""
    for resources in report.managed_twice:
        are_distinct = len({webhook.urn for webhook in resources}) == len(resources)
        names = [webhook.urn if are_distinct else f"{webhook.urn} in {webhook.export}" for webhook in resources]
        yield f"twice    {resources[0].id}  managed as {' and as '.join(names)}"
    if report.managed_twice:
        yield (
            "A webhook that is managed twice is deleted as soon as one of the programs no longer declares it. Run "
            "`pulumi state delete <urn>` for all but one, and take them out of their programs. If two files are "
            "exports of one stack, give the newer one only."
        )
    for trigger in report.triggers:
        yield f"trigger  {trigger.id}  names a webhook that does not exist: {', '.join(sorted(trigger.webhook_ids))}"
    if report.triggers:
        yield "If the webhook was replaced, set `webhook_id` of the cron triggers at Truto to the new webhook's id."


def is_never_switched_on(webhook: Webhook) -> bool:
    """Whether a webhook is as a create leaves it before it is switched on, and was never changed."""
    return not webhook.is_active and webhook.updated_at in (None, webhook.created_at)


def _managed_twice(known: Sequence[KnownWebhook]) -> list[list[KnownWebhook]]:
    managed: defaultdict[str, list[KnownWebhook]] = defaultdict(list)
    for webhook in known:
        if webhook.is_managed:
            managed[webhook.id].append(webhook)
    return [resources for resources in managed.values() if len(resources) > 1]


def _known(resource: Mapping[str, Any]) -> KnownWebhook:
    outputs = resource.get("outputs")
    properties = from_camel(outputs if isinstance(outputs, Mapping) else {})
    strings = {name: value if isinstance(value, str) else None for name, value in properties.items()}
    return KnownWebhook(
        id=str(resource["id"]),
        urn=str(resource.get("urn", "")),
        target_url=strings.get("target_url"),
        environment_id=strings.get("environment_id"),
        fingerprint=strings.get(FINGERPRINT),
        is_managed=not resource.get("external"),
        has_own_type=resource.get("type") in _TYPES,
    )
