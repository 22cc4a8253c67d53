"""Fixtures: the proxy variables of the environment."""

from __future__ import annotations

import pytest

from pulumi_truto.sandbox import Sandbox


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes all proxy variables from the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def http_proxy(sandbox: Sandbox, no_proxies: None, monkeypatch: pytest.MonkeyPatch) -> Sandbox:  # noqa: ARG001
    """A sandbox that is the proxy for http:// URLs. It responds itself, whatever host the client asked for."""
    monkeypatch.setenv("HTTP_PROXY", sandbox.base_url)
    return sandbox
