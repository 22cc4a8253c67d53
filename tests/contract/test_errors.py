"""Errors: which status, and the message in the body."""

from __future__ import annotations

import pytest

from tests.contract.client import Client
from tests.contract.truto import UNSET, Truto, values


@pytest.fixture
def stranger(truto: Truto) -> Client:
    """The API with a token that does not exist."""
    return Client(truto.client.base_url, "truto-contract-no-such-token", truto.client.pace)


@pytest.mark.rests_on("pulumi_truto/errors.py")
def test_create_without_a_url(truto: Truto) -> None:
    """A create without target_url is refused with a 400 or 422."""
    response = truto.post(target_url=UNSET)
    assert response.status in (400, 422), response


@pytest.mark.rests_on("pulumi_truto/errors.py")
def test_wrong_token(stranger: Client) -> None:
    """A token that does not exist gets a 401."""
    response = stranger.send("GET", "/webhook", params={"limit": "1"})
    assert response.status == 401, response


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_webhook_of_another_environment(truto: Truto) -> None:
    """A webhook of another environment is a 404 to GET, PATCH and DELETE, and not in the list."""
    if truto.other is None:
        truto.not_observable("needs a token of another environment: TRUTO_OTHER_API_TOKEN")
    foreign_webhook, own_webhook = truto.other.create(), truto.create()
    id_ = foreign_webhook["id"]
    if own_webhook.get("environment_id") in (None, foreign_webhook.get("environment_id")):
        truto.not_observable("nothing shows that the tokens belong to two environments")
    for send in (truto.get, lambda id_: truto.patch(id_, is_active=False), truto.delete):
        response = send(id_)
        assert response.status == 404, response
    assert id_ not in [*truto.listed(own_webhook["id"])], "404, but listed"
    assert values(truto.other.read(id_)) == values(foreign_webhook), "404, but changed"


@pytest.mark.rests_on("pulumi_truto/api/error_messages.py")
def test_bodies_of_errors(truto: Truto, stranger: Client) -> None:
    """The body of an error has a message, a string or a list of strings."""
    for response in (
        truto.get(truto.create_deleted()),
        truto.post(target_url=UNSET),
        stranger.send("GET", "/webhook", params={"limit": "1"}),
    ):
        assert 400 <= response.status < 500, response
        assert response.message, f"{response}, without a message"
