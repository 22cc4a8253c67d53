"""Fixtures: sandboxes with special settings, and a receiver of their deliveries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from tests.support.sandbox_client import START, Receiver, running_receiver


@pytest.fixture
def frozen_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock is frozen at `START`."""
    with Sandbox(clock=Clock(START, frozen=True)) as sandbox:
        yield sandbox


@pytest.fixture
def delivery_sandbox() -> Iterator[Sandbox]:
    """A sandbox that retries at once, and deactivates a webhook after three failed deliveries."""
    with Sandbox(retry_backoff_seconds=0.001, deactivate_after=3) as sandbox:
        yield sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of deliveries on loopback."""
    with running_receiver() as receiver:
        yield receiver
