"""The endpoints of the API, and the one that a request is for."""

from __future__ import annotations

import re

from pulumi_truto.sandbox.collection import Endpoint
from pulumi_truto.sandbox.cron_triggers import CronTriggers
from pulumi_truto.sandbox.notification_destinations import NotificationDestinations
from pulumi_truto.sandbox.webhooks import Webhooks

__all__ = ["OPERATIONS", "RESOURCES", "match_route"]

#: The REST resources.
RESOURCES = (Webhooks, CronTriggers, NotificationDestinations)
_ENDPOINTS = (
    *(endpoint for resource in RESOURCES for endpoint in resource.endpoints()),
    Endpoint("log", "GET", "/log"),
)
OPERATIONS = tuple(endpoint.operation for endpoint in _ENDPOINTS)


def match_route(method: str, path: str) -> tuple[Endpoint | None, str, list[str]]:
    """Returns the endpoint, if there is one; the id in the path, or ""; and the methods that the path allows."""
    matches = [(endpoint, match) for endpoint in _ENDPOINTS if (match := _match_path(endpoint, path))]
    allowed_methods = [endpoint.method for endpoint, _ in matches]
    for endpoint, match in matches:
        if endpoint.method == method:
            return endpoint, match.groupdict().get("id", ""), allowed_methods
    return None, "", allowed_methods


def _match_path(endpoint: Endpoint, path: str) -> re.Match[str] | None:
    return re.fullmatch(endpoint.path.replace("{id}", "(?P<id>[^/]+)"), path)
