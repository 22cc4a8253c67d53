"""Listing webhooks: pages, cursors and invalid items."""

from __future__ import annotations

import socket

import pytest

from pulumi_truto.api.client import TrutoClient
from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.config import Settings
from pulumi_truto.errors import InvalidResponseError, TransportError
from pulumi_truto.sandbox import Sandbox
from tests.support.clients import BODY, MISSING_ID, URL, assert_duration, client_for, client_of
from tests.support.raw_servers import empty_page, http_response, raw_server


def test_list_returns_every_page_in_order(sandbox: Sandbox) -> None:
    """A list contains the webhooks of all pages, in order and each one once."""
    sandbox.backend.change_settings({"page_maximum": 3})
    client = client_of(sandbox)
    created_ids = [client.webhooks.create(BODY).id for _ in range(8)]
    assert [webhook.id for webhook in client.webhooks.iter_items()] == created_ids
    assert sandbox.count("list") == 3
    assert [call.query.get("limit") for call in sandbox.calls if call.operation == "list"] == ["100"] * 3


def test_pages_are_requested_on_demand(sandbox: Sandbox) -> None:
    """A caller that needs only the first webhook causes a request for the first page only."""
    sandbox.backend.change_settings({"page_maximum": 1})
    client = client_of(sandbox)
    created_ids = [client.webhooks.create(BODY).id for _ in range(3)]
    assert next(client.webhooks.iter_items()).id == created_ids[0]
    assert sandbox.count("list") == 1


def test_empty_list(sandbox: Sandbox) -> None:
    """An environment without webhooks has an empty list."""
    assert list(client_of(sandbox).webhooks.iter_items()) == []


@pytest.mark.parametrize("cursor", ["", None])
def test_missing_or_empty_cursor_ends_the_list(sandbox: Sandbox, cursor: str | None) -> None:
    """A null cursor and an empty one both mean the last page."""
    sandbox.inject("response", "list", body={"result": [], "next_cursor": cursor})
    assert list(client_of(sandbox).webhooks.iter_items()) == []
    assert sandbox.count() == 1


@pytest.mark.parametrize("cursor", ["a b&limit=1", "\u00e9/+=%", "#"])
def test_cursor_is_sent_back_unchanged(sandbox: Sandbox, cursor: str) -> None:
    """A cursor may contain any characters."""
    sandbox.inject("response", "list", body={"result": [], "next_cursor": cursor})
    sandbox.inject("response", "list", body={"result": []})
    assert list(client_of(sandbox).webhooks.iter_items()) == []
    assert sandbox.calls[1].query == {"limit": "100", "next_cursor": cursor}


def test_repeated_cursor_is_an_error(sandbox: Sandbox) -> None:
    """A list whose cursor leads back to an earlier page ends with an error."""
    sandbox.inject("response", "list", times=0, body={"result": [], "next_cursor": "again"})
    with pytest.raises(InvalidResponseError, match="does not end"):
        list(client_of(sandbox).webhooks.iter_items())
    assert sandbox.count("list") <= 3


def test_endless_list_is_an_error() -> None:
    """A list in which every page has a new cursor ends with an error after 1,000 pages."""
    page_numbers = iter(range(10_000))

    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(http_response(empty_page(next_cursor=f"after {next(page_numbers)}")))

    with raw_server(respond) as port, pytest.raises(InvalidResponseError, match="does not end"):
        list(client_for(f"http://127.0.0.1:{port}").webhooks.iter_items())
    assert next(page_numbers) == 1000


def test_invalid_item_is_skipped_with_a_warning(sandbox: Sandbox) -> None:
    """One invalid item does not hide the others; a warning names it."""
    valid = {"id": MISSING_ID, "target_url": URL, "is_active": True}
    invalid = [{**valid, "id": "../token"}, {**valid, "id": "broken-1", "is_active": "yes"}, None]
    sandbox.inject("response", "list", body={"result": [invalid[0], valid, *invalid[1:]]})
    warnings: list[str] = []
    client = TrutoClient(Settings(sandbox.token, sandbox.base_url), warn=warnings.append)
    [page] = client.webhooks.iter_pages()
    assert [webhook.id for webhook in page.result] == [MISSING_ID]
    assert [item.id for item in page.unreadable] == [None, "broken-1", None]
    assert len(warnings) == 3
    assert "webhook broken-1" in warnings[1]
    assert "is_active" in warnings[1]
    assert "../token" not in "".join(warnings)


def test_all_pages_share_one_deadline() -> None:
    """A whole list ends at the deadline of its operation."""
    with Sandbox(page_maximum=1, latency_seconds=0.4) as sandbox:
        for _ in range(40):
            sandbox.backend.create(sandbox.environment_id, dict(BODY))
        client = client_of(sandbox)
        with assert_duration(maximum=8), pytest.raises(TransportError), deadline_in(2):  # 16 s without the deadline
            list(client.webhooks.iter_items())
