"""Facts about the responses to all requests of a run."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, StringConstraints

from tests.contract.client import Response
from tests.contract.truto import Observed, Truto


class _Webhook(BaseModel):
    """A webhook that the provider can read."""

    model_config = ConfigDict(strict=True, extra="allow", hide_input_in_errors=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    target_url: str
    is_active: bool
    event_types: list[str] | None = None
    environment_id: str | None = None
    secret: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@pytest.fixture
def responses(truto: Truto) -> list[Response]:
    """The responses so far, at least one to each method, and one that is an error."""
    id_ = truto.create()["id"]
    truto.update(id_, is_active=False)
    truto.read(id_)
    truto.listed(id_)
    truto.delete(id_)
    truto.get(id_)
    return truto.client.responses


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_secret_on_create_only(responses: list[Response]) -> None:
    """No response but that to a create has a secret."""
    requests = {response.request for response in responses for webhook in response.webhooks if webhook.get("secret")}
    assert requests <= {"POST /webhook"}


@pytest.mark.rests_on("pulumi_truto/api/models.py")
def test_fields_of_webhooks(responses: list[Response], observed: Observed) -> None:
    """Every webhook has id, target_url and is_active, known fields have their types, and others may come."""
    names: set[str] = set()
    for response in responses:
        for webhook in response.webhooks:
            _Webhook.model_validate(webhook)
            names |= set(webhook)
    known = set(_Webhook.model_fields)
    observed(f"others: {', '.join(sorted(names - known))}; never: {', '.join(sorted(known - names))}")


@pytest.mark.rests_on("pulumi_truto/rest/manager.py")
def test_environment_of_the_token(responses: list[Response], observed: Observed) -> None:
    """All webhooks that a token sees have the same environment_id, where a response has one."""
    webhooks = [(response.request, webhook) for response in responses for webhook in response.webhooks]
    assert len({webhook["environment_id"] for _, webhook in webhooks if webhook.get("environment_id")}) <= 1
    exceptions = {request for request, webhook in webhooks if not webhook.get("environment_id")}
    observed(f"absent in {', '.join(sorted(exceptions)) or 'no response'}")


@pytest.mark.rests_on("pulumi_truto/api/error_messages.py")
def test_limit_of_the_plan(truto: Truto, responses: list[Response]) -> None:
    """A create beyond the limit of the plan is a 403 with a message."""
    for _ in range(2):
        truto.post()
    refusals = [response for response in responses if response.status in (402, 403)]
    if not refusals:
        pytest.skip("the run did not reach a limit")
    for response in refusals:
        assert response.status == 403, response
        assert response.message, response


@pytest.mark.rests_on("pulumi_truto/api/transport.py")
def test_rate_limit_headers(responses: list[Response], observed: Observed) -> None:
    """A response has no ratelimit-reset, or it is the seconds until the window ends; a 429 has Retry-After."""
    for response in responses:
        reset = response.headers.get("ratelimit-reset")
        assert reset is None or (reset.isdigit() and int(reset) <= 60), reset
        assert response.status != 429 or response.headers.get("Retry-After", "").isdigit(), response
    observed(f"limit {responses[-1].headers.get('ratelimit-limit')}")


@pytest.mark.rests_on("pulumi_truto/api/transport.py")
def test_responses_are_not_compressed(responses: list[Response]) -> None:
    """With Accept-Encoding: identity no response is compressed: the provider refuses one that is."""
    assert {response.headers.get("Content-Encoding", "identity") for response in responses} == {"identity"}


@pytest.mark.rests_on("pulumi_truto/api/transport.py")
def test_no_redirects(responses: list[Response]) -> None:
    """No response is a redirect: the provider follows none."""
    assert [response for response in responses if 300 <= response.status < 400] == []
