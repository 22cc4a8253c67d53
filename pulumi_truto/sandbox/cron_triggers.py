"""The list of the cron triggers of sync jobs, which can name a webhook. A test creates them without the API."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from pulumi_truto.sandbox.collection import Collection, Edit, Item, RequestBody
from pulumi_truto.sandbox.validation import OMITTED, Json

__all__ = ["CronTrigger", "CronTriggers"]


class _TriggerCreate(RequestBody):
    webhook_id: str | None = None
    sync_job_id: str
    cron_expression: str
    args: Json = Field(default_factory=dict)


class _TriggerEdit(Edit):
    webhook_id: str | None = OMITTED
    args: Json = OMITTED


@dataclass(kw_only=True)
class CronTrigger(Item):
    """A trigger as the server stores it."""

    sync_job_id: str
    cron_expression: str
    webhook_id: str | None
    args: Json
    """The arguments of the sync job, which can name a webhook too."""


class CronTriggers(Collection[CronTrigger]):
    """``/sync-job-cron-trigger``."""

    path, noun, plural = "/sync-job-cron-trigger", "Sync job cron trigger", "cron_triggers"
    verbs = ("list",)
    operation_suffix = "_trigger"
    create_body, edit_body = _TriggerCreate, _TriggerEdit
    item_type = CronTrigger
