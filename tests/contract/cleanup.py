"""Deletes every webhook of a run, and proves by the list that none is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pulumi_truto.urls import ID
from tests.contract.api import Api
from tests.contract.fact import Contradiction, NotObservable, RequestFailed
from tests.contract.run import Run, iter_pages
from tests.contract.seen import Seen

__all__ = ["Cleanup", "clean_up"]

_POLL_SECONDS: Final = 0.5
#: A request that fails is repeated at least as long.
_MIN_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Cleanup:
    """The result of the cleanup.

    Attributes:
        left: the ids of the webhooks that are, or may be, left.
        problem: why it cannot be known whether others are; "" if it is known.
    """

    left: tuple[str, ...] = ()
    problem: str = ""

    def lines(self, run_id: str) -> list[str]:
        """What the user has to do; nothing if all is clean."""
        lines = []
        if self.left:
            named = ", ".join(self.left)
            lines.append(f"NOT DELETED, or still listed: webhook {named}. Delete in Truto what has {run_id} in its URL")
        if self.problem:
            lines.append(f"NOT PROVED that no webhook with {run_id} in its URL is left ({self.problem}). Look in Truto")
        return lines


def clean_up(run: Run, say: Callable[[str], None]) -> Cleanup:
    """Deletes the webhooks of the run.

    Args:
        run: the run. From now on neither a signal nor its time limit stops a request.
        say: shows the user a line.
    """
    run.control.is_cleaning_up = True
    apis = [run.api] if run.other_api is None else [run.api, run.other_api]
    started = time.monotonic()
    is_announced = False
    while True:
        for id_ in [*run.journal.existing]:
            _delete(run, id_)
        listed, problem = _find(run, apis)
        seconds = time.monotonic() - started
        if not listed and not run.journal.existing and not problem:
            if run.journal.unresolved_creates <= 0 or seconds > run.settle_seconds:
                return Cleanup()
        elif seconds > max(run.settle_seconds, _MIN_SECONDS):
            return Cleanup(tuple(sorted({*listed, *run.journal.existing})), problem)
        if run.journal.unresolved_creates > 0 and not is_announced:
            is_announced = True
            say(f"cleaning up: a create may still succeed, waiting up to {run.settle_seconds:g} s for it")
        run.control.sleep(_POLL_SECONDS)


def _delete(run: Run, id_: str) -> None:
    """Attempts to delete a webhook. If it fails, the journal still has it."""
    api = run.journal.existing[id_]
    try:
        if id_ in run.journal.verified or _verify(run, id_, api):
            api.send("DELETE", f"/webhook/{id_}")
    except (Contradiction, RequestFailed):
        return


def _verify(run: Run, id_: str, api: Api) -> bool:
    """Whether a read shows that the webhook is of this run. Until it does, somebody else's could have this id."""
    exchange = api.send("GET", f"/webhook/{id_}")
    if exchange.is_success and _is_own(run, Seen.of(exchange.body, str(exchange)).target_url):
        run.journal.verified.add(id_)
        return True
    if exchange.is_success or exchange.status == 404:
        run.journal.disown(id_)
    return False


def _find(run: Run, apis: list[Api]) -> tuple[list[str], str]:
    """The webhooks of this run in the list, which the journal has from now on, and why there may be others."""
    found: list[str] = []
    for api in apis:
        try:
            items = [item for page in iter_pages(api, limit="100") for item in page.items]
        except (Contradiction, NotObservable) as error:
            return found, str(error)
        for item in items:
            id_ = item.get("id")
            if isinstance(id_, str) and ID.fullmatch(id_) and _is_own(run, item.get("target_url")):
                run.journal.find(id_, api)
                found.append(id_)
    return found, ""


def _is_own(run: Run, url: object) -> bool:
    return isinstance(url, str) and run.run_id in url.lower()
