"""What the list shows, in which pages, and how soon."""

from __future__ import annotations

import time
from typing import Any

from tests.contract.fact import Contradiction, Finding, confirmed, contradicted, rests_on
from tests.contract.run import Run, expect_object, iter_pages
from tests.contract.seen import Seen

#: About as many pages are walked through, however many webhooks the environment has.
_PAGES = 6


@rests_on("pulumi_truto/api/models.py::WebhookPage")
def list_response(run: Run) -> Finding:
    """GET /webhook returns an object with a list result, and next_cursor, a string or null."""
    exchange = run.api.send("GET", "/webhook", params={"limit": "100"})
    page = expect_object(exchange)
    if not isinstance(page.get("result"), list) or not isinstance(page.get("next_cursor"), (str, type(None))):
        return contradicted(f"{exchange}, and result or next_cursor has another type")
    return confirmed(f"{exchange.status}, with {', '.join(sorted(page))}")


@rests_on("pulumi_truto/api/client.py::iter_pages")
def pages(run: Run) -> Finding:
    """With limit and next_cursor the pages show every webhook exactly once, and end."""
    own = [run.create().id for _ in range(3)]
    total = len(run.wait_until_listed(own))
    size = -(-total // _PAGES)
    ids = [item.get("id") for page in iter_pages(run.api, limit=str(size)) for item in page.items]
    if len(set(ids)) < len(ids):
        return contradicted(f"{len(ids) - len(set(ids))} webhooks are on two pages")
    if not set(own) <= set(ids):
        return contradicted(f"{len(set(own) - set(ids))} of {len(own)} new webhooks are on no page")
    order = [each for each in ids if each in own]
    return confirmed(
        "each once, " + {tuple(own): "oldest first", tuple(own[::-1]): "newest first"}.get(tuple(order), "in no order")
    )


@rests_on("pulumi_truto/webhook/lookup.py::find_page")
def page_sizes(run: Run) -> Finding:
    """A page has at most as many webhooks as its limit, and may have fewer; limit=100 is accepted."""
    total = len(run.wait_until_listed([run.create().id for _ in range(3)]))
    sizes = {}
    for limit in ("1", "100", ""):
        exchange = run.api.send("GET", "/webhook", params={"limit": limit} if limit else {})
        expect_object(exchange)
        sizes[limit] = len(exchange.items)
    if sizes["1"] > 1 or sizes["100"] > 100:
        return contradicted(f"limit=1 gives {sizes['1']}, limit=100 gives {sizes['100']}")
    shown = [f"limit=100 gives {sizes['100']}" if sizes["100"] < min(total, 100) else "limits are honoured"]
    if sizes[""] < total:
        shown.append(f"without a limit {sizes['']}")
    return confirmed(", ".join(shown))


@rests_on("pulumi_truto/webhook/create_once.py::_list_equal")
def new_webhook_is_listed(run: Run) -> Finding:
    """A new webhook is in the list, at once or soon: until then a create that failed cannot be explained."""
    id_ = run.create().id
    started = time.monotonic()
    is_listed_at_once = _item(run.list_all(), id_) is not None
    if is_listed_at_once:
        return confirmed("at once")
    if run.poll(lambda: _item(run.list_all(), id_)) is None:
        return contradicted(f"not within {run.settle_seconds:g} s")
    return confirmed(f"after {time.monotonic() - started:.1f} s")


@rests_on("pulumi_truto/webhook/manager.py::_confirm_deleted")
def deleted_webhook_is_not_listed(run: Run) -> Finding:
    """A deleted webhook is not in the list, at once or soon: until then nothing counts as deleted."""
    created = run.create()
    run.wait_until_listed({created.id})
    run.delete(created.id)
    started = time.monotonic()
    if _item(run.list_all(), created.id) is None:
        return confirmed("at once")
    if run.poll(lambda: True if _item(run.list_all(), created.id) is None else None) is None:
        return contradicted(f"still listed after {run.settle_seconds:g} s")
    return confirmed(f"after {time.monotonic() - started:.1f} s")


@rests_on("pulumi_truto/webhook/cache.py::_fetch_page")
def list_equals_read(run: Run) -> Finding:
    """An item of the list has the values that a GET of that webhook has, so that it can replace the GET."""
    created = run.create(event_types=["record:updated", "record:created"])
    item = Seen.of(_item(run.wait_until_listed({created.id}), created.id), "an item of the list")
    read = run.read(created.id)
    if item.values != read.values:
        return contradicted("URL, event types or is_active differ")
    differing = [
        name
        for name in sorted({*item.fields, *read.fields} - {"event_types", "secret"})
        if item.fields.get(name) != read.fields.get(name)
    ]
    known = {"environment_id", "created_at", "updated_at"}.intersection(differing)
    if known:
        return contradicted(f"{', '.join(sorted(known))} differ")
    return confirmed(f"equal, apart from {', '.join(differing)}" if differing else "equal")


@rests_on("pulumi_truto/cli/orphans.py::compare")
def inactive_webhooks_are_listed(run: Run) -> Finding:
    """The list without a filter has active and inactive webhooks."""
    # Active, for events that hardly ever happen.
    active = run.create(is_active=True, event_types=["truto_contract:none"]).id
    inactive = run.create(is_active=False).id

    def both() -> bool | None:
        items = run.list_all()
        return True if _item(items, active) and _item(items, inactive) else None

    return confirmed("both") if run.poll(both) else contradicted(f"not both, even after {run.settle_seconds:g} s")


@rests_on("pulumi_truto/webhook/lookup.py::find_webhooks")
def filters_of_the_list(run: Run) -> Finding:
    """The filters is_active and environment_id, which the client does not use, hide no webhook that matches."""
    active = run.create(is_active=True, event_types=["truto_contract:none"])
    inactive = run.create(is_active=False)
    run.wait_until_listed({active.id, inactive.id})
    filters = [("is_active", "true", active.id, inactive.id), ("is_active", "false", inactive.id, active.id)]
    if active.environment_id:
        filters.append(("environment_id", active.environment_id, active.id, ""))
    found: dict[str, list[str]] = {}
    for name, value, matching, other in filters:
        found.setdefault(_filter(run, name, value, matching, other), []).append(
            name if name == "environment_id" else f"{name}={value}"
        )
    observed = "; ".join(f"{what}: {', '.join(names)}" for what, names in found.items())
    return contradicted(observed) if "hides a match" in found else confirmed(observed)


def _filter(run: Run, name: str, value: str, matching: str, other: str) -> str:
    """What a filter does."""
    if run.api.send("GET", "/webhook", params={"limit": "100", name: value}).status in (400, 422):
        return "refused"
    try:
        items = run.list_all(**{name: value})
    except Contradiction:
        return "hides a match"
    if _item(items, matching) is None:
        return "hides a match"
    if not other:
        return "accepted"
    return "honoured" if _item(items, other) is None else "ignored"


def _item(items: list[dict[str, Any]] | None, id_: str) -> dict[str, Any] | None:
    return next((item for item in items or [] if item.get("id") == id_), None)
