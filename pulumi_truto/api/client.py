"""Truto's webhook API: one method per endpoint."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from pulumi_truto.api import models
from pulumi_truto.api.deadline import current_deadline, deadline_in
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.api.transport import Request, RequestPolicy, Transport
from pulumi_truto.config import Settings
from pulumi_truto.errors import ConfigurationError, InvalidResponseError, TrutoError
from pulumi_truto.resource_type import Values
from pulumi_truto.urls import ID

__all__ = ["TrutoClient"]

_Model = TypeVar("_Model", bound=models.Response)

_PAGE_SIZE: Final = 100
#: No environment has that many webhooks: a longer list is one that never ends.
_MAX_PAGES: Final = 1000
#: Short limits, so that what a run can do without never delays it.
_TRIGGER_SECONDS: Final = 10.0
_LOG_SECONDS: Final = 20.0


class TrutoClient:
    """A client for one Truto environment. Thread-safe.

    Every method raises `TrutoError` and nothing else; see `pulumi_truto.errors`. None of them logs or shows the token.
    A method whose response shows another environment than the settings name raises `WrongEnvironmentError`; only
    `create_webhook` leaves that to its caller.

    Args:
        settings: the token and the base URL.
        policy: the limits of time, attempts and sizes.
        warn: receives warnings, for example about an item of a list that is invalid.
        cancelled: once set, no new attempt starts.
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
        self._warn = warn or (lambda _: None)
        self.redactor = Redactor(settings.api_token)
        self._transport = Transport(settings, self.policy, self.redactor, cancelled or threading.Event())

    def __repr__(self) -> str:
        return f"TrutoClient(base_url={self.settings.base_url!r})"

    @property
    def cancelled(self) -> threading.Event:
        """Once set, no new attempt starts."""
        return self._transport.cancelled

    def create_webhook(
        self,
        body: Values,
        claim: Callable[[str], bool] = lambda _: True,
        unknown_outcomes: list[TrutoError] | None = None,
    ) -> models.CreatedWebhook:
        """``POST /webhook``. The response contains the secret, unlike any other.

        It is retried with the same ``Idempotency-Key``, which Truto documents for other endpoints. Every attempt may
        make a webhook: the body should switch it off.

        Args:
            body: the webhook.
            claim: called with the new webhook's id. Returns ``False`` if that is the id of another webhook: then the
                response is not used.
            unknown_outcomes: receives the error of each attempt that Truto may have processed.
        """
        attempted = "create the webhook"

        def parse(status: int, response: bytes) -> models.CreatedWebhook:
            try:
                webhook = self._parse(attempted, models.CreatedWebhook)(status, response)
            except InvalidResponseError as error:
                with contextlib.suppress(ValueError):
                    error.webhook_id = models.Named.parse(response).id
                raise
            if not claim(webhook.id):
                raise self._transport.errors.wrong_webhook(attempted, webhook.id)
            self.redactor.add_secret(webhook.secret)
            return webhook

        self.redactor.add_url(body.get("target_url"))
        options = {"json": body, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
        unknown = [] if unknown_outcomes is None else unknown_outcomes
        request = Request(attempted, "POST", "/webhook", is_create=True, options=options, unknown_outcomes=unknown)
        return self._transport.send(request, parse)

    def get_webhook(self, id_: str) -> models.Webhook:
        """``GET /webhook/{id}``."""
        return self._send_for_webhook(f"read webhook {id_}", "GET", id_)

    def list_webhooks(self, cursor: str | None = None, *, page_size: int | None = None) -> models.WebhookPage:
        """``GET /webhook``: one page. `iter_webhooks` goes through all of them."""
        attempted = "list the webhooks"
        size = min(page_size or _PAGE_SIZE, _PAGE_SIZE)
        params = {"limit": str(size), **({"next_cursor": cursor} if cursor else {})}
        request = Request(attempted, "GET", "/webhook", options={"params": params})
        page = self._transport.send(request, self._parse(attempted, models.WebhookPage))
        for item in page.unreadable:
            name = f"webhook {item.id}" if item.id else "an item without an id"
            self._warn(
                f"skipped {name} in Truto's list of webhooks, because its data is invalid "
                f"({self.redactor.sanitize(item.reason)})"
            )
        for webhook in page.result:
            self._check_webhook(webhook)
        return page

    def iter_pages(self) -> Iterator[models.WebhookPage]:
        """The pages of the list of webhooks."""
        cursor: str | None = None
        cursors: set[str] = set()
        for _ in range(_MAX_PAGES):
            page = self.list_webhooks(cursor)
            yield page
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in cursors:
                break
            cursors.add(cursor)
        raise InvalidResponseError(
            f"cannot list the webhooks: the list does not end (a repeated cursor, or more than {_MAX_PAGES} pages). "
            "Contact "
            "Truto's support"
        )

    def iter_webhooks(self) -> Iterator[models.Webhook]:
        """Every valid webhook of the token's environment, page after page, as `iter_pages` does."""
        for page in self.iter_pages():
            yield from page.result

    def update_webhook(self, id_: str, body: Values) -> models.Webhook:
        """``PATCH /webhook/{id}``. The body should always have ``event_types``.

        By Truto's guides a PATCH leaves what it omits unchanged; by its reference it subscribes to every event if it
        omits ``event_types``. A PATCH with ``event_types`` is right under both.
        """
        self.redactor.add_url(body.get("target_url"))
        return self._send_for_webhook(f"update webhook {id_}", "PATCH", id_, json=body)

    def delete_webhook(self, id_: str, unknown_outcomes: list[TrutoError] | None = None) -> None:
        """``DELETE /webhook/{id}``. Truto returns 200 with an object, or 204 with nothing.

        Args:
            id_: the webhook.
            unknown_outcomes: receives the error of each attempt that Truto may have processed.
        """
        attempted = f"delete webhook {id_}"

        def parse(status: int, body: bytes) -> None:
            if status != 204:
                deleted = self._parse(attempted, models.Named)(status, body)
                if deleted.id != id_:
                    raise self._transport.errors.wrong_webhook(attempted, deleted.id)

        unknown = [] if unknown_outcomes is None else unknown_outcomes
        self._transport.send(Request(attempted, "DELETE", f"/webhook/{_valid(id_)}", unknown_outcomes=unknown), parse)

    def test_webhook(self, id_: str) -> bool:
        """``POST /webhook/test``: makes Truto deliver a test event; returns whether the receiver accepted it."""
        attempted = f"test webhook {id_}"
        request = Request(attempted, "POST", "/webhook/test", is_repeatable=False, options={"json": {"id": id_}})
        return self._transport.send(request, self._parse(attempted, models.TestResult)).success

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
        params = {"log_type": "webhook", "log_type_filter[webhook_id]": _valid(webhook_id), "limit": str(limit)}
        if event is not None:
            params["log_type_filter[event]"] = event
        request = Request(attempted, "GET", "/log", is_repeatable=False, options={"params": params})
        with deadline_in(min(_LOG_SECONDS, current_deadline().remaining_seconds)):
            return self._transport.send(request, self._parse(attempted, models.DeliveryLog)).newest_first[:limit]

    def list_cron_triggers(self) -> list[models.CronTrigger]:
        """``GET /sync-job-cron-trigger``: all pages, each read once, without a retry.

        They take at most a quarter of the remaining time: a delete that follows must not fail for lack of it.
        """
        attempted = "list the cron triggers"
        triggers, params = list[models.CronTrigger](), {"limit": str(_PAGE_SIZE)}
        with deadline_in(min(_TRIGGER_SECONDS, current_deadline().remaining_seconds / 4)):
            for _ in range(_MAX_PAGES):
                options = {"params": params}
                request = Request(attempted, "GET", "/sync-job-cron-trigger", is_repeatable=False, options=options)
                page = self._transport.send(request, self._parse(attempted, models.CronTriggerPage))
                triggers += page.result
                if not page.next_cursor or page.next_cursor == params.get("next_cursor"):
                    break
                params = {**params, "next_cursor": page.next_cursor}
        return triggers

    def _check_webhook(self, webhook: models.Webhook) -> None:
        """Keeps the webhook's URL out of messages, and raises if it belongs to another environment than the settings'.

        Raises:
            WrongEnvironmentError: it does.
        """
        self.redactor.add_url(webhook.target_url)
        self.settings.check_environment(webhook.environment_id, f"webhook {webhook.id}")

    def _send_for_webhook(self, attempted: str, method: str, id_: str, **options: Any) -> models.Webhook:
        def parse(status: int, body: bytes) -> models.Webhook:
            webhook = self._parse(attempted, models.Webhook)(status, body)
            if webhook.id != id_:
                raise self._transport.errors.wrong_webhook(attempted, webhook.id)
            return webhook

        webhook = self._transport.send(Request(attempted, method, f"/webhook/{_valid(id_)}", options=options), parse)
        self._check_webhook(webhook)
        return webhook

    def _parse(self, attempted: str, model: type[_Model]) -> Callable[[int, bytes], _Model]:
        """Parses the body of a response. Raises `InvalidResponseError` if it does not match Truto's API."""

        def parse(status: int, body: bytes) -> _Model:
            try:
                return model.parse(body)
            except ValueError as error:
                reason = self.redactor.sanitize(str(error))
                raise self._transport.errors.invalid_response(
                    attempted, f"Truto's response ({status}) does not match its API: {reason}"
                ) from None

        return parse


def _valid(id_: str) -> str:
    """The id, for the path of a URL, where another string could reach another endpoint."""
    if not ID.fullmatch(id_):
        raise ConfigurationError(
            f"{id_[:60]!r} is not a valid webhook id: ids contain only letters, digits, '-' and '_'"
        )
    return id_
