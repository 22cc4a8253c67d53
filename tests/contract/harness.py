"""Runs the suite in tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

import requests

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.models import Webhook
from tests.contract.control import Control
from tests.contract.fact import Fact, Finding
from tests.contract.facts import FACTS
from tests.contract.receiver import running_receiver
from tests.contract.suite import Options, Outcome, verify

__all__ = ["REPOSITORY", "add_foreign_webhooks", "command", "facts_named", "left", "observations", "probe"]

REPOSITORY: Final = Path(__file__).parents[2]


def add_foreign_webhooks(sandbox: Sandbox) -> list[Webhook]:
    """Creates webhooks that are not of the suite, one of them like those of another run; returns all that exist."""
    for body in (
        {"target_url": "https://hooks.example.com/orders", "event_types": ["record:created"]},
        {"target_url": "https://truto-contract.example.com/c0123456789abcdef/0", "is_active": False},
        {"target_url": "https://hooks.example.com/everything", "event_types": []},
    ):
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        requests.post(f"{sandbox.base_url}/webhook", json=body, headers=headers, timeout=20).raise_for_status()
    return sandbox.webhooks()


def facts_named(*names: str) -> tuple[Fact, ...]:
    """The facts with these names, in the order of the suite."""
    assert set(names) <= {fact.name for fact in FACTS}
    return tuple(fact for fact in FACTS if fact.name in names)


def probe(
    sandbox: Sandbox,
    *names: str,
    has_receiver: bool = True,
    control: Control | None = None,
    on_finding: Callable[[Fact, Finding], None] = lambda *_: None,
    **options: Any,
) -> Outcome:
    """Runs the suite in this process, without waits for the rate limit.

    Args:
        sandbox: the API.
        *names: the facts; without any all of them.
        has_receiver: whether there is a receiver on loopback.
        control: stops the run.
        on_finding: called for each fact.
        **options: other fields of `Options`.
    """
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(running_receiver()) if has_receiver else None
        fields = {"base_url": sandbox.base_url, "token": sandbox.token, "settle_seconds": 10.0, **options}
        facts = facts_named(*names) if names else FACTS
        return verify(
            Options(receiver=receiver, facts=facts, **fields),
            control or Control(120, max_requests=100_000),
            on_finding=on_finding,
            say=lambda _: None,
        )


def observations(outcome: Outcome) -> dict[str, Finding]:
    """What was found, by the name of the fact."""
    return {fact.name: finding for fact, finding in outcome.findings}


@contextlib.contextmanager
def command(*arguments: str | Path, sandbox: Sandbox | None = None, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Starts ``python -m tests.contract``, and ends it at the end of the block if it still runs.

    Args:
        *arguments: the arguments.
        sandbox: the API, with its token. Without one neither is set.
        **env: other environment variables.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUTO_")}
    if sandbox is not None:
        environment |= {"TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**environment, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def left(sandbox: Sandbox, foreign: Collection[Webhook]) -> list[str]:
    """The URLs of all webhooks but the foreign ones, and those of foreign ones that are changed or missing."""
    now = sandbox.webhooks()
    return [each.target_url for each in now if each not in foreign] + [
        each.target_url for each in foreign if each not in now
    ]
