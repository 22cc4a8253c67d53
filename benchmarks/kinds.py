"""The providers that are compared: this one in both of its kinds, the naive one, and one that calls nothing."""

from __future__ import annotations

from typing import Final, Literal

from benchmarks.bare import BareProvider
from benchmarks.naive import NaiveProvider
from pulumi_truto.dynamic import WebhookProvider
from tests.support.provider_process import ENGINE_THREADS, TOKEN, ProviderProcess

__all__ = ["CALLS_PER_CREATE", "THREADS", "Kind", "start"]

Kind = Literal["dynamic", "native", "naive", "bare"]

#: How many operations reach the API at once: `pulumi.dynamic` serves with four threads.
THREADS: Final[dict[Kind, int]] = {"dynamic": 4, "naive": 4, "bare": 4, "native": ENGINE_THREADS}

#: This provider creates a webhook switched off, then switches it on.
CALLS_PER_CREATE: Final[dict[Kind, int]] = {"dynamic": 2, "native": 2, "naive": 1, "bare": 1}

_IMPLEMENTATIONS: Final = {"dynamic": WebhookProvider, "naive": NaiveProvider, "bare": BareProvider}


def start(kind: Kind, base_url: str = "https://truto.invalid") -> ProviderProcess:
    """A process of this provider."""
    if kind == "native":
        return ProviderProcess("native", base_url)
    return ProviderProcess("dynamic", base_url, TOKEN, _IMPLEMENTATIONS[kind]())
