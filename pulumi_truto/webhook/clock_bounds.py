"""Deduces Truto's clock from the ``created_at`` of new webhooks, and decides which webhooks are orphans of a create.

Only Truto's clock decides: the ``created_at`` of a successful attempt tells what the clock showed while that request
was in flight, and so what it showed during the attempts before. Unless it is known to less than half a second, nothing
is an orphan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pulumi_truto.errors import TrutoError

if TYPE_CHECKING:
    from pulumi_truto.api.client import CreatedWebhook
    from pulumi_truto.api.models import Webhook

__all__ = ["MILLISECOND", "Attempt", "ClockBounds"]

MILLISECOND: Final = timedelta(milliseconds=1)
#: The shortest wait between two attempts: what others create in that wait must not look like an orphan of the attempt
#: before it.
_PRECISION: Final = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Attempt:
    """An attempt with an unknown outcome. Times are in seconds of `time.monotonic`."""

    started: float
    ended: float
    error: TrutoError


@dataclass(frozen=True)
class ClockBounds:
    """What Truto's clock showed at the zero of `time.monotonic`.

    Attributes:
        earliest: the lower bound; ``None`` if nothing is known.
        latest: the upper bound.
        resolution: of ``created_at``: a millisecond, or a second where Truto writes no fractions.
    """

    earliest: datetime | None
    latest: datetime | None
    resolution: timedelta

    @classmethod
    def of(cls, created: CreatedWebhook, resolution: timedelta) -> ClockBounds:
        """The bounds from one new webhook; unknown if its time is missing or out of range."""
        moment = created.webhook.created_at
        if moment is None:
            return cls(None, None, resolution)
        try:
            earliest = moment - timedelta(seconds=created.responded_at)
            return cls(earliest, moment + resolution - timedelta(seconds=created.sent_at), resolution)
        except OverflowError:
            return cls(None, None, resolution)

    def narrowed(self, other: ClockBounds) -> ClockBounds:
        """What both say together."""
        if self.earliest is None or self.latest is None or other.earliest is None or other.latest is None:
            return other if self.earliest is None else self
        return ClockBounds(
            max(self.earliest, other.earliest), min(self.latest, other.latest), min(self.resolution, other.resolution)
        )

    def find_orphans(
        self, equal: Sequence[Webhook], attempts: Sequence[Attempt]
    ) -> tuple[list[Webhook], list[Webhook]]:
        """The orphans of the attempts, and the webhooks for which that cannot be decided. All others are not ours.

        Args:
            equal: the webhooks that equal the request, without those that this process knows.
            attempts: the attempts with an unknown outcome, oldest first.
        """
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
                continue  # older than the first attempt
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
        return timedelta() <= self.latest - self.earliest < _PRECISION

    def _local_span(self, created_at: datetime | None) -> tuple[float, float] | None:
        """When that was on this machine's clock, at the earliest and at the latest."""
        if created_at is None or self.earliest is None or self.latest is None:
            return None
        latest = (created_at - self.earliest).total_seconds() + self.resolution.total_seconds()
        return (created_at - self.latest).total_seconds(), latest
