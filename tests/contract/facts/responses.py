"""What all responses of the run have in common. These facts come last."""

from __future__ import annotations

from collections.abc import Iterator

from tests.contract.fact import Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.journal import Exchange
from tests.contract.run import Run
from tests.contract.seen import Seen

_KNOWN = {
    "id",
    "target_url",
    "is_active",
    "event_types",
    "environment_id",
    "secret",
    "created_at",
    "updated_at",
}
_METHODS = {"create": "POST", "read": "GET", "update": "PATCH", "list": "list"}


@rests_on("pulumi_truto/webhook/manager.py::_read_state")
def secret_on_create_only(run: Run) -> Finding:
    """No response but that to a create has a secret."""
    run.wait_until_listed({run.read(run.update(run.create().id, is_active=False).id).id})
    having = {exchange.operation for exchange, item in _items(run) if item.get("secret")}
    others = sorted(_METHODS[each] for each in having - {"create"})
    if others:
        return contradicted(f"also in responses to {', '.join(others)}")
    return confirmed("not on GET, PATCH or list")


@rests_on("pulumi_truto/api/models.py::Webhook")
def fields_of_webhooks(run: Run) -> Finding:
    """Every webhook has id, target_url and is_active, known fields have their types, and others may come."""
    run.wait_until_listed({run.read(run.update(run.create().id, is_active=False).id).id})
    names: set[str] = set()
    for exchange, item in _items(run):
        names |= set(Seen.of(item, str(exchange)).fields)
    extra, absent = sorted(names - _KNOWN), sorted(_KNOWN - names)
    shown = [f"others: {run.journal.shorten(', '.join(extra), 80)}" if extra else "no others"]
    if absent:
        shown.append(f"never: {', '.join(absent)}")
    return confirmed("; ".join(shown))


@rests_on("pulumi_truto/webhook/manager.py::_confirm_deleted")
def environment_of_the_token(run: Run) -> Finding:
    """All webhooks that a token sees have the same environment_id, where a response has one."""
    run.wait_until_listed({run.create().id})
    environments = {item.get("environment_id") for _, item in _items(run)}
    if len(environments - {None}) > 1:
        return contradicted(f"{len(environments - {None})} different values")
    if environments == {None}:
        return confirmed("no response has one")
    return confirmed("the same in " + ("some responses, absent in others" if None in environments else "all responses"))


@rests_on("pulumi_truto/webhook/create_once.py::_failure")
def limit_of_the_plan(run: Run) -> Finding:
    """A create beyond the limit of the plan is a 403 with a message."""
    refused = [each for each in run.log if each.operation == "create" and each.status in (402, 403)]
    if not refused:
        raise NotObservable("the run did not reach a limit")
    if any(each.status != 403 or not each.message for each in refused):
        return contradicted(str(refused[0]))
    return confirmed("403 with a message")


@rests_on("pulumi_truto/api/retry.py::_requested_seconds")
def rate_limit_headers(run: Run) -> Finding:
    """A response has no ratelimit-reset, or it is the seconds until the window ends; a 429 has Retry-After."""
    limits = {each.headers["ratelimit-limit"] for each in run.log if "ratelimit-limit" in each.headers}
    resets = {each.headers["ratelimit-reset"] for each in run.log if "ratelimit-reset" in each.headers}
    refused = [each for each in run.log if each.status == 429]
    if any(not (reset.isascii() and reset.isdigit() and int(reset) <= 60) for reset in resets):
        return contradicted("ratelimit-reset is not a number of seconds up to a minute")
    if any(not each.headers.get("Retry-After", "").isdigit() for each in refused):
        return contradicted("429 without a Retry-After in seconds")
    shown = f"limit {', '.join(sorted(limits)) or 'unknown'}, reset in seconds" if resets else "no headers"
    return confirmed(shown + ("; 429 with Retry-After" if refused else ""))


@rests_on("pulumi_truto/api/connection.py::getresponse")
def responses_are_not_compressed(run: Run) -> Finding:
    """With Accept-Encoding: identity no response is compressed: the client refuses one that is."""
    encodings = {each.headers.get("Content-Encoding", "identity").lower() for each in run.log}
    if encodings != {"identity"}:
        return contradicted(", ".join(sorted(encodings)))
    return confirmed("none is")


@rests_on("pulumi_truto/api/transport.py::allow_redirects")
def no_redirects(run: Run) -> Finding:
    """No response is a redirect: the client follows none."""
    redirects = [each for each in run.log if 300 <= each.status < 400]
    return contradicted(str(redirects[0])) if redirects else confirmed("none is")


def _items(run: Run) -> Iterator[tuple[Exchange, dict[str, object]]]:
    """Every webhook in every response."""
    return ((exchange, item) for exchange in run.log for item in exchange.items)
