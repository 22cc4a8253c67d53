"""TLS, certificates and the proxies of the environment."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_truto.errors import ConfigurationError, ConnectError, InvalidResponseError, TransportError, TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.certificates import REMOTE_ALIAS, write_self_signed_certificate
from tests.support.clients import BODY, TOKEN, assert_duration, assert_list_fails, client_for, client_of
from tests.support.raw_servers import Responder, drip, empty_page, http_response, raw_server, tunnel_to

#: Starts a proxy for https:// URLs that responds to CONNECT with the given responder.
StartProxy = Callable[[Responder], contextlib.AbstractContextManager[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a self-signed certificate and its key."""
    return write_self_signed_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same certificate, trusted by clients of servers that are not on loopback."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return certificate


@pytest.fixture(params=["http", "https"])
def https_proxy(
    request: pytest.FixtureRequest,
    trusted_certificate: Path,
    no_proxies: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> StartProxy:
    """A proxy for https:// URLs, reached without TLS and with it."""

    @contextlib.contextmanager
    def start(respond: Responder) -> Iterator[None]:
        scheme = request.param
        with raw_server(respond, trusted_certificate if scheme == "https" else None) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://localhost:{port}")
            yield

    return start


# TLS -------------------------------------------------------------------------------------------------------


def test_untrusted_certificate_ends_the_call(certificate: Path) -> None:
    """With an untrusted certificate the token is not sent, and the error names the certificate and the setting."""
    heads: list[bytes] = []
    with raw_server(lambda _, head: heads.append(head), certificate) as port:
        for host in ("127.0.0.1", "localhost"):
            message = str(assert_list_fails(client_for(f"https://{host}:{port}"), ConnectError))
            assert "the certificate" in message
            assert "self-signed" in message.replace("self signed", "self-signed")
            assert "REQUESTS_CA_BUNDLE" in message
    assert heads == []


@pytest.mark.usefixtures("no_proxies")
def test_connection_with_trusted_certificate(trusted_certificate: Path) -> None:
    """Over TLS the connection is reused, and the read timeout ends a slow response."""
    connections: set[socket.socket] = set()
    heads: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        connections.add(connection)
        heads.append(head)
        if len(heads) <= 3:
            connection.sendall(http_response(empty_page()))
        else:
            drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")

    with raw_server(respond, trusted_certificate) as port:
        client = client_for(f"https://{REMOTE_ALIAS}:{port}", read_seconds=0.5)
        for _ in range(3):
            assert client.webhooks.list_page().result == []
        assert len(connections) == 1
        assert f"Authorization: Bearer {TOKEN}\r\n".encode() in heads[0]
        with assert_duration(maximum=5):
            assert_list_fails(client, TransportError)


def test_https_to_an_http_server_sends_nothing(sandbox: Sandbox) -> None:
    """With https:// in place of http:// in the base URL, a create is certainly not sent."""
    with pytest.raises(TrutoError) as error_info:
        client_for(sandbox.base_url.replace("http:", "https:"), sandbox.token).webhooks.create(BODY)
    assert not error_info.value.may_have_succeeded
    assert sandbox.calls == []


# The environment -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_ignores_proxies(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The sandbox is reached without a proxy, whichever variable names one."""
    with Sandbox() as proxy:
        monkeypatch.setenv(variable, proxy.base_url)
        client_of(sandbox).webhooks.list_page()
        assert (sandbox.count(), proxy.count()) == (1, 0)


def test_remote_api_is_reached_through_the_proxy(http_proxy: Sandbox) -> None:
    """An API that is not on loopback is reached through the proxy of the environment."""
    client_for("http://truto.invalid", http_proxy.token).webhooks.list_page()
    assert http_proxy.count("list") == 1


def test_limits_apply_behind_a_proxy(http_proxy: Sandbox) -> None:
    """Behind a proxy, the read timeout and the maximum size apply too."""
    http_proxy.inject("slow_drip", "list", times=0, seconds=0.05)
    client = client_for("http://truto.invalid", http_proxy.token, read_seconds=0.3)
    assert_list_fails(client, TransportError)
    http_proxy.faults.clear()
    http_proxy.inject("response", "list", body=empty_page(padding=2000).decode())
    client = client_for("http://truto.invalid", http_proxy.token, max_body_bytes=1000)
    assert_list_fails(client, InvalidResponseError)


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize("host", ["127.0.0.1", REMOTE_ALIAS])
def test_netrc_does_not_override_the_token(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    """An entry in ~/.netrc for the API's host does not replace the token."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {host}\nlogin user\npassword hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    port = sandbox.base_url.rpartition(":")[2]
    client_for(f"http://{host}:{port}", sandbox.token).webhooks.list_page()
    assert sandbox.calls[0].environment_id == sandbox.environment_id


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize(
    ("proxy_url", "reason"),
    [
        ("http://proxy.invalid:port", "or the URL of the proxy in the environment, has a host that cannot exist"),
        ("socks5h://127.0.0.1:1080", "SOCKS proxy, which is not supported"),
    ],
)
def test_unusable_proxy_is_named_in_the_error(monkeypatch: pytest.MonkeyPatch, proxy_url: str, reason: str) -> None:
    """The error for a proxy that cannot work names the proxy as the cause."""
    monkeypatch.setenv("HTTPS_PROXY", proxy_url)
    with pytest.raises(ConfigurationError, match=reason):
        client_for("https://truto.invalid").webhooks.list_page()


# CONNECT ---------------------------------------------------------------------------------------------------


def test_connection_through_a_proxy(https_proxy: StartProxy, certificate: Path) -> None:
    """Through a proxy requests succeed, and the read timeout ends a slow response."""
    heads: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        if len(heads) <= 3:
            connection.sendall(http_response(empty_page()))
        else:
            drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")

    with raw_server(respond, certificate) as port, https_proxy(tunnel_to(port)):
        client = client_for(f"https://{REMOTE_ALIAS}:{port}", read_seconds=0.5)
        for _ in range(3):
            assert client.webhooks.list_page().result == []
        assert f"Authorization: Bearer {TOKEN}\r\n".encode() in heads[0]
        with assert_duration(minimum=0.5, maximum=10):
            assert_list_fails(client, TransportError)


@pytest.mark.parametrize("status", [403, 407, 502])
def test_proxy_that_refuses_connect_sends_nothing(https_proxy: StartProxy, status: int) -> None:
    """If a proxy refuses CONNECT, the error shows the proxy's status, and a create was certainly not sent."""

    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(f"HTTP/1.1 {status} Not now\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_RDWR)

    with https_proxy(respond):
        with pytest.raises(ConnectError, match=f"{status} Not now.*nothing was sent") as error_info:
            client_for("https://truto.invalid").webhooks.create(BODY)
        assert not error_info.value.may_have_succeeded
