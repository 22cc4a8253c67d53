"""Every resource of this package. A further one is declared like these, and listed here."""

from __future__ import annotations

from typing import Final

from pulumi_truto.notification_destination import NOTIFICATION_DESTINATION
from pulumi_truto.resource_type import ResourceType
from pulumi_truto.rest.rest_type import RestType
from pulumi_truto.webhook.signing_secrets import SIGNING_SECRETS
from pulumi_truto.webhook.tester import WEBHOOK_TEST
from pulumi_truto.webhook.webhook_type import WEBHOOK

__all__ = ["RESOURCE_TYPES", "REST_TYPES"]

#: The resource types, by their types in the plugin.
RESOURCE_TYPES: Final[dict[str, ResourceType]] = {
    kind.token: kind for kind in (WEBHOOK, WEBHOOK_TEST, SIGNING_SECRETS, NOTIFICATION_DESTINATION)
}
#: Those that have items at Truto, webhooks first.
REST_TYPES: Final[dict[str, RestType]] = {
    token: kind for token, kind in RESOURCE_TYPES.items() if isinstance(kind, RestType)
}
