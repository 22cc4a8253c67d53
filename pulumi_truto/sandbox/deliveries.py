"""Delivers events to the targets of webhooks, and notifies destinations of webhooks that it switches off.

It only delivers to loopback: whatever the target URL is, no packet of the sandbox leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from urllib3.filepost import encode_multipart_formdata
from yarl import URL

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.call_log import Record
from pulumi_truto.sandbox.collection import RequestBody
from pulumi_truto.sandbox.faults import DELIVERY, FaultPlan
from pulumi_truto.sandbox.notification_destinations import NotificationDestination
from pulumi_truto.sandbox.responses import ErrorResponse
from pulumi_truto.sandbox.validation import Json, is_loopback
from pulumi_truto.sandbox.webhooks import Webhook, Webhooks
from pulumi_truto.signature import HEADER, sign

__all__ = ["Delivery", "DeliveryWorker", "Notification"]

_MAX_RETRIES = 3  # after the first attempt, according to Truto's guide
_NOT_LOOPBACK = "the sandbox delivers to loopback only"


@dataclass(frozen=True)
class Delivery:
    """The outcome of delivering one event to one webhook."""

    id: str
    """The ``id`` in the delivered JSON. All attempts have the same one, and so do all webhooks that receive the event
    unless the setting ``event_id`` says otherwise."""
    webhook_id: str
    event: str
    """The event type."""
    attempts: int
    status: int | None
    """The status of the target's last response; None if there was none."""
    ok: bool
    """Whether the last response was a 2xx."""
    reason: str | None
    """Why there was no response."""
    environment_id: str
    created_at: datetime
    """When the last attempt ended."""
    signature: str
    """The header ``X-Truto-Signature``, the same in every attempt."""


@dataclass(frozen=True)
class Notification:
    """A notification of a destination. The sandbox sends no e-mail, and posts to Slack URLs on loopback only."""

    destination_id: str
    webhook_id: str | None
    """The webhook that was switched off; None for a test."""
    text: str
    created_at: datetime
    status: int | None
    """The status of the response; None if there was none."""
    ok: bool
    """Whether the status was a 2xx, or nothing was sent."""
    reason: str | None
    """Why there was no response."""


class _TestBody(RequestBody):
    id: str


class DeliveryWorker:
    """Makes deliveries and records them. Its coroutines run on the sandbox's event loop."""

    def __init__(self, backend: TrutoBackend, faults: FaultPlan) -> None:
        self._backend = backend
        self._webhooks: Webhooks = backend.collections[Webhooks]
        self._faults = faults
        self.deliveries: Record[Delivery] = Record()
        self.notifications: Record[Notification] = Record()

    async def respond_to_test(self, resource: Any, environment_id: str, body: Json) -> Json:
        """``POST /webhook/test``, and the same for a notification destination.

        It sends once, even to an item that is inactive, and never deactivates one.

        Raises:
            ErrorResponse: 404, there is no such item; 400, the target did not respond.
            ValueError: the body is invalid.
        """
        item = self._backend.collections[resource].find(_TestBody.from_json(body).id, environment_id)
        outcome: Delivery | Notification
        if isinstance(item, NotificationDestination):
            outcome = await self._notify(item, None, "This is a test notification.")
        else:
            outcome = await self._deliver(item, self._new_event("test", {"foo": "bar"}), {}, max_retries=0)
        if outcome.status is None and not outcome.ok:
            raise ErrorResponse(400, f"The test event could not be delivered: {outcome.reason}")
        return {"success": outcome.ok}

    async def publish(
        self, environment_id: str, event_type: str, payload: Any, files: Mapping[str, str]
    ) -> list[Delivery]:
        """Delivers an event to every subscribed webhook of the environment; returns after the last delivery.

        Files are content by name. With files a delivery is multipart; Truto does not document the names of its fields.
        """
        event = self._new_event(event_type, payload)
        has_own_ids = self._backend.settings.event_id == "per_webhook"

        async def deliver(webhook: Webhook) -> Delivery:
            own_event = {**event, "id": str(uuid.uuid4())} if has_own_ids else event
            delivery = await self._deliver(webhook, own_event, files, max_retries=_MAX_RETRIES)
            if self._webhooks.record_delivery(webhook.id, ok=delivery.ok):
                await self._notify_all(webhook)
            return delivery

        webhooks = self._webhooks.items(environment_id)
        return await asyncio.gather(*(deliver(webhook) for webhook in webhooks if webhook.receives(event_type)))

    def _new_event(self, event_type: str, payload: Any) -> Json:
        """The part of the message that is the same for all webhooks."""
        created_at = self._backend.timestamp(self._backend.clock.now())
        return {"id": str(uuid.uuid4()), "event": event_type, "payload": payload, "created_at": created_at}

    async def _deliver(self, webhook: Webhook, event: Json, files: Mapping[str, str], *, max_retries: int) -> Delivery:
        settings = self._backend.settings
        message = json.dumps({**event, "environment_id": webhook.environment_id, "webhook_id": webhook.id})
        body, content_type = message.encode(), "application/json"
        if files:
            parts = {name: (name, content) for name, content in files.items()}
            body, content_type = encode_multipart_formdata({"event": message, **parts})
        signature = sign(body, webhook.secret, encoding=settings.digest)
        headers = {"Content-Type": content_type, "User-Agent": "truto", HEADER: signature}
        for attempt in range(max_retries + 1):
            if attempt:
                await asyncio.sleep(settings.retry_backoff_seconds * 2 ** (attempt - 1))
            status, reason = await self._post(webhook.target_url, body, headers, DELIVERY)
            # Truto's guide names 4xx and 5xx for retries. A redirect is neither followed nor retried.
            if reason == _NOT_LOOPBACK or (status is not None and status < 400):
                break
        delivery = Delivery(
            id=event["id"],
            webhook_id=webhook.id,
            event=event["event"],
            attempts=attempt + 1,
            status=status,
            ok=_is_success(status),
            reason=reason,
            environment_id=webhook.environment_id,
            created_at=self._backend.clock.now(),
            signature=signature,
        )
        self.deliveries.add(delivery)
        return delivery

    async def _notify_all(self, webhook: Webhook) -> None:
        """Notifies the active destinations, whatever their event types: Truto documents no event type for this."""
        text = f"Webhook {webhook.id} was switched off because its deliveries kept failing."
        destinations = self._backend.notification_destinations.items(webhook.environment_id)
        await asyncio.gather(*(self._notify(item, webhook.id, text) for item in destinations if item.is_active))

    async def _notify(self, destination: NotificationDestination, webhook_id: str | None, text: str) -> Notification:
        url = str(destination.config.get("webhook_url", ""))  # an e-mail destination has none
        headers = {"Content-Type": "application/json"}
        status, reason = await self._post(url, json.dumps({"text": text}).encode(), headers)
        is_ok = reason == _NOT_LOOPBACK or _is_success(status)
        notification = Notification(destination.id, webhook_id, text, self._backend.clock.now(), status, is_ok, reason)
        self.notifications.add(notification)
        return notification

    async def _post(
        self, target_url: str, body: bytes, headers: dict[str, str], operation: str = ""
    ) -> tuple[int | None, str | None]:
        """Makes one attempt, under the faults of an operation.

        Returns:
            The status, or None and the reason why there was no response.
        """
        timeout_seconds = self._backend.settings.delivery_timeout_seconds
        try:
            url = URL(target_url)
            # Checked on the object that aiohttp connects to: a second URL parser could find another host.
            if not is_loopback(url.host):
                return None, _NOT_LOOPBACK
            fault = self._faults.take(operation) if operation else None
            if fault is not None and fault.kind == "status":
                return fault.status or 503, None
            if fault is not None and fault.kind == "close":
                return None, "the target refused the connection"
            if fault is not None:
                await asyncio.sleep(min(fault.seconds, timeout_seconds))
                if fault.seconds >= timeout_seconds:
                    raise asyncio.TimeoutError
            # A separate session, so that deliveries do not affect each other. Proxy variables are ignored.
            # ssl=False: a receiver on this machine has a self-signed certificate, if any.
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_seconds), trust_env=False) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False, ssl=False) as response,
            ):
                return response.status, None
        except asyncio.TimeoutError:
            return None, "the target did not respond in time"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return None, f"{type(error).__name__}: {error}"


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
