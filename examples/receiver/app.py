"""Receives Truto's events: verifies each delivery, rejects replays, and processes each event once.

    pip install -r requirements.txt
    WEBHOOK_SECRETS='["..."]' uvicorn app:app --port 8080

``WEBHOOK_SECRETS`` is a JSON list, so that two secrets are accepted while one replaces the other.
"""

import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import Any, cast

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from starlette.formparsers import MultiPartException, MultiPartParser

from pulumi_truto import signature

MAX_BODY_BYTES = 10 * 1024 * 1024
#: Older deliveries are replays. Truto retries for less than a minute.
MAX_AGE_SECONDS = 300

Event = dict[str, Any]

app = FastAPI()
log = logging.getLogger("uvicorn.error")


class ReceivedEvents:
    """The ids of the events that were received, as long as a replay could pass the check of its age.

    One process keeps them in memory. Several processes need a table with a unique column instead.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._received: OrderedDict[str, float] = OrderedDict()  # oldest first

    def add(self, event_id: str) -> bool:
        """Remembers an event; whether it is new."""
        now = time.monotonic()
        while self._received and next(iter(self._received.values())) < now - self._seconds:
            self._received.popitem(last=False)
        if event_id in self._received:
            return False
        self._received[event_id] = now
        return True


#: A delivery may be in the future by the tolerance, and is accepted until it is too old by the tolerance.
received = ReceivedEvents(2 * MAX_AGE_SECONDS)


@app.post("/truto")
async def receive(request: Request, background: BackgroundTasks) -> dict[str, str]:
    """Responds at once, and processes a new event afterwards: Truto retries a slow receiver."""
    body = await _read(request)
    try:
        signature.verify(body, request.headers, json.loads(os.environ["WEBHOOK_SECRETS"]))
        event = await _parse(request, body)
        signature.verify_age(event.get("created_at"), tolerance_seconds=MAX_AGE_SECONDS)
    except signature.SignatureError as error:
        log.warning("rejected a delivery: %s", error)
        raise HTTPException(401, str(error)) from None
    if not received.add(str(event["id"])):
        return {"status": "duplicate"}  # 2xx, or Truto would retry
    background.add_task(process, event)
    return {"status": "accepted"}


def process(event: Event) -> None:
    """Your work. The payload can contain personal data, so it is not logged."""
    log.info("processed %s %s", event["event"], event["id"])


async def _read(request: Request) -> bytes:
    """The raw body: the signature is over these bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _parse(request: Request, body: bytes) -> Event:
    """The event, from JSON or from the field of a multipart delivery that contains it."""
    try:
        if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
            return _event(body)

        async def stream() -> AsyncGenerator[bytes, None]:
            yield body

        form = await MultiPartParser(request.headers, stream()).parse()
        # Truto's documentation does not name the field.
        for value in form.values():
            if isinstance(value, str) and value.startswith("{"):
                return _event(value)
    except (ValueError, MultiPartException):
        pass
    raise HTTPException(400, "the delivery contains no event")


def _event(text: bytes | str) -> Event:
    parsed: object = json.loads(text)
    event = cast(Event, parsed if isinstance(parsed, dict) else {})
    if not event.get("id") or not event.get("event"):
        raise ValueError("not an event")
    return event
