"""Creates a webhook exactly once, although the API promises no idempotency key. Must not import pulumi.

An attempt can fail with its outcome unknown: the response timed out, broke off, made no sense, or was a 5xx. Truto may
then have a webhook whose secret nobody knows, or may make it later. What is done about it:

1. While the outcome is unknown and time is left, attempt again, with backoff and the same ``Idempotency-Key``.
2. After a success list the webhooks once. An *orphan* equals the request, was not created by this process, and has a
   ``created_at`` between the start and the end of an ambiguous attempt. It is deleted, with a warning.
3. What cannot be decided is never deleted: more such webhooks than ambiguous attempts, one that was created after an
   attempt had ended, times that are too coarse. A warning names it.
4. An ambiguous attempt that no orphan explains is warned of as well, since Truto may still complete it.

Only Truto's own clock decides: the ``created_at`` of the successful attempt tells what that clock showed when that
request was in flight, and so what it showed during the attempts before; to less than half a second, or nothing is
deleted. What others create closer than that to an attempt cannot be told from its own. Creates of equal webhooks wait
for each other, so that the webhook of one is never the orphan of another.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pulumi_truto.api.client import CreatedWebhook, TrutoClient
from pulumi_truto.api.models import Webhook
from pulumi_truto.errors import AmbiguousCreateError, InvalidResponseError, NotFoundError, TrutoError
from pulumi_truto.webhook import inputs as rules

__all__ = ["ExactlyOnceCreator"]

#: A clock that is known less precisely than this decides nothing. It is the shortest wait between two attempts: what
#: others create in that wait must not look as if it were of the attempt before.
_PRECISION_SECONDS: Final = 0.5
_MILLISECOND: Final = timedelta(milliseconds=1)
#: So many webhooks a message names.
_MOST_NAMED: Final = 10
_HOW_TO_LOOK: Final = "list the webhooks with `truto.get_webhooks` and delete in Truto the ones that no stack manages"


@dataclass(frozen=True)
class _Attempt:
    """An attempt with an unknown outcome; times of this machine's monotonic clock, in seconds."""

    started: float
    ended: float
    error: TrutoError


class ExactlyOnceCreator:
    """Creates webhooks in one environment.

    Args:
        client: the client of that environment.
        warn: takes what the user should know.
        known_ids: the webhooks that this process has met or created; shared with others, who add to it.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> None:
        self._client = client
        self._warn = warn
        self._lock = threading.Lock()
        self._known_ids = known_ids
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._clock: _ClockBounds | None = None

    def create(self, body: Mapping[str, Any]) -> Webhook:
        """Returns the one new webhook, with its secret.

        Raises:
            AmbiguousCreateError: it cannot be known whether there is one; the message names the candidates.
            TrutoError: there surely is none, unless the message says so.
        """
        with self._lock:
            # The normalized URL: webhooks whose URLs are only spelled differently are equal as well.
            key = repr(sorted({**body, "target_url": rules.normal_url(body["target_url"])}.items()))
            lock = self._locks[key]
        with lock:
            created, ambiguous_attempts = self._attempt(body)
            moment = created.webhook.created_at
            if moment is not None and moment.microsecond:
                self._narrow_clock(_ClockBounds.of(created, _MILLISECOND))
            if ambiguous_attempts:
                self._delete_orphans(body, ambiguous_attempts, created)
            return created.webhook

    def _attempt(self, body: Mapping[str, Any]) -> tuple[CreatedWebhook, list[_Attempt]]:
        """Attempts until one succeeds, is refused for good, or no time is left; the ambiguous attempts before it."""
        ambiguous_attempts: list[_Attempt] = []
        key, deadline = str(uuid.uuid4()), self._client.deadline()
        while True:
            started = time.monotonic()
            try:
                created = self._client.create_webhook(body, idempotency_key=key, deadline=deadline)
                started = created.sent_at
                self._accept(created.webhook, body)
                return created, ambiguous_attempts
            except TrutoError as error:
                if not error.may_have_succeeded:
                    raise self._failure(error, body, ambiguous_attempts) from None
                # From when it was sent: before that it may have waited long, for the rate limit or a connection.
                ambiguous_attempts.append(_Attempt(error.sent_at or started, time.monotonic(), error))
                if not self._wait(len(ambiguous_attempts), deadline):
                    raise self._failure(error, body, ambiguous_attempts) from None

    def _accept(self, webhook: Webhook, body: Mapping[str, Any]) -> None:
        """Takes the webhook as the new one, or raises."""
        if not webhook.secret:
            raise InvalidResponseError(
                f"cannot create the webhook: Truto's response holds no secret for the new webhook {webhook.id}"
            )
        with self._lock:
            if webhook.id in self._known_ids:
                error = InvalidResponseError(
                    f"cannot create the webhook: Truto's response to the create names webhook {webhook.id}, which this "
                    "stack has already as another one. Check that nothing on the way to Truto repeats an old response"
                )
                error.may_have_succeeded = False
                raise error
            self._known_ids.add(webhook.id)
        changed = rules.changes(rules.inputs_of(webhook), {"event_types": [], **body})
        if changed:
            self._warn(
                f"Truto created webhook {webhook.id} with other values than requested for {' and '.join(changed)}. The "
                "state holds what Truto has; the next `pulumi up` brings it to what is declared"
            )

    def _wait(self, retry: int, deadline: float) -> bool:
        """Waits before a retry; ``False`` where there is no time left for it, or the run was cancelled."""
        seconds = self._client.policy.wait_seconds(retry)
        if not self._client.policy.leaves_time(deadline, after_seconds=seconds):
            return False
        return not self._client.cancelled.wait(seconds)

    def _delete_orphans(self, body: Mapping[str, Any], attempts: list[_Attempt], created: CreatedWebhook) -> None:
        """Deletes what the ambiguous attempts made, now that there is a good webhook in its place; never raises."""
        try:
            equal = self._list_equal(body)
        except TrutoError as error:
            self._warn(
                f"webhook {created.webhook.id} was created after {_attempts(attempts)}, and the webhooks cannot be "
                f"listed to see whether one of those left another webhook behind ({error}). To check, {_HOW_TO_LOOK}"
            )
            return
        times = [each.created_at for each in (created.webhook, *equal) if each.created_at]
        # One time without a fraction can be chance.
        has_fractions = self._clock is not None or any(each.microsecond for each in times)
        clock = self._narrow_clock(_ClockBounds.of(created, _MILLISECOND if has_fractions else timedelta(seconds=1)))
        orphans, undecided = clock.sort_out(equal, attempts)
        for webhook in orphans:
            self._delete(webhook)
        unexplained = len(attempts) - len(orphans)
        if unexplained and undecided:
            self._warn(
                f"webhook {created.webhook.id} was created after {_attempts(attempts)}. These webhooks equal it and "
                f"may be left over from that: {_named(undecided)}. Delete in Truto the ones that nobody needs"
            )
        elif unexplained:
            self._warn(
                f"webhook {created.webhook.id} was created after {_attempts(attempts)}, and Truto may still complete "
                f"what failed, as another webhook with a secret that nobody knows. To check, {_HOW_TO_LOOK}"
            )

    def _narrow_clock(self, clock: _ClockBounds) -> _ClockBounds:
        """What all creates tell together; one that does not fit to the others makes it useless, and so harmless."""
        with self._lock:
            clock = clock if self._clock is None else self._clock.narrowed(clock)
            if clock.resolution == _MILLISECOND:
                self._clock = clock
            return clock

    def _list_equal(self, body: Mapping[str, Any]) -> list[Webhook]:
        """The webhooks that equal the request and that this process has not met."""
        client = self._client.for_a_last_look()
        try:
            listed = list(client.iter_webhooks())
        except InvalidResponseError:
            # What made nonsense of the response to the create may do so with the list as well.
            time.sleep(client.policy.backoff_seconds)
            listed = list(client.iter_webhooks())
        wanted = {"event_types": [], **body}
        with self._lock:
            known: Collection[str] = set(self._known_ids)
        return [each for each in listed if each.id not in known and not rules.changes(rules.inputs_of(each), wanted)]

    def _delete(self, webhook: Webhook) -> None:
        try:
            self._client.delete_webhook(webhook.id)
            self._warn(
                f"webhook {webhook.id}, which a failed attempt to create a webhook had left over with a secret that "
                "nobody knows, was deleted"
            )
        except NotFoundError:
            pass
        except TrutoError as error:
            self._warn(
                f"webhook {webhook.id} is left over from a failed attempt to create a webhook and could not be deleted "
                f"({error}). Delete it in Truto"
            )

    def _failure(self, error: TrutoError, body: Mapping[str, Any], attempts: list[_Attempt]) -> TrutoError:
        """The error to raise: the last one, with what the ambiguous attempts may have left behind."""
        if not attempts:
            return error
        before = f"cannot tell whether the create happened ({error})"
        if attempts[-1].error is not error:
            before += f". Before that, {_attempts(attempts)}, the last one so: {attempts[-1].error}"
        try:
            equal = self._list_equal(body)
        except TrutoError as reason:
            return AmbiguousCreateError(
                f"{before}, and the webhooks cannot be listed ({reason}). Before you run `pulumi up` again, "
                f"{_HOW_TO_LOOK}"
            )
        if equal:
            return AmbiguousCreateError(
                f"{before}. These webhooks equal it: {_named(equal)}. Delete in Truto the ones that nobody needs, then "
                "run `pulumi up` again"
            )
        return AmbiguousCreateError(
            f"{before}. No webhook equals it now, but Truto may still complete what failed. Before you run `pulumi up` "
            f"again, {_HOW_TO_LOOK}"
        )


@dataclass(frozen=True)
class _ClockBounds:
    """What Truto's clock showed, by the ``created_at`` of a webhook and when the request for it was in flight.

    Attributes:
        earliest: the least that it can have shown at this machine's monotonic zero; ``None`` where nothing is known.
        latest: the most.
        resolution: of ``created_at``: a millisecond, or a second where Truto writes no fractions.
    """

    earliest: datetime | None
    latest: datetime | None
    resolution: timedelta

    @classmethod
    def of(cls, created: CreatedWebhook, resolution: timedelta) -> _ClockBounds:
        """What one new webhook tells; nothing where its time is missing or out of any range."""
        moment = created.webhook.created_at
        if moment is None:
            return cls(None, None, resolution)
        try:
            earliest = moment - timedelta(seconds=created.responded_at)
            return cls(earliest, moment + resolution - timedelta(seconds=created.sent_at), resolution)
        except OverflowError:
            return cls(None, None, resolution)

    def narrowed(self, other: _ClockBounds) -> _ClockBounds:
        """What both tell together."""
        if self.earliest is None or self.latest is None or other.earliest is None or other.latest is None:
            return other if self.earliest is None else self
        return _ClockBounds(
            max(self.earliest, other.earliest), min(self.latest, other.latest), min(self.resolution, other.resolution)
        )

    def sort_out(self, equal: list[Webhook], attempts: list[_Attempt]) -> tuple[list[Webhook], list[Webhook]]:
        """The orphans of the attempts, and the webhooks of which it cannot be decided. The rest are of others."""
        orphans: list[Webhook] = []
        undecided: list[Webhook] = []
        unexplained = list(attempts)
        has_surplus = False
        for webhook in sorted(equal, key=lambda each: each.created_at_text or ""):
            span = self._local_span(webhook.created_at)
            if span is None:
                undecided.append(webhook)
                continue
            earliest, latest = span
            if latest < attempts[0].started:
                continue  # from before all of it
            possible = [each for each in attempts if earliest <= each.ended and latest >= each.started]
            if not possible:
                undecided.append(webhook)
                continue
            fitting = [each for each in possible if each in unexplained]
            has_surplus = has_surplus or not fitting
            orphans.append(webhook)
            unexplained = [each for each in unexplained if each not in fitting[:1]]
        if has_surplus or not self._is_precise:
            return [], [*orphans, *undecided]
        return orphans, undecided

    @property
    def _is_precise(self) -> bool:
        if self.earliest is None or self.latest is None:
            return False
        return timedelta() <= self.latest - self.earliest < timedelta(seconds=_PRECISION_SECONDS)

    def _local_span(self, created_at: datetime | None) -> tuple[float, float] | None:
        """When that was on this machine's clock, at the earliest and at the latest."""
        if created_at is None or self.earliest is None or self.latest is None:
            return None
        latest = (created_at - self.earliest).total_seconds() + self.resolution.total_seconds()
        return (created_at - self.latest).total_seconds(), latest


def _attempts(attempts: list[_Attempt]) -> str:
    return (
        "an attempt with an unknown outcome"
        if len(attempts) == 1
        else f"{len(attempts)} attempts with unknown outcomes"
    )


def _named(webhooks: list[Webhook]) -> str:
    newest = sorted(webhooks, key=lambda each: each.created_at_text or "", reverse=True)
    named = [f"{each.id} (created {each.created_at_text or 'at an unknown time'})" for each in newest[:_MOST_NAMED]]
    more = len(newest) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
