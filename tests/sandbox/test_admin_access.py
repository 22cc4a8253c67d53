"""Who has access to the admin API: programs and web pages of this machine."""

from __future__ import annotations

import socket

import pytest
import requests

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import call_admin_api


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "[", ""])
def test_foreign_host_names_are_rejected(sandbox: Sandbox, host: str) -> None:
    """A web page whose host name was rebound to this machine has no access."""
    response = call_admin_api(sandbox, "GET", "state", Host=host)
    assert response.status_code == 403
    assert sandbox.token not in response.text


@pytest.mark.parametrize("host", ["localhost:1234", "LOCALHOST", "127.0.0.1", "[::1]:80"])
def test_loopback_host_names_are_accepted(sandbox: Sandbox, host: str) -> None:
    """A request with any loopback name or address as its host has access."""
    assert call_admin_api(sandbox, "GET", "state", Host=host).status_code == 200


def test_foreign_web_pages_are_rejected(sandbox: Sandbox) -> None:
    """A web page from elsewhere has no access; a web page from this machine has."""
    fault = {"kind": "reset"}
    for origin in ("https://evil.example", "null"):
        assert call_admin_api(sandbox, "POST", "faults", fault, Origin=origin).status_code == 403
    assert sandbox.faults.pending() == []
    assert call_admin_api(sandbox, "POST", "faults", fault, Origin="http://localhost:3000").status_code == 200


def test_other_machines_are_rejected() -> None:
    """Other machines have access to the API of a sandbox that listens on all addresses, but not to its admin API."""
    with Sandbox(host="0.0.0.0") as sandbox:
        assert call_admin_api(sandbox, "GET", "state").status_code == 200
        address = _external_address()
        if address is None:
            pytest.skip("this machine has no address but loopback")
        base_url = f"http://{address}:{sandbox.base_url.rpartition(':')[2]}"
        rejected = requests.get(base_url + "/__sandbox__/state", headers={"Host": "localhost"}, timeout=10)
        assert rejected.status_code == 403
        authorization = {"Authorization": f"Bearer {sandbox.token}"}
        assert requests.get(base_url + "/webhook", headers=authorization, timeout=10).status_code == 200


def _external_address() -> str | None:
    """An address of this machine other than loopback; found without sending a packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
        return None if address.startswith(("127.", "0.")) else address
