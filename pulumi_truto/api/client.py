"""Truto's API: its collections, and the endpoints around webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from pulumi_truto.api import models
from pulumi_truto.api.collection import MAX_PAGES, PAGE_SIZE, Collection, valid_id
from pulumi_truto.api.deadline import current_deadline, deadline_in
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.api.transport import Request, RequestPolicy, Transport
from pulumi_truto.config import Settings
from pulumi_truto.errors import ConfigurationError

__all__ = ["TrutoClient"]

_Result = TypeVar("_Result")

#: Short limits, so that what a run can do without never delays it.
_TRIGGER_SECONDS: Final = 10.0
_LOG_SECONDS: Final = 20.0


class TrutoClient:
    """A client for one Truto environment. Thread-safe.

    Every method raises `TrutoError` and nothing else; see `pulumi_truto.errors`. None of them logs or shows the token.

    Args:
        settings: the token and the base URL.
        policy: the limits of time, attempts and sizes.
        warn: receives warnings, for example about an item of a list that is invalid.
        cancelled: once set, no new attempt starts.

    Attributes:
        webhooks: ``/webhook``.
        notification_destinations: ``/notification-destination``.
    """

    def __init__(
        self,
        settings: Settings,
        policy: RequestPolicy | None = None,
        *,
        warn: Callable[[str], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        if settings.errors:
            raise ConfigurationError("; ".join(settings.errors))
        self.settings = settings
        self.policy = policy or RequestPolicy()
        self.warn = warn or (lambda _: None)
        self.redactor = Redactor(settings.api_token)
        self._transport = Transport(settings, self.policy, self.redactor, cancelled or threading.Event())
        self.errors = self._transport.errors
        self.webhooks = Collection(self, "/webhook", "webhook", models.Webhook, models.CreatedWebhook)
        self.notification_destinations = Collection(
            self,
            "/notification-destination",
            "notification destination",
            models.NotificationDestination,
            models.NotificationDestination,
        )

    def __repr__(self) -> str:
        return f"TrutoClient(base_url={self.settings.base_url!r})"

    @property
    def cancelled(self) -> threading.Event:
        """Once set, no new attempt starts."""
        return self._transport.cancelled

    def send(self, request: Request, parse: Callable[[int, bytes], _Result]) -> _Result:
        """Sends a request; see `pulumi_truto.api.transport.Transport.send`."""
        return self._transport.send(request, parse)

    def parse(self, attempted: str, parse_body: Callable[[bytes], _Result]) -> Callable[[int, bytes], _Result]:
        """The function that parses a body, and raises `InvalidResponseError` if it does not match Truto's API.

        Args:
            attempted: the action, for messages, as in "read webhook X".
            parse_body: raises `ValueError` if the body does not match.
        """

        def parse(status: int, body: bytes) -> _Result:
            try:
                return parse_body(body)
            except ValueError as error:
                reason = self.redactor.sanitize(str(error))
                raise self.errors.invalid_response(
                    attempted, f"Truto's response ({status}) does not match its API: {reason}"
                ) from None

        return parse

    def test_webhook(self, id_: str) -> bool:
        """``POST /webhook/test``: makes Truto deliver a test event; returns whether the receiver accepted it."""
        attempted = f"test webhook {id_}"
        request = Request(attempted, "POST", "/webhook/test", is_repeatable=False, options={"json": {"id": id_}})
        return self.send(request, self.parse(attempted, models.TestResult.parse)).success

    def list_deliveries(
        self, webhook_id: str, *, event: str | None = None, limit: int = 5
    ) -> list[models.DeliveryLogEntry]:
        """``GET /log``: the newest deliveries of a webhook, newest first. It is read once, without a retry.

        Args:
            webhook_id: the webhook.
            event: only deliveries of this event.
            limit: the maximum number, up to 100.
        """
        attempted = f"read the delivery log of webhook {webhook_id}"
        params = {
            "log_type": "webhook",
            "log_type_filter[webhook_id]": valid_id(webhook_id, "webhook"),
            "limit": str(limit),
        }
        if event is not None:
            params["log_type_filter[event]"] = event
        request = Request(attempted, "GET", "/log", is_repeatable=False, options={"params": params})
        with deadline_in(min(_LOG_SECONDS, current_deadline().remaining_seconds)):
            return self.send(request, self.parse(attempted, models.DeliveryLog.parse)).newest_first[:limit]

    def list_cron_triggers(self) -> list[models.CronTrigger]:
        """``GET /sync-job-cron-trigger``: all pages, each read once, without a retry.

        They take at most a quarter of the remaining time: a delete that follows must not fail for lack of it.
        """
        attempted = "list the cron triggers"
        triggers, params = list[models.CronTrigger](), {"limit": str(PAGE_SIZE)}
        with deadline_in(min(_TRIGGER_SECONDS, current_deadline().remaining_seconds / 4)):
            for _ in range(MAX_PAGES):
                options = {"params": params}
                request = Request(attempted, "GET", "/sync-job-cron-trigger", is_repeatable=False, options=options)
                page = self.send(request, self.parse(attempted, models.CronTriggerPage.parse))
                triggers += page.result
                if not page.next_cursor or page.next_cursor == params.get("next_cursor"):
                    break
                params = {**params, "next_cursor": page.next_cursor}
        return triggers
