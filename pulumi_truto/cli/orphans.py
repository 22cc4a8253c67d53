"""Compares an environment with the exports of the stacks that use it. Changes nothing.

A create that fails, or whose provider is killed, can leave something behind that no stack knows. No provider can
prevent that; this finds it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from pulumi_truto.api.models import CronTrigger
from pulumi_truto.cli.environment import Environment, Existing
from pulumi_truto.config import Settings
from pulumi_truto.property_names import from_camel
from pulumi_truto.resource_types import REST_TYPES
from pulumi_truto.rest.rest_type import FINGERPRINT, RestType

__all__ = ["Known", "Report", "compare", "read_export", "to_lines"]

_KINDS: Final[dict[str, RestType]] = {
    token: kind for kind in REST_TYPES.values() for token in (kind.token, kind.dynamic_token)
}


@dataclass(frozen=True)
class Known:
    """A resource as a stack knows it.

    Attributes:
        kind: its resource type; ``None`` if its type does not say so. Then only its id can: a class of the program's
            own, or another provider, may have made it.
        name: the URL of a webhook, or the label of a destination.
        is_managed: whether the stack manages it, and not only reads it.
        export: the file of the export. Stacks in two backends can have the same URNs.
    """

    kind: RestType | None
    id: str
    urn: str
    name: str | None
    environment_id: str | None
    fingerprint: str | None
    is_managed: bool
    export: str = ""

    def to_json(self) -> dict[str, Any]:
        """The resource for programs."""
        return {name: getattr(self, name) for name in ("id", "urn", "name", "environment_id", "export")}


@dataclass(frozen=True)
class Report:
    """The differences. "Resource" stands for a webhook or a notification destination.

    Attributes:
        orphans: the resources that no stack knows.
        missing: those that a stack knows but the environment does not have.
        unreadable: the ids of invalid ones that no stack knows.
        undecided: those that a stack knows and that may belong to this environment or to another one.
        others: the number of those in the stacks that belong to other environments.
        managed_twice: for each one that is managed several times, these.
        triggers: the cron triggers that name a webhook which does not exist.
        left_out: the resource types that Truto's API does not have.
    """

    orphans: list[Existing]
    missing: list[Known]
    unreadable: list[str]
    undecided: list[Known]
    others: int
    managed_twice: list[list[Known]]
    triggers: list[CronTrigger]
    left_out: list[str]

    @property
    def has_difference(self) -> bool:
        """Whether there is, or may be, a difference."""
        differences = (field.name for field in fields(self) if field.name not in ("others", "left_out"))
        return any(getattr(self, name) for name in differences)

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "orphans": [orphan.to_json() for orphan in self.orphans],
            "missing": [known.to_json() for known in self.missing],
            "unreadable": self.unreadable,
            "undecided": [known.to_json() for known in self.undecided],
            "managed_twice": [[known.to_json() for known in resources] for resources in self.managed_twice],
            "triggers": [{"id": trigger.id, "webhook_ids": sorted(trigger.webhook_ids)} for trigger in self.triggers],
            "left_out": self.left_out,
        }


def read_export(document: object) -> list[Known]:
    """The resources in the JSON of a ``pulumi stack export``, including those that the stack only reads.

    Those of other types are included too: some of them may be webhooks.

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


def compare(environment: Environment, known: Iterable[Known], settings: Settings) -> Report:
    """The resources that only the environment has, only the stacks have, or several resources manage."""
    existing_ids = {existing.id for existing in environment.items} | environment.unreadable
    known = [resource for resource in known if resource.kind in environment.listed or resource.id in existing_ids]
    known_ids = {resource.id for resource in known}
    environments = {existing.item.environment_id for existing in environment.items if existing.item.environment_id}
    environments |= {
        resource.environment_id for resource in known if resource.id in existing_ids and resource.environment_id
    }
    absent = [resource for resource in known if resource.id not in existing_ids]
    # If no item shows which environment this is, the credential that wrote the resource does.
    missing = [
        resource
        for resource in absent
        if resource.environment_id in environments or resource.fingerprint == settings.fingerprint(resource.id)
    ]
    unproven = [resource for resource in absent if resource not in missing]
    return Report(
        orphans=[existing for existing in environment.items if existing.id not in known_ids],
        missing=missing,
        unreadable=sorted(environment.unreadable - known_ids),
        undecided=[] if environments else unproven,
        others=len(unproven) if environments else 0,
        managed_twice=_managed_twice(known),
        triggers=[trigger for trigger in environment.triggers if trigger.webhook_ids - existing_ids],
        left_out=[kind.name for kind in environment.left_out],
    )


def to_lines(report: Report) -> Iterator[str]:
    """The report for people."""
    for orphan in report.orphans:
        state = "active" if orphan.item.is_active else "not active"
        state += ", never switched on" if orphan.is_never_switched_on else ""
        created_at = orphan.item.created_at or "an unknown time"
        yield f"orphan   {orphan.id}  since {created_at}, {state}, {orphan.description}"
    for known in report.missing:
        yield f"missing  {known.id}  {known.name or 'unknown'}, known as {known.urn}"
    if report.orphans:
        ids = " ".join(f"--id {orphan.id}" for orphan in report.orphans)
        yield "No given stack manages the orphans. They may have been created by hand: check URL and time, then either"
        yield f"- import: pulumi-truto import-file --provider-kind KIND --output webhooks.json {ids}"
        yield "- delete: the same command with --delete, which asks before each"
        yield "A failed create may have left behind those that were never switched on: they deliver nothing."
    if report.missing:
        yield "The missing resources were deleted outside Pulumi: `pulumi up --refresh` creates them again."
    for id_ in report.unreadable:
        yield f"orphan   {id_}  cannot be read: see the warning"
    for known in report.undecided:
        yield f"unknown  {known.id}  {known.name or 'unknown'}, known as {known.urn}"
    if report.undecided:
        yield (
            "The API token sees nothing at all, so the unknown resources may have been deleted, or belong to another "
            "environment. Check the token."
        )
    yield from _reference_lines(report)
    if report.others:
        yield f"{report.others} resources of the stacks belong to other environments and were left out."
    for name in report.left_out:
        yield f"{name} was left out because Truto's API does not have it."
    if not report.has_difference:
        yield "No difference: the environment and the stacks have the same resources."


def _reference_lines(report: Report) -> Iterator[str]:
    """What is managed twice, and the cron triggers that name deleted webhooks."""
    for resources in report.managed_twice:
        are_distinct = len({known.urn for known in resources}) == len(resources)
        names = [known.urn if are_distinct else f"{known.urn} in {known.export}" for known in resources]
        yield f"twice    {resources[0].id}  managed as {' and as '.join(names)}"
    if report.managed_twice:
        yield (
            "What is managed twice is deleted as soon as one of the programs no longer declares it. Run "
            "`pulumi state delete <urn>` for all but one, and take them out of their programs. If two files are "
            "exports of one stack, give the newer one only."
        )
    for trigger in report.triggers:
        yield f"trigger  {trigger.id}  names a webhook that does not exist: {', '.join(sorted(trigger.webhook_ids))}"
    if report.triggers:
        yield "If the webhook was replaced, set `webhook_id` of the cron triggers at Truto to the new webhook's id."


def _managed_twice(resources: Sequence[Known]) -> list[list[Known]]:
    managed: defaultdict[str, list[Known]] = defaultdict(list)
    for known in resources:
        if known.is_managed:
            managed[known.id].append(known)
    return [duplicates for duplicates in managed.values() if len(duplicates) > 1]


def _known(resource: Mapping[str, Any]) -> Known:
    outputs = resource.get("outputs")
    properties = from_camel(outputs if isinstance(outputs, Mapping) else {})
    strings = {name: value if isinstance(value, str) else None for name, value in properties.items()}
    return Known(
        kind=_KINDS.get(str(resource.get("type"))),
        id=str(resource["id"]),
        urn=str(resource.get("urn", "")),
        name=strings.get("target_url") or strings.get("label"),
        environment_id=strings.get("environment_id"),
        fingerprint=strings.get(FINGERPRINT),
        is_managed=not resource.get("external"),
    )
