"""examples/receiver accepts Truto's deliveries, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.signature import HEADER, sign
from tests.support.commands import REPOSITORY
from tests.support.sandbox_client import call_api, create_webhook, expect_success, publish_event

EXAMPLE = REPOSITORY / "examples" / "receiver"


@dataclass
class RunningReceiver:
    """The example as a process, and the webhook that delivers to it."""

    url: str
    secret: str
    log: Path

    def processed(self) -> list[str]:
        """The ids of the events that it has processed: it does that after its response."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line.split("processed ")[1].split()[1] for line in lines if "processed " in line]

    def wait_until_processed(self, event_id: str) -> None:
        """Returns as soon as it has processed this event."""
        deadline = time.monotonic() + 30
        while event_id not in self.processed():
            assert time.monotonic() < deadline, self.log.read_text(encoding="utf-8")
            time.sleep(0.02)

    def post(self, event: dict[str, Any], **changes: Any) -> requests.Response:
        """Posts a delivery, correctly signed unless `changes` says otherwise."""
        body = changes.get("body", json.dumps(event).encode())
        headers = {
            "Content-Type": changes.get("content_type", "application/json"),
            HEADER: changes.get("header", sign(body, self.secret)),
        }
        return requests.post(self.url, data=body, headers=headers, timeout=30)


def new_event(**fields: Any) -> dict[str, Any]:
    """An event of now."""
    created_at = datetime.now(timezone.utc).isoformat()
    return {"id": os.urandom(8).hex(), "event": "record:created", "payload": {}, "created_at": created_at, **fields}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """The receiver, as uvicorn runs it, with two secrets as during a rotation."""
    log = tmp_path_factory.mktemp("receiver") / "log"
    secret = "the-new-secret"
    env = {**os.environ, "WEBHOOK_SECRETS": json.dumps(["the-old-secret", secret]), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", "0"]
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=EXAMPLE, env=env, stdout=stream, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while "running on http" not in log.read_text(encoding="utf-8"):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.05)
            address = log.read_text(encoding="utf-8").split("running on ")[1].split()[0]
            yield RunningReceiver(f"{address}/truto", secret, log)
        finally:
            process.terminate()
            process.wait()


def test_deliveries_of_truto_are_processed(receiver: RunningReceiver) -> None:
    """The test event, JSON deliveries and multipart deliveries of a webhook are accepted and processed."""
    with Sandbox() as sandbox:
        webhook = create_webhook(sandbox, target_url=receiver.url)
        sandbox.backend.edit(webhook["id"], {"secret": receiver.secret})
        tested = call_api(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]})
        assert expect_success(tested) == {"success": True}
        receiver.wait_until_processed(sandbox.deliveries[-1].id)
        for files in ({}, {"invoice.txt": "to pay"}):
            (delivery,) = publish_event(sandbox, files=files)
            assert (delivery["attempts"], delivery["status"]) == (1, 200)
            receiver.wait_until_processed(delivery["id"])


def test_both_secrets_are_accepted(receiver: RunningReceiver) -> None:
    """While one secret replaces another, deliveries with either are accepted."""
    event = new_event()
    body = json.dumps(event).encode()
    assert receiver.post(event, header=sign(body, "the-old-secret")).status_code == 200
    assert receiver.post(new_event()).status_code == 200


@pytest.mark.parametrize("header", ["", "format=sha256,v=00", sign(b"{}", "the-new-secret"), sign(b"{}", "another")])
def test_forged_deliveries_are_rejected(receiver: RunningReceiver, header: str) -> None:
    """A delivery without a valid signature is a 401, and is not processed."""
    forged, valid = new_event(), new_event()
    assert receiver.post(forged, header=header).status_code == 401
    assert receiver.post(valid).status_code == 200
    receiver.wait_until_processed(valid["id"])
    assert forged["id"] not in receiver.processed()


def test_a_changed_body_is_rejected(receiver: RunningReceiver) -> None:
    """The signature covers every byte of the body."""
    body = json.dumps(new_event()).encode()
    response = receiver.post({}, body=body + b" ", header=sign(body, receiver.secret))
    assert response.status_code == 401


@pytest.mark.parametrize("minutes", [-60, -6, 6])
def test_old_deliveries_are_rejected(receiver: RunningReceiver, minutes: int) -> None:
    """A delivery that is older than five minutes, or from the future, may be a replay."""
    created_at = (datetime.now(timezone.utc) + timedelta(minutes=minutes)).isoformat()
    response = receiver.post(new_event(created_at=created_at))
    assert response.status_code == 401
    assert "replay" in response.text or "in the future" in response.text


def test_repeated_deliveries_are_processed_once(receiver: RunningReceiver) -> None:
    """A delivery that is repeated gets a 2xx because Truto would retry, and is not processed again."""
    event, second_event = new_event(), new_event()
    assert receiver.post(event).json() == {"status": "accepted"}
    assert receiver.post(event).json() == {"status": "duplicate"}
    receiver.post(second_event)
    receiver.wait_until_processed(second_event["id"])
    receiver.wait_until_processed(event["id"])
    assert receiver.processed().count(event["id"]) == 1


def test_huge_deliveries_are_rejected(receiver: RunningReceiver) -> None:
    """A body over the limit is a 413, and the receiver goes on."""
    body = json.dumps(new_event(payload="x" * (10 * 1024 * 1024))).encode()
    assert receiver.post({}, body=body).status_code == 413
    assert receiver.post(new_event()).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"not json", "application/json"),
        (b"[]", "application/json"),
        (b'{"event": "x"}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ],
)
def test_signed_nonsense_is_a_bad_request(receiver: RunningReceiver, body: bytes, content_type: str) -> None:
    """A signed body without an event is a 400, and the receiver goes on."""
    assert receiver.post({}, body=body, content_type=content_type).status_code == 400
    assert receiver.post(new_event()).status_code == 200
