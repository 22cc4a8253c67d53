"""Finds the cron triggers of sync jobs that name a webhook: after a replacement they still name the old one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pulumi_truto.errors import TrutoError

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.api.models import CronTrigger

__all__ = ["CronTriggers"]

_NAMED_TRIGGERS: Final = 3


class CronTriggers:
    """The cron triggers of one environment, listed once in a run. Thread-safe.

    A list that cannot be read is empty: it is only for warnings.
    """

    def __init__(self, client: TrutoClient) -> None:
        self._client = client
        self._listing = threading.Lock()
        self._triggers: list[CronTrigger] | None = None

    def warning(self, webhook_id: str) -> str | None:
        """The warning before a webhook is deleted; ``None`` if no trigger names it."""
        with self._listing:
            if self._triggers is None:
                try:
                    self._triggers = self._client.list_cron_triggers()
                except TrutoError:
                    self._triggers = []
        ids = [trigger.id for trigger in self._triggers if webhook_id in trigger.webhook_ids]
        if not ids:
            return None
        subject = "1 cron trigger names" if len(ids) == 1 else f"{len(ids)} cron triggers name"
        first = ", ".join(ids[:_NAMED_TRIGGERS]) + (", ..." if len(ids) > _NAMED_TRIGGERS else "")
        return (
            f"{subject} webhook {webhook_id}, which is being deleted: {first}. If it was replaced, set the "
            "`webhook_id` of each at Truto to the new webhook's id"
        )
