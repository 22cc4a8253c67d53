"""Creates a webhook exactly once, although the API has no idempotency key.

An attempt can fail with an unknown outcome: the response timed out, broke off, made no sense, or had a status
such as 5xx. Truto may then have a webhook whose secret nobody knows, or may create it later. The answer to that:

1. While the outcome is unknown and time is left, retry with backoff and the same ``Idempotency-Key``.
2. After a success, list the webhooks once. An *orphan* equals the request, was not created by this process, and has a
   ``created_at`` between the start and the end of an ambiguous attempt. It is deleted, with a warning.
3. What cannot be decided is never deleted: more such webhooks than ambiguous attempts, one created after an attempt had
   ended, times that are too coarse.
4. An ambiguous attempt that no orphan explains causes a warning, which names what may be left over: Truto may still
   complete the attempt.

`pulumi_truto.webhook.clock_bounds` decides 2 and 3. What others create within half a second of an attempt cannot be
told from its orphan. Creates of equal webhooks wait for each other, so that one's webhook is never the other's orphan.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Final

from pulumi_truto.api.client import CreatedWebhook, TrutoClient
from pulumi_truto.api.custom_timeout import acquired_in_time
from pulumi_truto.api.models import Webhook, WebhookBody
from pulumi_truto.errors import AmbiguousCreateError, InvalidResponseError, NotFoundError, TrutoError
from pulumi_truto.urls import normalize_url
from pulumi_truto.webhook.clock_bounds import MILLISECOND, Attempt, ClockBounds
from pulumi_truto.webhook.diff import build_create_body, build_patch, has_changes, to_inputs
from pulumi_truto.webhook.inputs import WebhookInputs

__all__ = ["ExactlyOnceCreator"]

#: The maximum number of webhooks that a message names.
_MAX_NAMED: Final = 10
_HOW_TO_LOOK: Final = (
    "run `pulumi-truto orphans` (Python package pulumi-truto) with the exports of all your stacks. Delete in Truto "
    "only what it finds with the same inputs and from the time of this run: others may be somebody's own"
)


class ExactlyOnceCreator:
    """Creates webhooks in one environment. Thread-safe.

    Args:
        client: the client of that environment.
        warn: receives warnings for the user.
        known_ids: the webhooks that this process has seen or created; shared with others, who add to it.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None], known_ids: set[str]) -> None:
        self._client = client
        self._warn = warn
        self._lock = threading.Lock()
        self._known_ids = known_ids
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._clock: ClockBounds | None = None

    def create(self, inputs: WebhookInputs) -> Webhook:
        """Returns the one new webhook, with its secret.

        Raises:
            AmbiguousCreateError: it cannot be known whether there is one; the message names the candidates.
            TrutoError: there is none, unless the message says otherwise.
        """
        with self._lock:
            # Webhooks whose URLs only differ in spelling are equal too.
            key = repr({**inputs, "target_url": normalize_url(inputs["target_url"])})
            lock = self._locks[key]
        with acquired_in_time(lock, "create the webhook"):
            created, ambiguous_attempts = self._attempt(inputs)
            moment = created.webhook.created_at
            if moment is not None and moment.microsecond:
                self._narrow_clock(ClockBounds.of(created, MILLISECOND))
            if ambiguous_attempts:
                self._delete_orphans(inputs, ambiguous_attempts, created)
            return created.webhook

    def _attempt(self, inputs: WebhookInputs) -> tuple[CreatedWebhook, list[Attempt]]:
        """Retries until an attempt succeeds or is refused, or no time is left. Also returns the ambiguous attempts."""
        ambiguous_attempts: list[Attempt] = []
        body: WebhookBody = build_create_body(inputs)
        key, deadline = str(uuid.uuid4()), self._client.deadline()
        while True:
            started = time.monotonic()
            try:
                created = self._client.create_webhook(body, idempotency_key=key, deadline=deadline)
                started = created.sent_at
                self._accept(created.webhook, inputs)
                return created, ambiguous_attempts
            except TrutoError as error:
                if not error.may_have_succeeded:
                    raise self._failure(error, inputs, ambiguous_attempts) from None
                # From when it was sent: it may have waited long for the rate limit or a connection.
                ambiguous_attempts.append(Attempt(error.sent_at or started, time.monotonic(), error))
                if not _wait(self._client, len(ambiguous_attempts), deadline):
                    raise self._failure(error, inputs, ambiguous_attempts) from None

    def _accept(self, webhook: Webhook, inputs: WebhookInputs) -> None:
        """Takes the webhook as the new one, or raises."""
        if not webhook.secret:
            raise InvalidResponseError(
                f"cannot create the webhook: Truto's response contains no secret for the new webhook {webhook.id}"
            )
        with self._lock:
            if webhook.id in self._known_ids:
                error = InvalidResponseError(
                    f"cannot create the webhook: Truto's response names webhook {webhook.id}, which this stack already "
                    "has as another one. Check that no proxy repeats an old response"
                )
                error.may_have_succeeded = False
                raise error
            self._known_ids.add(webhook.id)
        changed = build_patch(to_inputs(webhook), inputs)
        if changed:
            self._warn(
                f"Truto created webhook {webhook.id} with different values than requested for "
                f"{' and '.join(changed)}. The "
                "state has Truto's values; the next `pulumi up` sends the declared ones again"
            )

    def _delete_orphans(self, inputs: WebhookInputs, attempts: Sequence[Attempt], created: CreatedWebhook) -> None:
        """Deletes what the ambiguous attempts created, now that the stack has a good webhook. Never raises."""
        before = f"webhook {created.webhook.id} was created after {_describe(attempts)}"
        try:
            equal = self._list_equal(inputs)
        except TrutoError as error:
            self._warn(
                f"{before}, and the webhooks cannot be listed to see whether one of those left another webhook behind "
                f"({error}). To check, {_HOW_TO_LOOK}"
            )
            return
        times = [each.created_at for each in (created.webhook, *equal) if each.created_at]
        # A single time without a fraction can be chance.
        has_fractions = self._clock is not None or any(each.microsecond for each in times)
        clock = self._narrow_clock(ClockBounds.of(created, MILLISECOND if has_fractions else timedelta(seconds=1)))
        orphans, undecided = clock.find_orphans(equal, attempts)
        for webhook in orphans:
            self._delete(webhook)
        if len(attempts) <= len(orphans):
            return
        if undecided:
            self._warn(
                f"{before}. These webhooks have the same inputs and may be left over from that: "
                f"{_named(undecided)}. Delete in Truto the ones that no stack manages and nobody else made"
            )
        else:
            self._warn(
                f"{before}, and Truto may still create another webhook, with a secret that no receiver knows. To "
                f"check, {_HOW_TO_LOOK}"
            )

    def _narrow_clock(self, clock: ClockBounds) -> ClockBounds:
        """What all creates say together. One that contradicts the others makes it useless, and so harmless."""
        with self._lock:
            clock = clock if self._clock is None else self._clock.narrowed(clock)
            if clock.resolution == MILLISECOND:
                self._clock = clock
            return clock

    def _list_equal(self, inputs: WebhookInputs) -> list[Webhook]:
        """The webhooks that equal the request and that this process does not know."""
        client = self._client.uncancelled()
        deadline = client.deadline()
        try:
            listed = list(client.iter_webhooks(deadline))
        except InvalidResponseError:
            # Whatever garbled the response to the create may garble the list too.
            if not _wait(client, 1, deadline):
                raise
            listed = list(client.iter_webhooks(deadline))
        with self._lock:
            known: Collection[str] = set(self._known_ids)
        return [each for each in listed if each.id not in known and not has_changes(to_inputs(each), inputs)]

    def _delete(self, webhook: Webhook) -> None:
        try:
            self._client.delete_webhook(webhook.id)
            self._warn(
                f"webhook {webhook.id} was deleted: a failed attempt to create a webhook had left it over, and nobody "
                "knows its secret"
            )
        except NotFoundError:
            pass
        except TrutoError as error:
            self._warn(
                f"webhook {webhook.id} is left over from a failed attempt to create a webhook and could not be deleted "
                f"({error}). Delete it in Truto"
            )

    def _failure(self, error: TrutoError, inputs: WebhookInputs, attempts: Sequence[Attempt]) -> TrutoError:
        """The error to raise: the last one, with what the ambiguous attempts may have left behind."""
        if not attempts:
            return error
        before = f"cannot tell whether the create happened ({error})"
        if attempts[-1].error is not error:
            before += f". Before that, {_describe(attempts)}; the last error was: {str(attempts[-1].error).rstrip('.')}"
        try:
            equal = self._list_equal(inputs)
        except TrutoError as reason:
            return AmbiguousCreateError(
                f"{before}, and the webhooks cannot be listed ({reason}). Before you run `pulumi up` again, "
                f"{_HOW_TO_LOOK}"
            )
        if equal:
            return AmbiguousCreateError(
                f"{before}. These webhooks have the same inputs: {_named(equal)}. Delete in Truto the ones that no "
                "stack manages and nobody else made, then run `pulumi up` again"
            )
        return AmbiguousCreateError(
            f"{before}. No webhook has the same inputs now, but Truto may still create one. Before you run `pulumi up` "
            f"again, {_HOW_TO_LOOK}"
        )


def _wait(client: TrutoClient, retry: int, deadline: float) -> bool:
    """Waits before a retry; ``False`` if no time is left for it, or the client was cancelled."""
    seconds = client.policy.wait_seconds(retry)
    if not client.policy.leaves_time(deadline, after_seconds=seconds):
        return False
    return not client.cancelled.wait(seconds)


def _describe(attempts: Sequence[Attempt]) -> str:
    if len(attempts) == 1:
        return "an attempt with an unknown outcome"
    return f"{len(attempts)} attempts with unknown outcomes"


def _named(webhooks: Sequence[Webhook]) -> str:
    newest = sorted(webhooks, key=lambda each: each.created_at_text or "", reverse=True)
    named = [f"{each.id} (created {each.created_at_text or 'at an unknown time'})" for each in newest[:_MAX_NAMED]]
    more = len(newest) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
