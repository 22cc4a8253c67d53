"""Delivers events to the targets of webhooks as Truto does; it must not import the API's routes or faults.

Only to loopback targets: whatever a webhook says, no packet of the sandbox leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.errors import ApiError
from pulumi_truto.sandbox.models import Json, Webhook
from pulumi_truto.sandbox.validation import is_loopback
from pulumi_truto.signature import HEADER, sign

RETRIES = 3  # after the first attempt, as Truto's guide says
LOOPBACK_ONLY = "the sandbox delivers to loopback only"


@dataclass(frozen=True)
class Delivery:
    """What became of one event for one webhook."""

    id: str
    """The ``id`` in the delivered JSON: the same for every attempt, and for every webhook that receives the event
    unless the setting ``event_id`` says otherwise."""
    webhook_id: str
    event: str
    attempts: int
    status: int | None
    """The status of the receiver's last answer; None where there was none."""
    ok: bool
    reason: str | None
    """Why there was no answer, or that there never could be one."""


class DeliveryWorker:
    """Makes deliveries and keeps a list of them; its coroutines belong to the sandbox's loop."""

    def __init__(self, truto: TrutoBackend) -> None:
        self._backend = truto
        self._lock = threading.Lock()
        self._deliveries: list[Delivery] = []
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Must come before any delivery."""
        # No proxy settings from outside (trust_env), no connection kept: each delivery stands for itself.
        connector = aiohttp.TCPConnector(force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)

    async def close(self) -> None:
        """Gives up the deliveries under way."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries so far, oldest first."""
        with self._lock:
            return [*self._deliveries]

    async def test(self, webhook: Webhook) -> bool:
        """Sends the test event once, even to a webhook that is off. It never counts towards switching it off.

        Returns:
            Whether the receiver answered with 2xx.

        Raises:
            ApiError: 400, the target gave no answer at all.
        """
        delivery = await self._deliver(webhook, self._event("test", {"foo": "bar"}), retries=0)
        if delivery.status is None:
            raise ApiError(400, f"The test event could not be delivered: {delivery.reason}")
        return delivery.ok

    async def publish(self, environment_id: str, event: str, payload: Any) -> list[Delivery]:
        """Delivers an event to every webhook of the environment that wants it; returns when all is done.

        All deliveries carry the event's ``id`` and ``created_at``. Truto's documentation has one `id` for "the webhook
        event" and leaves open whether two webhooks share it: the setting ``event_id="per_webhook"`` gives each its own.
        """
        webhooks = [each for each in self._backend.webhooks() if each.environment_id == environment_id]
        wanted = [webhook for webhook in webhooks if webhook.wants(event)]
        shared = self._event(event, payload)
        own_ids = self._backend.settings.event_id == "per_webhook"
        events = [{**shared, "id": str(uuid.uuid4())} if own_ids else shared for _ in wanted]
        return await asyncio.gather(*map(self._publish, wanted, events))

    def _event(self, event: str, payload: Any) -> Json:
        """What every delivery of an event has in common."""
        created_at = self._backend.timestamp(self._backend.clock.now())
        return {"id": str(uuid.uuid4()), "event": event, "payload": payload, "created_at": created_at}

    async def _publish(self, webhook: Webhook, event: Json) -> Delivery:
        delivery = await self._deliver(webhook, event, retries=RETRIES)
        self._backend.record_delivery(webhook.id, ok=delivery.ok)
        return delivery

    async def _deliver(self, webhook: Webhook, event: Json, *, retries: int) -> Delivery:
        settings = self._backend.settings
        message = {**event, "environment_id": webhook.environment_id, "webhook_id": webhook.id}
        body = json.dumps(message).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "truto",
            HEADER: sign(body, webhook.secret, encoding=settings.digest),
        }
        attempts, status, reason = 0, None, None
        while True:
            attempts += 1
            status, reason = await self._post(webhook.target_url, body, headers)
            # Truto's guide names 4xx and 5xx for retries; a redirect is neither followed nor retried.
            again = reason != LOOPBACK_ONLY and (status is None or status >= 400)
            if not again or attempts > retries:
                break
            await asyncio.sleep(settings.retry_backoff_seconds * 2 ** (attempts - 1))
        ok = status is not None and 200 <= status < 300
        delivery = Delivery(event["id"], webhook.id, event["event"], attempts, status, ok, reason)
        with self._lock:
            self._deliveries.append(delivery)
        return delivery

    async def _post(self, target: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str | None]:
        """One attempt: the status, or None and the reason."""
        assert self._session is not None, "start() comes first"
        try:
            url = URL(target)
            # Asked of the very object that is connected to, so that no two parsers can disagree.
            if not is_loopback(url.host):
                return None, LOOPBACK_ONLY
            timeout = aiohttp.ClientTimeout(total=self._backend.settings.delivery_timeout_seconds)
            # ssl=False: a receiver on this machine has a certificate of its own making, if any.
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False, ssl=False
            ) as response:
                return response.status, None
        except asyncio.TimeoutError:
            return None, "the target did not answer in time"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return None, f"{type(error).__name__}: {error}"
