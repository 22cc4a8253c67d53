"""The API token and secrets never appear in errors, tracebacks, logs or a repr."""

from __future__ import annotations

import http.client
import logging
import traceback

import pytest

from pulumi_truto.errors import AuthenticationError, InvalidResponseError, TrutoError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, TOKEN, assert_list_fails, client_for, client_of
from tests.support.raw_servers import raw_server


def everything_about(error: BaseException) -> str:
    """Everything that a program could print of an error: traceback, message, repr and attributes."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return "".join([*lines, str(error), repr(error), repr(vars(error))])


@pytest.mark.parametrize("echo", ["{}", "token {}!", "Bearer {}", "a\n{}\nb", "x" * 280 + "{}", "{0}{0}"])
def test_token_in_an_error_message_is_redacted(sandbox: Sandbox, echo: str) -> None:
    """If Truto's message contains the token, the error does not show it."""
    sandbox.inject("status", "list", status=401, message=echo.format(sandbox.token))
    error = assert_list_fails(client_of(sandbox), AuthenticationError)
    for size in (len(sandbox.token), 12):
        assert sandbox.token[:size] not in everything_about(error)


def test_token_in_a_redirect_is_redacted(sandbox: Sandbox) -> None:
    """If the target of a redirect contains the token, the error does not show it."""
    sandbox.inject("redirect", "list", headers={"Location": f"https://elsewhere.example/?token={sandbox.token}"})
    error = assert_list_fails(client_of(sandbox), InvalidResponseError)
    assert sandbox.token not in everything_about(error)


def test_token_in_a_status_line_is_redacted() -> None:
    """If a status line contains the token, the error does not show it."""
    response = f"HTTP/1.1 401 No {TOKEN} here\r\nContent-Length: 0\r\n\r\n".encode()
    with raw_server(lambda connection, _: connection.sendall(response)) as port:
        error = assert_list_fails(client_for(f"http://127.0.0.1:{port}"), AuthenticationError)
    assert "No [api token] here" in str(error)
    assert TOKEN not in everything_about(error)


def test_debug_output_behind_a_proxy_does_not_show_the_token(
    http_proxy: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Behind a proxy, http.client's debug output does not show the token."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    client_for("http://truto.invalid", http_proxy.token).webhooks.list_page()
    assert http_proxy.token not in "".join(capfd.readouterr())


def test_logs_do_not_show_the_token_or_a_secret(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With all logging and debug output switched on, neither the token nor a secret is written anywhere."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "pulumi_truto"):
        caplog.set_level(logging.DEBUG, logger=name)
    client = client_of(sandbox, read_seconds=0.3, total_seconds=0.6)
    created = client.webhooks.create(BODY)
    raised_errors: list[TrutoError] = []
    for fault in ("reset", "timeout", "truncated", "html", "rate_limited", "not_json", "redirect", "status"):
        sandbox.inject(fault, times=0, message=sandbox.token, retry_after="3600", seconds=2)
        for call in (
            client.webhooks.list_page,
            lambda: client.webhooks.get(created.id),
            lambda: client.webhooks.create(BODY),
        ):
            with pytest.raises(TrutoError) as error_info:
                call()
            raised_errors.append(error_info.value)
        sandbox.faults.clear()
    written = "".join(capfd.readouterr()) + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    written += "".join(everything_about(error) for error in raised_errors) + repr(client) + str(client)
    assert "urllib3" in written  # logging was on
    assert sandbox.token not in written
    assert not [webhook for webhook in sandbox.backend.webhooks() if webhook.secret in written]


@pytest.mark.parametrize(
    "message",
    [
        "{url} is not reachable",
        "nothing at {path}?{query}",
        "nothing at hooks.example.com{path}",
        "query {query}",
        "decoded https://hooks.example.com/ab/c3/s3cr3t?sig=x y z&k=v1",
        "decoded /ab/c3/s3cr3t?sig=x y z&k=v1",
        "value x y z or x+y+z",
        "segment s3cr3t, or c3",
    ],
)
def test_nothing_after_the_origin_of_a_url_is_shown(sandbox: Sandbox, message: str) -> None:
    """However Truto repeats the webhook's URL or a part of it, an error shows at most its host."""
    path, query = "/ab/c3/s3cr3t", "sig=x+y+z&k=v1"
    url = f"https://hooks.example.com{path}?{query}"
    sandbox.inject("status", "create", status=400, message=message.format(url=url, path=path, query=query))
    with pytest.raises(TrutoError) as error_info:
        client_of(sandbox).webhooks.create({**BODY, "target_url": url})
    for part in (path, query, "s3cr3t", "c3", "x+y+z", "x y z", "/ab"):
        assert part not in str(error_info.value)


def test_an_error_is_no_command_of_a_ci_system(sandbox: Sandbox) -> None:
    """A message of Truto's starts no command of Azure Pipelines, which reads them anywhere in a line."""
    sandbox.inject("status", status=422, message="##vso[task.setvariable variable=PATH]x ##[error]y")
    with pytest.raises(TrutoError) as error_info:
        client_of(sandbox).webhooks.create(BODY)
    assert "vso[task" in str(error_info.value)
    assert "##" not in str(error_info.value)


def test_base_url_with_the_path_of_an_endpoint_is_named(sandbox: Sandbox) -> None:
    """A base URL that ends in /webhook gets a 404 or 405, and the error names the setting."""
    client = client_for(f"{sandbox.base_url}/webhook", sandbox.token)
    with pytest.raises(TrutoError, match="Check truto:baseUrl"):
        client.webhooks.create(BODY)
