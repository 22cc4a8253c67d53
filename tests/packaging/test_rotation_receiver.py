"""The receiver of the rotation example handles each event once, with several webhooks and secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.rotation import Rotation, start_receiver


@contextmanager
def two_webhooks(folder: Path, *options: str, **settings: Any) -> Iterator[Rotation]:
    """Runs a receiver that has the secrets of two active webhooks, without a stack.

    Args:
        folder: A copy of the example.
        *options: Options of the receiver.
        **settings: Settings of the sandbox.
    """
    with Sandbox(**settings) as sandbox, start_receiver(folder, *options) as receiver:
        body = {"target_url": receiver.url}
        webhooks = [sandbox.backend.create(sandbox.environment_id, body) for _ in range(2)]
        (folder / "secrets.json").write_text(json.dumps([webhook["secret"] for webhook in webhooks]))
        yield Rotation(folder, sandbox, None, receiver)


@pytest.mark.parametrize(("options", "times"), [((), 2), (("--compare-content",), 1)])
def test_event_with_two_ids_is_handled_twice(rotation_example: Path, options: tuple[str, ...], times: int) -> None:
    """If Truto gives an event a different id for each webhook, it is handled twice, or once with --compare-content."""
    with two_webhooks(rotation_example, *options, event_id="per_webhook") as rotation:
        for _ in range(3):
            assert rotation.send() == 2
        assert rotation.times_handled == {times: 3}


def test_equal_events_of_one_webhook_are_handled_separately(rotation_example: Path) -> None:
    """With --compare-content, the receiver still handles two equal events from the same webhook."""
    with two_webhooks(rotation_example, "--compare-content") as rotation:
        rotation.sandbox.backend.remove(rotation.sandbox.backend.webhooks()[0].id)
        for _ in range(2):
            rotation.events.clear()  # The payload is the number of events, so both events are equal.
            rotation.send()
        assert rotation.receiver.count("handled") == 2


def test_receiver_without_secrets_refuses_events(rotation_example: Path) -> None:
    """Before the first hand-over, the receiver refuses every event."""
    with two_webhooks(rotation_example) as rotation:
        (rotation_example / "secrets.json").unlink()
        rotation.send()
        assert rotation.times_handled == {0: 1}
        assert {line["reason"] for line in rotation.receiver.log} == {
            "no secret was given to verify the signature with"
        }
