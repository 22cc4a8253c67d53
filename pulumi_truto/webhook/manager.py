"""Webhooks have more than other resources: a secret, receivers that fail, and cron triggers that name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.errors import TrutoError
from pulumi_truto.resource_type import Values
from pulumi_truto.rest.manager import RestManager
from pulumi_truto.rest.rest_type import RestType
from pulumi_truto.webhook.cron_triggers import CronTriggers
from pulumi_truto.webhook.delivery_log import describe_failures

__all__ = ["WebhookManager"]

#: Entries of the delivery log to read, and of those the deliveries to describe: the test event does not count.
_LOG_ENTRIES: Final = 20
_NAMED_DELIVERIES: Final = 5


class WebhookManager(RestManager):
    """The webhooks of one Truto environment; see `RestManager`."""

    def __init__(self, kind: RestType, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> None:
        super().__init__(kind, client, warn, known_ids)
        self._cron_triggers = CronTriggers(client)

    def _read_state(self, id_: str, state: Values) -> Values:
        """Also warns if the secret is not known."""
        present_state = super()._read_state(id_, state)
        if not present_state["secret"]:
            self._warn(
                f"the secret of webhook {id_} is not known because Truto shows it only when the webhook is created, so "
                "the output `secret` is null. If you have it, run `pulumi state delete <urn>`, then import the webhook "
                "with it: see `pulumi-truto import-file --help`"
            )
        return present_state

    def _describe_switched_off(self, id_: str) -> str:
        """Says why, if the delivery log shows it. One call; a log that cannot be read changes nothing else."""
        try:
            log = self.client.list_deliveries(id_, limit=_LOG_ENTRIES)
            entries = [entry for entry in log if entry.event != "test"]
            failures = describe_failures(entries[:_NAMED_DELIVERIES])
        except TrutoError:
            failures = None
        if failures is None:
            return super()._describe_switched_off(id_)
        return (
            f"Truto switched webhook {id_} off: {failures}. The next `pulumi up` switches it on again: fix the "
            "receiver first"
        )

    def _before_delete(self, id_: str) -> None:
        if warning := self._cron_triggers.warning(id_):
            self._warn(warning)
