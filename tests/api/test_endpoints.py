"""The requests and results of the client's methods, against a sandbox over real sockets."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from datetime import datetime

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.config import Settings
from pulumi_truto.errors import BadRequestError, ConfigurationError, InvalidResponseError, NotFoundError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, MISSING_ID, URL, client_of
from tests.support.commands import run
from tests.support.raw_servers import http_response, raw_server


def test_create_sends_the_body_and_returns_the_webhook_with_its_secret(sandbox: Sandbox) -> None:
    """A create sends exactly its body and returns the new webhook, including the secret."""
    webhook = client_of(sandbox).webhooks.create(BODY)
    (created,) = sandbox.backend.webhooks()
    assert (webhook.id, webhook.secret) == (created.id, created.secret)
    assert webhook.environment_id == sandbox.environment_id
    assert (webhook.target_url, webhook.event_types, webhook.is_active) == (URL, ["record:created"], True)
    assert webhook.created_at is not None
    (call,) = sandbox.calls
    assert (call.method, call.path, call.body) == ("POST", "/webhook", BODY)


@pytest.mark.parametrize("empty_event_types_as", ["empty", "null", "absent"])
def test_get_returns_the_webhook_without_its_secret(empty_event_types_as: str) -> None:
    """A read returns the webhook without its secret, in whichever form Truto shows "every event"."""
    with Sandbox(empty_event_types_as=empty_event_types_as) as sandbox:
        client = client_of(sandbox)
        created = client.webhooks.create({"target_url": URL})
        webhook = client.webhooks.get(created.id)
    assert webhook.id == created.id
    assert not hasattr(webhook, "secret")
    assert not webhook.event_types


@pytest.mark.parametrize("timestamp_format", ["iso", "space"])
def test_both_time_formats_are_understood(timestamp_format: str) -> None:
    """Both of Truto's time formats give the right time."""
    with Sandbox(timestamp_format=timestamp_format) as sandbox:
        webhook = client_of(sandbox).webhooks.create(BODY)
        created_at = sandbox.backend.webhooks()[0].created_at
    assert webhook.created_at is not None
    assert abs((datetime.fromisoformat(webhook.created_at.replace("Z", "+00:00")) - created_at).total_seconds()) <= 1


def test_update_sends_only_its_body(sandbox: Sandbox) -> None:
    """An update sends exactly its body and leaves all other properties unchanged."""
    client = client_of(sandbox)
    created = client.webhooks.create(BODY)
    webhook = client.webhooks.update(created.id, {"is_active": False})
    assert (webhook.is_active, webhook.target_url, webhook.event_types) == (False, URL, ["record:created"])
    assert (sandbox.calls[-1].method, sandbox.calls[-1].body) == ("PATCH", {"is_active": False})


@pytest.mark.parametrize(("delete_response", "status"), [("object", 200), ("no_content", 204)])
def test_delete_accepts_both_responses(delete_response: str, status: int) -> None:
    """A delete succeeds with a 200 and with a 204, and the connection stays usable."""
    with Sandbox(delete_response=delete_response) as sandbox:
        client = client_of(sandbox)
        for _ in range(3):
            client.webhooks.delete(client.webhooks.create(BODY).id)
        assert sandbox.backend.webhooks() == []
        assert {call.status for call in sandbox.calls if call.operation == "delete"} == {status}
        assert sandbox.connections == 1


@pytest.mark.parametrize(("status", "success"), [(200, True), (500, False)])
def test_test_webhook_returns_whether_the_event_was_accepted(sandbox: Sandbox, status: int, success: bool) -> None:
    """A test returns whether the receiver accepted the test event."""
    with raw_server(lambda connection, _: connection.sendall(http_response(b"", status=status))) as port:
        client = client_of(sandbox)
        created = client.webhooks.create({"target_url": f"http://127.0.0.1:{port}/"})
        assert client.test_webhook(created.id) is success
    assert sandbox.calls[-1].body == {"id": created.id}


def test_test_of_an_unreachable_receiver_shows_the_reason(sandbox: Sandbox) -> None:
    """If the receiver does not respond at all, the error contains Truto's message."""
    client = client_of(sandbox)
    created = client.webhooks.create(BODY)
    with pytest.raises(BadRequestError, match="could not be delivered"):
        client.test_webhook(created.id)


def test_missing_webhook_is_a_not_found_error(sandbox: Sandbox) -> None:
    """For a webhook that does not exist, every method names its attempt and the 404."""
    client = client_of(sandbox)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: client.webhooks.get(MISSING_ID), "read"),
        (lambda: client.webhooks.update(MISSING_ID, {"is_active": True}), "update"),
        (lambda: client.webhooks.delete(MISSING_ID), "delete"),
        (lambda: client.test_webhook(MISSING_ID), "test"),
    ]
    for call, verb in calls:
        with pytest.raises(NotFoundError, match=f"^cannot {verb} webhook {MISSING_ID}: Truto returned 404"):
            call()


def test_unknown_fields_are_ignored(sandbox: Sandbox) -> None:
    """A new field in a response is not an error on any endpoint."""
    sandbox.inject("extra_fields", times=0)
    client = client_of(sandbox)
    created = client.webhooks.create(BODY)
    assert created.secret == sandbox.backend.webhooks()[0].secret
    assert (
        client.webhooks.get(created.id).id == client.webhooks.update(created.id, {"is_active": True}).id == created.id
    )
    assert [webhook.id for webhook in client.webhooks.iter_items()] == [created.id]
    client.webhooks.delete(created.id)


def test_response_about_another_webhook_is_rejected(sandbox: Sandbox) -> None:
    """A response with the id of another webhook is an error."""
    client = client_of(sandbox)
    created = client.webhooks.create(BODY)
    sandbox.inject("other_id", times=0)
    with pytest.raises(InvalidResponseError, match="about another webhook"):
        client.webhooks.get(created.id)
    with pytest.raises(InvalidResponseError, match="about another webhook"):
        client.webhooks.update(created.id, {"is_active": False})


# Requests that are not sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id_", ["", ".", "..", "../token", "a/b", "a?b", "a#b", "a%2Fb", "a b", "a\nb", "x" * 129, "\u00e9"]
)
def test_invalid_id_is_rejected_before_a_request(sandbox: Sandbox, id_: str) -> None:
    """A string that is not an id is never put into a path, where it could reach another endpoint."""
    client = client_of(sandbox)
    calls: list[Callable[[], object]] = [
        lambda: client.webhooks.get(id_),
        lambda: client.webhooks.update(id_, {}),
        lambda: client.webhooks.delete(id_),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError) as error_info:
            call()
        assert len(str(error_info.value).splitlines()) == 1
    assert sandbox.calls == []


def test_invalid_settings_are_rejected() -> None:
    """A client with invalid settings cannot be created, and the error lists everything that is wrong."""
    with pytest.raises(ConfigurationError, match="no token; no URL"):
        TrutoClient(Settings(api_token="", errors=("no token", "no URL")))


def test_broken_installation_is_detected_before_a_request(sandbox: Sandbox) -> None:
    """If pydantic cannot be imported, no create is sent, because its response could not be parsed."""
    code = """
        import sys
        sys.modules["pydantic_core._pydantic_core"] = None  # as if compiled for another Python version
        from pulumi_truto.session import connect
        from pulumi_truto.config import Settings
        try:
            connect(Settings(*sys.argv[1:]), print).webhooks.create({"target_url": "https://hooks.example.com/"})
        except Exception as error:
            print(type(error).__name__, error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), sandbox.token, sandbox.base_url]
    output = run(*command).stdout
    assert output.startswith("ConfigurationError nothing was sent")
    assert "pydantic" in output
    assert sandbox.count() == 0
