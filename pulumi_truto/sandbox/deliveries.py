"""Delivers events to the targets of webhooks, as Truto does.

It only delivers to loopback: whatever the target URL is, no packet of the sandbox leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from urllib3.filepost import encode_multipart_formdata
from yarl import URL

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.faults import DELIVERY, FaultPlan
from pulumi_truto.sandbox.validation import is_loopback
from pulumi_truto.sandbox.webhooks import Json, Webhook
from pulumi_truto.signature import HEADER, sign

__all__ = ["Delivery", "DeliveryWorker"]

_MAX_RETRIES = 3  # after the first attempt, according to Truto's guide
#: The newest deliveries are kept, so that a sandbox can run for weeks.
_MAX_DELIVERIES = 10_000
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


class DeliveryWorker:
    """Makes deliveries and records them. Its coroutines run on the sandbox's event loop."""

    def __init__(self, backend: TrutoBackend, faults: FaultPlan) -> None:
        self._backend = backend
        self._faults = faults
        self._lock = threading.Lock()
        self._deliveries: deque[Delivery] = deque(maxlen=_MAX_DELIVERIES)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Opens the HTTP session. Call it before any delivery."""
        # Proxy variables are ignored and no connection is kept open, so that deliveries do not affect each other.
        connector = aiohttp.TCPConnector(force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)

    async def close(self) -> None:
        """Closes the HTTP session. Deliveries in flight fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def deliveries(self) -> list[Delivery]:
        """The completed deliveries, oldest first; of many only the newest."""
        with self._lock:
            return [*self._deliveries]

    async def send_test_event(self, webhook: Webhook) -> bool:
        """Sends the test event once, even to an inactive webhook. A failure never deactivates the webhook.

        Returns:
            Whether the target responded with 2xx.

        Raises:
            ApiError: 400, the target did not respond.
        """
        delivery = await self._deliver(webhook, self._new_event("test", {"foo": "bar"}), None, max_retries=0)
        if delivery.status is None:
            raise ApiError(400, f"The test event could not be delivered: {delivery.reason}")
        return delivery.ok

    async def publish(
        self, environment_id: str, event_type: str, payload: Any, files: Mapping[str, str] | None = None
    ) -> list[Delivery]:
        """Delivers an event to every subscribed webhook of the environment; returns after the last delivery.

        All deliveries have the event's ``id`` and ``created_at``. With the setting ``event_id="per_webhook"`` each has
        an ``id`` of its own; see `pulumi_truto.sandbox.settings.SandboxSettings.event_id`.

        Args:
            environment_id: the environment.
            event_type: the event type.
            payload: the payload.
            files: content by name. With files a delivery is multipart; Truto does not document the names of its fields.
        """
        webhooks = [webhook for webhook in self._backend.webhooks() if webhook.environment_id == environment_id]
        receivers = [webhook for webhook in webhooks if webhook.receives(event_type)]
        event = self._new_event(event_type, payload)
        per_webhook = self._backend.settings.event_id == "per_webhook"
        events = [{**event, "id": str(uuid.uuid4())} if per_webhook else event for _ in receivers]
        return await asyncio.gather(
            *(self._deliver_and_count(webhook, each, files) for webhook, each in zip(receivers, events, strict=True))
        )

    def _new_event(self, event_type: str, payload: Any) -> Json:
        """The part of the message that is the same for all webhooks."""
        created_at = self._backend.timestamp(self._backend.clock.now())
        return {"id": str(uuid.uuid4()), "event": event_type, "payload": payload, "created_at": created_at}

    async def _deliver_and_count(self, webhook: Webhook, event: Json, files: Mapping[str, str] | None) -> Delivery:
        delivery = await self._deliver(webhook, event, files, max_retries=_MAX_RETRIES)
        self._backend.record_delivery(webhook.id, ok=delivery.ok)
        return delivery

    async def _deliver(
        self, webhook: Webhook, event: Json, files: Mapping[str, str] | None, *, max_retries: int
    ) -> Delivery:
        body, headers = self._build_request(webhook, event, files)
        backoff_seconds = self._backend.settings.retry_backoff_seconds
        attempts = 0
        while True:
            attempts += 1
            status, reason = await self._post(webhook.target_url, body, headers)
            if attempts > max_retries or not _is_retryable(status, reason):
                break
            await asyncio.sleep(backoff_seconds * 2 ** (attempts - 1))
        ok = status is not None and 200 <= status < 300
        delivery = Delivery(
            event["id"],
            webhook.id,
            event["event"],
            attempts,
            status,
            ok,
            reason,
            webhook.environment_id,
            self._backend.clock.now(),
            headers[HEADER],
        )
        with self._lock:
            self._deliveries.append(delivery)
        return delivery

    def _build_request(
        self, webhook: Webhook, event: Json, files: Mapping[str, str] | None
    ) -> tuple[bytes, dict[str, str]]:
        """Returns the body and the headers, which are the same for every attempt."""
        message = {**event, "environment_id": webhook.environment_id, "webhook_id": webhook.id}
        body, content_type = json.dumps(message).encode(), "application/json"
        if files:
            parts = {name: (name, content) for name, content in files.items()}
            body, content_type = encode_multipart_formdata({"event": json.dumps(message), **parts})
        signature = sign(body, webhook.secret, encoding=self._backend.settings.digest)
        return body, {"Content-Type": content_type, "User-Agent": "truto", HEADER: signature}

    async def _post(self, target_url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str | None]:
        """Makes one attempt. Returns the status, or None and the reason why there was no response."""
        assert self._session is not None, "start() comes first"
        try:
            url = URL(target_url)
            # Checked on the object that aiohttp connects to: a second URL parser could find another host.
            if not is_loopback(url.host):
                return None, _NOT_LOOPBACK
            fault = self._faults.take(DELIVERY)
            if fault is not None and fault.kind == "status":
                return fault.status or 503, None
            if fault is not None and fault.kind == "close":
                return None, "the target refused the connection"
            timeout_seconds = self._backend.settings.delivery_timeout_seconds
            if fault is not None:
                await asyncio.sleep(min(fault.seconds, timeout_seconds))
                if fault.seconds >= timeout_seconds:
                    raise asyncio.TimeoutError
            timeout = aiohttp.ClientTimeout(total=timeout_seconds)
            # ssl=False: a receiver on this machine has a self-signed certificate, if any.
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False, ssl=False
            ) as response:
                return response.status, None
        except asyncio.TimeoutError:
            return None, "the target did not respond in time"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return None, f"{type(error).__name__}: {error}"


def _is_retryable(status: int | None, reason: str | None) -> bool:
    # Truto's guide names 4xx and 5xx for retries. A redirect is neither followed nor retried.
    return reason != _NOT_LOOPBACK and (status is None or status >= 400)
