"""Errors: which status, and what the body says."""

from __future__ import annotations

from tests.contract.fact import Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.run import Run, expect_object, expect_success
from tests.contract.seen import Seen


@rests_on("pulumi_truto/errors.py::BadRequestError")
def create_without_a_url(run: Run) -> Finding:
    """A create without target_url is refused with a 400 or 422."""
    exchange = run.api.send("POST", "/webhook", json={"is_active": False})
    if exchange.status in (400, 422):
        return confirmed(str(exchange.status))
    expect_success(exchange)
    return contradicted(str(exchange))


@rests_on("pulumi_truto/errors.py::AuthenticationError")
def wrong_token(run: Run) -> Finding:
    """A token that does not exist gets a 401."""
    exchange = run.wrong_api.send("GET", "/webhook", params={"limit": "1"})
    if exchange.status == 401:
        return confirmed("401")
    expect_success(exchange)
    return contradicted(str(exchange))


@rests_on("pulumi_truto/webhook/manager.py::_confirm_deleted")
def webhook_of_another_environment(run: Run) -> Finding:
    """A webhook of another environment is a 404 to GET, PATCH and DELETE, and not in the list."""
    if run.other_api is None:
        raise NotObservable("needs a token of another environment: TRUTO_OTHER_API_TOKEN")
    there = run.create(api=run.other_api)
    here = run.create()
    if here.environment_id is None or here.environment_id == there.environment_id:
        raise NotObservable("nothing shows that the tokens belong to two environments")
    exchanges = [run.api.send("GET", f"/webhook/{there.id}")]
    if exchanges[0].status == 404:  # otherwise nothing that another environment has is touched
        exchanges += [run.send_update(there.id, is_active=False), run.send_delete(there.id)]
    for exchange in exchanges:
        if exchange.status != 404:
            if not exchange.is_success:
                expect_success(exchange)
            return contradicted(str(exchange))
    run.wait_until_listed({here.id})
    if any(item.get("id") == there.id for item in run.list_all()):
        return contradicted("404, but listed")
    still = run.other_api.send("GET", f"/webhook/{there.id}")
    if Seen.of(expect_object(still), str(still)).values != there.values:
        return contradicted("404, but changed")
    return confirmed("404 for each, and not listed")


@rests_on("pulumi_truto/api/error_messages.py::_detail")
def bodies_of_errors(run: Run) -> Finding:
    """The body of an error has a message, a string or a list of strings."""
    exchanges = [
        run.api.send("GET", f"/webhook/{run.create_deleted()}"),
        run.api.send("POST", "/webhook", json={"is_active": False}),
        run.wrong_api.send("GET", "/webhook", params={"limit": "1"}),
    ]
    names: set[str] = set()
    for exchange in exchanges:
        if not 400 <= exchange.status < 500:
            expect_success(exchange)
            return contradicted(str(exchange))
        if not exchange.message:
            return contradicted(f"{exchange}, without a message")
        names |= set(exchange.body)
    statuses = ", ".join(str(exchange.status) for exchange in exchanges)
    return confirmed(f"{', '.join(sorted(names))} with {statuses}")
