"""Times: their form, and what they say about Truto's clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from tests.contract.fact import Contradiction, Finding, NotObservable, confirmed, contradicted, rests_on
from tests.contract.journal import Exchange
from tests.contract.run import Run
from tests.contract.seen import Seen, has_fraction, parse_time, pattern

#: What the client tolerates: an older entry of the delivery log is of an earlier test, and a delivery that seems to
#: come from the future is refused.
_MAX_BEHIND = timedelta(minutes=1)
_MAX_AHEAD = timedelta(minutes=5)


@rests_on("pulumi_truto/api/models.py::_times_in_utc")
def form_of_times(run: Run) -> Finding:
    """created_at and updated_at are strings such as 2021-08-10T10:00:00.000Z or 2021-08-10 10:00:00."""
    created = run.create()
    run.update(created.id, is_active=False)
    values = [
        item[name] for each in run.log for item in each.items for name in ("created_at", "updated_at") if item.get(name)
    ]
    if not values:
        return contradicted("no webhook has a time")
    unreadable = [value for value in values if parse_time(value) is None]
    if unreadable:
        shown = pattern(unreadable[0]) if isinstance(unreadable[0], str) else type(unreadable[0]).__name__
        return contradicted(f"{shown} cannot be read")
    forms = ", ".join(sorted({pattern(value) for value in values}))
    return confirmed(forms + ("" if any(map(has_fraction, values)) else ", without fractions"))


@rests_on("pulumi_truto/webhook/clock_bounds.py::find_orphans")
def created_at_stays(run: Run) -> Finding:
    """created_at is the same in the responses to POST, GET and PATCH, and in the list."""
    created = run.create()
    moments = {"POST": created.time("created_at")}
    [item] = [item for item in run.wait_until_listed({created.id}) if item.get("id") == created.id]
    moments["GET"] = run.read(created.id).time("created_at")
    moments["list"] = Seen.of(item, "an item of the list").time("created_at")
    moments["PATCH"] = run.update(created.id, target_url=run.new_url()).time("created_at")
    differing = [where for where, moment in moments.items() if moment != moments["POST"]]
    if differing:
        return contradicted(f"not as in POST: {', '.join(differing)}")
    return confirmed("the same in " + ", ".join(moments))


@rests_on("pulumi_truto/webhook/clock_bounds.py::narrowed")
def created_at_is_during_the_request(run: Run) -> Finding:
    """One clock sets every created_at while the request of the create is in flight."""
    for _ in range(3):
        run.delete(run.create().id)
    exchanges = [each for each in run.log if each.operation == "create" and each.items]
    times = [(each, _created_at(each)) for each in exchanges]
    has_fractions = any(moment.microsecond for _, moment in times)
    resolution = timedelta(milliseconds=1) if has_fractions else timedelta(seconds=1)
    # What Truto's clock showed at the zero of `time.monotonic`.
    earliest = max(moment - timedelta(seconds=each.responded_at) for each, moment in times)
    latest = min(moment + resolution - timedelta(seconds=each.sent_at) for each, moment in times)
    if earliest > latest:
        return contradicted(f"the creates contradict one another by {(earliest - latest).total_seconds():.3f} s")
    if not has_fractions:
        return confirmed("no fractions: what a failed create left over is named, not deleted")
    is_precise = latest - earliest < timedelta(seconds=0.5)
    return confirmed(f"the creates show Truto's clock to {'less' if is_precise else 'more'} than half a second")


@rests_on("pulumi_truto/webhook/tester.py::_LOG_TOLERANCE")
def clock_of_truto(run: Run) -> Finding:
    """Truto's clock is at most a minute behind this machine's and five ahead; a time without a zone is in UTC."""
    run.create()
    exchange = next(each for each in reversed(run.log) if each.operation == "create")
    created_at = _created_at(exchange)
    # A time without a fraction is up to a second too early.
    behind = exchange.sent_on - created_at - timedelta(seconds=1)
    if behind > _MAX_BEHIND or -behind > _MAX_AHEAD:
        where = "behind" if behind > timedelta() else "ahead of"
        return contradicted(f"{abs(behind.total_seconds()):.0f} s {where} this machine's clock")
    return confirmed("close to this machine's clock; " + _by_date_header(exchange, created_at))


def _by_date_header(exchange: Exchange, created_at: datetime) -> str:
    """Where created_at lies by the clock of the Date header, which may be that of a proxy."""
    try:
        date = parsedate_to_datetime(exchange.headers.get("Date", ""))
    except ValueError:
        return "no Date header"
    date = date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date
    duration = timedelta(seconds=exchange.responded_at - exchange.sent_at)
    # Both have a resolution of a second.
    if created_at < date - duration - timedelta(seconds=1):
        return f"created_at is {(date - created_at).total_seconds():.0f} s behind the Date header"
    if created_at > date + timedelta(seconds=1):
        return f"created_at is {(created_at - date).total_seconds():.0f} s ahead of the Date header"
    return "created_at is within the request by the Date header"


def _created_at(exchange: Exchange) -> datetime:
    if not exchange.items:
        raise NotObservable(str(exchange))
    moment = parse_time(exchange.items[0].get("created_at"))
    if moment is None:
        raise Contradiction(f"{exchange}, without a created_at that can be read")
    return moment
