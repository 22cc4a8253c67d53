"""Truto's webhook API: one method per endpoint."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import requests

from pulumi_truto.api import models
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.api.retry import RequestPolicy
from pulumi_truto.api.transport import Transport
from pulumi_truto.config import Settings
from pulumi_truto.errors import ConfigurationError, InvalidResponseError, TrutoError
from pulumi_truto.urls import ID

__all__ = ["CreatedWebhook", "TrutoClient"]

_PAGE_SIZE: Final = 100
#: No environment has that many webhooks: a longer list is one that never ends.
_MAX_PAGES: Final = 1000
#: A short limit, so that the log never delays a run. It must exceed a tenth of the time for a call, or no attempt
#: starts.
_LOG_SECONDS: Final = 20.0


@dataclass(frozen=True)
class CreatedWebhook:
    """A new webhook, with the times of its request in seconds of `time.monotonic`.

    Attributes:
        sent_at: when the request was sent.
        responded_at: when the head of the response arrived: Truto had created the webhook by then.
    """

    webhook: models.Webhook
    sent_at: float
    responded_at: float


class TrutoClient:
    """A client for one Truto environment. Thread-safe.

    Every method raises `TrutoError` and nothing else; see `pulumi_truto.errors`. None of them logs or shows the token.

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
        self._redactor = Redactor(settings.api_token)
        self._transport = Transport(settings, self.policy, self._redactor, cancelled or threading.Event())

    def __repr__(self) -> str:
        return f"TrutoClient(base_url={self.settings.base_url!r})"

    @property
    def cancelled(self) -> threading.Event:
        """Once set, no new attempt starts."""
        return self._transport.cancelled

    def redact(self, *secrets: object) -> None:
        """From now on no error or warning contains these strings, nor a part of them if they are URLs."""
        self._redactor.add(*secrets)

    def uncancelled(self) -> TrutoClient:
        """The same client for a read that is needed even after a cancel or a timeout: what became of a request."""
        other = copy.copy(self)
        other._transport = self._transport.uncancelled()
        return other

    def deadline(self) -> float:
        """The deadline of a call that starts now, in seconds of `time.monotonic`."""
        return self._transport.deadline()

    def create_webhook(
        self, body: models.WebhookBody, *, idempotency_key: str | None = None, deadline: float | None = None
    ) -> CreatedWebhook:
        """``POST /webhook``. The response contains the secret, unlike any other.

        Args:
            body: the webhook.
            idempotency_key: the same for every attempt of one create. Truto documents the header for other endpoints.
            deadline: when it has to end, in seconds of `time.monotonic`.
        """
        attempted = "create the webhook"
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response, call = self._transport.send(
            attempted, "POST", "/webhook", deadline=deadline, json=body, headers=headers
        )
        try:
            webhook = self._transport.parse(attempted, response, models.Webhook)
        except TrutoError as error:
            error.sent_at = call.sent_at
            raise
        assert call.sent_at is not None
        assert call.responded_at is not None
        return CreatedWebhook(webhook, call.sent_at, call.responded_at)

    def get_webhook(self, id_: str) -> models.Webhook:
        """``GET /webhook/{id}``."""
        attempted = f"read webhook {id_}"
        response, _ = self._transport.send(attempted, "GET", f"/webhook/{_valid(id_)}")
        return self._webhook(attempted, response, id_)

    def list_webhooks(
        self, cursor: str | None = None, *, page_size: int | None = None, deadline: float | None = None
    ) -> models.WebhookPage:
        """``GET /webhook``: one page. `iter_webhooks` goes through all of them."""
        attempted = "list the webhooks"
        size = min(page_size or _PAGE_SIZE, _PAGE_SIZE)
        params = {"limit": str(size), **({"next_cursor": cursor} if cursor else {})}
        response, _ = self._transport.send(attempted, "GET", "/webhook", deadline=deadline, params=params)
        page = self._transport.parse(attempted, response, models.WebhookPage)
        for each in page.unreadable:
            which = f"webhook {each.id}" if each.id else "an item without an id"
            self._warn(
                f"skipped {which} in Truto's list of webhooks, because its data is invalid "
                f"({self._redactor.sanitize(each.reason)})"
            )
        return page

    def iter_pages(self, deadline: float | None = None) -> Iterator[models.WebhookPage]:
        """The pages of the list of webhooks, all of them until the deadline: by default that of one call."""
        deadline = deadline or self.deadline()
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MAX_PAGES):
            page = self.list_webhooks(cursor, deadline=deadline)
            yield page
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise InvalidResponseError(
            f"cannot list the webhooks: the list does not end (a repeated cursor, or more than {_MAX_PAGES} pages). "
            "Contact "
            "Truto's support"
        )

    def iter_webhooks(self, deadline: float | None = None) -> Iterator[models.Webhook]:
        """Every valid webhook of the token's environment, page after page, as `iter_pages` does."""
        for page in self.iter_pages(deadline):
            yield from page.result

    def update_webhook(self, id_: str, body: models.WebhookBody) -> models.Webhook:
        """``PATCH /webhook/{id}``: what the body omits stays unchanged."""
        attempted = f"update webhook {id_}"
        response, _ = self._transport.send(attempted, "PATCH", f"/webhook/{_valid(id_)}", json=body)
        return self._webhook(attempted, response, id_)

    def delete_webhook(self, id_: str) -> None:
        """``DELETE /webhook/{id}``. Truto returns 200 with an object, or 204 with nothing."""
        attempted = f"delete webhook {id_}"
        response, _ = self._transport.send(attempted, "DELETE", f"/webhook/{_valid(id_)}")
        if response.status_code != 204:
            deleted = self._transport.parse(attempted, response, models.Deleted)
            if deleted.id != id_:
                raise self._transport.errors.wrong_webhook(attempted, deleted.id)

    def test_webhook(self, id_: str) -> bool:
        """``POST /webhook/test``: makes Truto deliver a test event; returns whether the receiver accepted it."""
        attempted = f"test webhook {id_}"
        response, _ = self._transport.send(attempted, "POST", "/webhook/test", json={"id": id_})
        return self._transport.parse(attempted, response, models.TestResult).success

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
        deadline = min(self.deadline(), time.monotonic() + _LOG_SECONDS)
        response, _ = self._transport.send(attempted, "GET", "/log", deadline=deadline, may_retry=False, params=params)
        return self._transport.parse(attempted, response, models.DeliveryLog).newest_first[:limit]

    def _webhook(self, attempted: str, response: requests.Response, id_: str) -> models.Webhook:
        webhook = self._transport.parse(attempted, response, models.Webhook)
        if webhook.id != id_:
            raise self._transport.errors.wrong_webhook(attempted, webhook.id)
        return webhook


def _valid(id_: str) -> str:
    """The id, for the path of a URL, where another string could reach another endpoint."""
    if not ID.fullmatch(id_):
        raise ConfigurationError(
            f"{id_[:60]!r} is not a valid webhook id: ids contain only letters, digits, '-' and '_'"
        )
    return id_
