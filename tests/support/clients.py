"""API clients with short waits, and assertions about their calls."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.transport import RequestPolicy
from pulumi_truto.config import Settings
from pulumi_truto.errors import TrutoError
from pulumi_truto.sandbox import Sandbox

URL: Final = "https://hooks.example.com/truto"
BODY: Final[Any] = {"target_url": URL, "event_types": ["record:created"], "is_active": True}
#: The id of no webhook.
MISSING_ID: Final = "00000000-0000-4000-8000-000000000000"
TOKEN: Final = "ttt-the-token"


def client_for(base_url: str, token: str = TOKEN, environment_id: str = "", **policy: Any) -> TrutoClient:
    """A client with short waits between attempts.

    Args:
        base_url: the API.
        token: the API token.
        environment_id: the environment that the settings name.
        **policy: other limits, as fields of `RequestPolicy`.
    """
    defaults = {
        "connect_seconds": 2,
        "read_seconds": 10,
        "total_seconds": 2,
        "backoff_seconds": 0.01,
    }
    settings = Settings(api_token=token, base_url=base_url, environment_id=environment_id)
    return TrutoClient(settings, RequestPolicy(**{**defaults, **policy}))


def client_of(sandbox: Sandbox, **policy: Any) -> TrutoClient:
    """A client of the sandbox's default environment; see `client_for`."""
    return client_for(sandbox.base_url, sandbox.token, **policy)


def assert_list_fails(client: TrutoClient, kind: type[TrutoError]) -> TrutoError:
    """Asserts that a list fails with exactly this kind of error and a one-line message; returns the error."""
    with pytest.raises(TrutoError) as error_info:
        client.webhooks.list_page()
    assert type(error_info.value) is kind
    assert len(str(error_info.value).splitlines()) == 1
    assert str(error_info.value).startswith("cannot list the webhooks")
    return error_info.value


@contextlib.contextmanager
def assert_duration(*, minimum: float = 0.0, maximum: float) -> Iterator[None]:
    """Asserts how many seconds the block takes."""
    started = time.monotonic()
    yield
    assert minimum <= time.monotonic() - started < maximum
