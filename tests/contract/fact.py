"""A fact about Truto that the code rests on, and what a probe finds about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.run import Run

__all__ = [
    "Contradiction",
    "Fact",
    "Finding",
    "NotObservable",
    "RequestFailed",
    "Result",
    "confirmed",
    "contradicted",
    "not_observable",
    "rests_on",
]


class Result(str, Enum):
    """What a probe finds.

    A fact is confirmed if Truto does something that the code tolerates; what was observed says which variant it is.
    """

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True)
class Finding:
    """The result of a probe.

    Attributes:
        observed: what was observed, or why nothing was, in a few words.
        has_failed_request: nothing was observed because a request failed. Another run may observe it.
    """

    result: Result
    observed: str
    has_failed_request: bool = False


class Contradiction(Exception):
    """Truto does what the code does not tolerate. The message says what was observed."""


class NotObservable(Exception):
    """This run cannot observe the fact. The message says why."""


class RequestFailed(NotObservable):
    """A request had no response, or one that says nothing about Truto's rules, such as a 503."""


def confirmed(observed: str) -> Finding:
    """The observation is within what the code tolerates."""
    return Finding(Result.CONFIRMED, observed)


def contradicted(observed: str) -> Finding:
    """The observation is not within what the code tolerates."""
    return Finding(Result.CONTRADICTED, observed)


def not_observable(reason: str) -> Finding:
    """Nothing was observed."""
    return Finding(Result.NOT_OBSERVABLE, reason)


Probe = Callable[["Run"], Finding]


@dataclass(frozen=True)
class Fact:
    """A fact.

    Attributes:
        name: its name in the table.
        statement: what the code rests on: one sentence.
        place: where it does: a path in the repository, ``::`` and a name in that file.
        probe: observes it.
    """

    name: str
    statement: str
    place: str
    probe: Probe

    def check(self, run: Run) -> Finding:
        """What the probe finds; also if it ends early."""
        try:
            return self.probe(run)
        except Contradiction as observed:
            return contradicted(str(observed))
        except NotObservable as reason:
            return Finding(Result.NOT_OBSERVABLE, str(reason), isinstance(reason, RequestFailed))


def rests_on(place: str) -> Callable[[Probe], Fact]:
    """Makes a fact of a probe, whose docstring is the statement.

    Args:
        place: see `Fact`.
    """

    def make(probe: Probe) -> Fact:
        statement = " ".join((probe.__doc__ or "").split())
        return Fact(probe.__name__.replace("_", "-"), statement, place, probe)

    return make
