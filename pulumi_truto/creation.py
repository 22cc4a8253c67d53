"""Creates a webhook exactly once, although the API has no idempotency key. Must not import pulumi.

A create can fail with its fate open: the answer timed out, broke off, made no sense or was a 5xx. Truto may then
have a webhook whose secret nobody knows. What is done about it:

1. List the webhooks. A candidate is one that equals the request, was not made by this process, and has a
   ``created_at`` in the time of the failed try, on Truto's clock as its ``Date`` header shows it.
2. No candidate: create again. Too many of them, or no list: stop, and name what to look at.
3. One candidate for each failed try: create again, and only then decide. The new webhook's ``created_at`` tells
   Truto's clock far better than ``Date``, which has whole seconds. A candidate from the time of the failed try is
   ours: it is deleted. One from before is somebody else's: it is not touched. In doubt, as where Truto's times have
   no fractions, it is left, with a warning that names it.

"From before" can be told to about `_ALLOWANCE`: the time that one request may take longer to Truto than another.
Creates of equal webhooks wait for each other, so that one's new webhook is never another's candidate.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pulumi_truto import rules
from pulumi_truto.client import TrutoClient
from pulumi_truto.errors import InvalidResponseError, NotFoundError, TrutoError, AmbiguousCreateError
from pulumi_truto.transport import sent_at

if TYPE_CHECKING:
    from pulumi_truto.models import Webhook

__all__ = ["Creation"]

_TRIES: Final = 3
#: How far `Date` (whole seconds, perhaps of a proxy) may be from the clock of ``created_at``.
_DATE_SLACK: Final = timedelta(seconds=2)
_ALLOWANCE: Final = timedelta(milliseconds=80)


@dataclass(frozen=True)
class _Try:
    """A request whose fate is open; times of this machine's monotonic clock, in seconds."""

    began: float
    ended: float
    error: TrutoError


class Creation:
    """Creates webhooks in one environment; remembers which ones, to tell them from those of others."""

    def __init__(self, client: TrutoClient, warn: Callable[[str], None]) -> None:
        self._client = client
        self._warn = warn
        self._lock = threading.Lock()
        self._made: set[str] = set()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def create(self, body: Mapping[str, Any]) -> Webhook:
        """Returns the one new webhook, with its secret.

        Raises:
            AmbiguousCreateError: it cannot be known whether there is one; the message names the candidates.
            TrutoError: there surely is none.
        """
        with self._lock:
            # The URL in its normal form: webhooks whose URLs are only spelled differently are equal as well.
            turn = self._turns[repr(sorted({**body, "target_url": rules.normal_url(body["target_url"])}.items()))]
        with turn:
            return self._create(body)

    def _create(self, body: Mapping[str, Any]) -> Webhook:
        open_tries: list[_Try] = []
        suspects: list[Webhook] = []
        while True:
            began = time.monotonic()
            try:
                webhook = self._client.create_webhook(body)
                _require_secret(webhook)
            except TrutoError as error:
                if not error.may_have_succeeded:
                    raise self._unsettled(error, suspects) from None
                # Not from before: it may have waited long, for the rate limit or for a connection.
                open_tries.append(_Try(max(began, sent_at()), time.monotonic(), error))
                suspects = self._candidates(body, open_tries)
                if len(suspects) > len(open_tries) or len(open_tries) == _TRIES:
                    raise self._unsettled(error, suspects) from None
                self._pause(len(open_tries))
                continue
            ended = time.monotonic()
            with self._lock:
                self._made.add(webhook.id)
            if open_tries:
                self._clear(body, open_tries, suspects, _Clock.at(webhook, began, ended, suspects))
            return webhook

    def _candidates(self, body: Mapping[str, Any], open_tries: list[_Try]) -> list[Webhook]:
        """The webhooks that one of the tries may have made."""
        listed = self._list(open_tries[-1].error)
        now, local_now = self._client.server_time(), time.monotonic()
        with self._lock:
            made = set(self._made)
        return [
            webhook
            for webhook in listed
            if webhook.id not in made
            and _equals(webhook, body)
            and _about_then(webhook.created_at, now, local_now, open_tries)
        ]

    def _list(self, failure: TrutoError) -> list[Webhook]:
        """All webhooks. What answered the create with nonsense may answer the list so too, so it is asked again."""
        for attempt in range(1, _TRIES + 1):
            try:
                return list(self._client.iter_webhooks())
            except TrutoError as error:
                if isinstance(error, InvalidResponseError) and attempt < _TRIES:
                    self._pause(attempt)
                    continue
                raise AmbiguousCreateError(
                    f"cannot tell whether the create happened ({failure}), as the list of webhooks cannot be read "
                    f"either ({error}). Look in Truto for a new webhook with this target_url and delete it, then run "
                    "`pulumi up` again"
                ) from None
        raise AssertionError("not reached")

    def _pause(self, attempt: int) -> None:
        time.sleep(self._client.limits.backoff_seconds * 2**attempt)

    def _clear(
        self, body: Mapping[str, Any], open_tries: list[_Try], suspects: list[Webhook], clock: _Clock | None
    ) -> None:
        """Deletes what the open tries made, now that there is a good webhook in its place; never raises.

        Only what was there before the repeat is deleted. What came since is not of a try that had failed by then,
        unless Truto was very late: it is named.
        """
        late: list[Webhook] = []
        try:
            known = {webhook.id for webhook in suspects}
            late = [each for each in self._candidates(body, open_tries) if each.id not in known]
        except TrutoError as error:
            self._warn(f"a create was repeated after a failure, and what may be left over cannot be listed ({error})")
        for webhook in [*suspects, *late]:
            is_ours = clock.is_from(webhook.created_at, open_tries) if clock else None
            if is_ours and webhook not in late:
                self._delete(webhook)
            elif is_ours is not False:
                self._warn(
                    f"a create was repeated after a failure, and the webhook {webhook.id} may be left over from the "
                    f"first try. It was made at {webhook.created_at_text}: if nobody needs it, delete it in Truto"
                )

    def _delete(self, webhook: Webhook) -> None:
        try:
            self._client.delete_webhook(webhook.id)
            self._warn(
                f"a create was repeated after a failure, and the webhook {webhook.id} that the first try had left "
                "over, with a secret that nobody knows, was deleted"
            )
        except NotFoundError:
            pass
        except TrutoError as error:
            self._warn(
                f"the webhook {webhook.id} is left over from a create that failed and was repeated, and could not be "
                f"deleted ({error}). Delete it in Truto"
            )

    def _unsettled(self, error: TrutoError, candidates: list[Webhook]) -> TrutoError:
        if not candidates:
            return error
        ids = ", ".join(webhook.id for webhook in candidates)
        return AmbiguousCreateError(
            f"cannot tell whether the create happened ({error}). These webhooks equal it and were made at the same "
            f"time: {ids}. Delete in Truto the ones that nobody needs, then run `pulumi up` again"
        )


@dataclass(frozen=True)
class _Clock:
    """Truto's clock, as the ``created_at`` of a new webhook of ours shows it.

    Attributes:
        earliest: the least that it can have shown at this machine's monotonic zero.
        latest: the most.
        resolution: of ``created_at``: a millisecond, or a second where Truto writes no fractions.
    """

    earliest: datetime
    latest: datetime
    resolution: timedelta

    @classmethod
    def at(cls, webhook: Webhook, began: float, ended: float, others: list[Webhook]) -> _Clock | None:
        if webhook.created_at is None:
            return None
        # One time without a fraction can be chance.
        has_fractions = any(each.created_at and each.created_at.microsecond for each in [webhook, *others])
        resolution = timedelta(milliseconds=1) if has_fractions else timedelta(seconds=1)
        return cls(
            webhook.created_at - timedelta(seconds=ended),
            webhook.created_at + resolution - timedelta(seconds=began),
            resolution,
        )

    def is_from(self, created_at: datetime | None, open_tries: list[_Try]) -> bool | None:
        """True: made in the time of one of the tries. False: made before all of them. None: cannot be told."""
        if created_at is None:
            return None
        for each in open_tries:
            if created_at >= self.latest + timedelta(seconds=each.began) - _ALLOWANCE:
                return True
            if created_at + self.resolution >= self.earliest + timedelta(seconds=each.began):
                return None
        return False


def _require_secret(webhook: Webhook) -> None:
    if not webhook.secret:
        raise InvalidResponseError(
            f"cannot create the webhook: Truto's answer holds no secret for the new webhook {webhook.id}"
        )


def _equals(webhook: Webhook, body: Mapping[str, Any]) -> bool:
    wanted = {"event_types": [], **body}
    return not rules.changes(rules.inputs_of(webhook), wanted)


def _about_then(created_at: datetime | None, now: datetime | None, local_now: float, open_tries: list[_Try]) -> bool:
    """Whether the time fits to one of the tries, as far as ``Date`` can tell."""
    if created_at is None or now is None:
        return True
    for each in open_tries:
        began = now - timedelta(seconds=local_now - each.began)
        ended = now - timedelta(seconds=local_now - each.ended)
        if began - _DATE_SLACK <= created_at <= ended + _DATE_SLACK:
            return True
    return False
