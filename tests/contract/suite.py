"""Probes the facts one after the other, and cleans up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tests.contract.api import Api
from tests.contract.cleanup import Cleanup, clean_up
from tests.contract.control import Control, Stopped
from tests.contract.fact import Contradiction, Fact, Finding, NotObservable, Result
from tests.contract.facts import FACTS
from tests.contract.journal import Journal
from tests.contract.receiver import Receiver
from tests.contract.run import Run, iter_pages

__all__ = ["WEBHOOKS", "Options", "Outcome", "Unusable", "verify"]

#: About as many webhooks are made by all facts together.
WEBHOOKS: Final = 65
_WRONG_TOKEN: Final = "truto-contract-no-such-token"


@dataclass(frozen=True)
class Options:
    """What to verify.

    Attributes:
        base_url: the API, without a trailing slash.
        token: the API token of an environment for tests.
        other_token: a token of another environment.
        receiver: gets test events, if the API can reach one.
        facts: the facts to probe.
        settle_seconds: how long to wait until something that was written is seen, and for a create without a response.
        time_limit_seconds: no fact is probed later than this.
    """

    base_url: str
    token: str = field(repr=False)
    other_token: str | None = field(default=None, repr=False)
    receiver: Receiver | None = None
    facts: Sequence[Fact] = FACTS
    settle_seconds: float = 30.0
    time_limit_seconds: float = 300.0


class Unusable(Exception):
    """The API cannot be used with this token. Nothing was created."""


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        run_id: part of the URL of each of its webhooks.
        findings: the facts that were probed.
        made: the number of webhooks that were made.
        cleanup: what is left of them.
        signal: the signal that ended the run early.
    """

    base_url: str
    run_id: str
    findings: Sequence[tuple[Fact, Finding]]
    made: int
    cleanup: Cleanup
    signal: int | None

    def count(self, result: Result) -> int:
        """The number of facts with this result."""
        return sum(finding.result is result for _, finding in self.findings)

    @property
    def failed_requests(self) -> int:
        """The number of facts that were not observed because a request failed."""
        return sum(finding.has_failed_request for _, finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 if nothing is contradicted, no request failed and nothing is left, 1 if not; 128 + n after signal n."""
        if self.signal is not None:
            return 128 + self.signal
        is_clean = not self.cleanup.left and not self.cleanup.problem
        return int(bool(self.count(Result.CONTRADICTED) or self.failed_requests or not is_clean))


def verify(
    options: Options,
    control: Control,
    *,
    on_finding: Callable[[Fact, Finding], None],
    say: Callable[[str], None],
) -> Outcome:
    """Probes the facts. Whatever happens, the webhooks of the run are deleted.

    Args:
        options: what to verify.
        control: stops the run.
        on_finding: called for each fact.
        say: shows the user a line.

    Raises:
        Unusable: nothing can be verified.
    """
    run = _start(options, control)
    findings: list[tuple[Fact, Finding]] = []
    try:
        _check_access(run)
        for fact in options.facts:
            finding = fact.check(run)
            run.delete_all()
            finding = replace(finding, observed=run.journal.redact(finding.observed))
            findings.append((fact, finding))
            on_finding(fact, finding)
    except Stopped:
        pass
    except Unusable:
        raise
    except BaseException:
        for line in _clean_up(run, say).lines(run.run_id):
            say(line)
        raise
    cleanup = _clean_up(run, say)
    return Outcome(options.base_url, run.run_id, findings, len(run.journal.made), cleanup, control.signal)


def _start(options: Options, control: Control) -> Run:
    journal = Journal()
    journal.secrets |= {token for token in (options.token, options.other_token) if token}
    base_url = options.base_url
    other_api = Api(base_url, options.other_token, journal, control, is_own=False) if options.other_token else None
    return Run(
        run_id=f"c{uuid.uuid4().hex[:16]}",
        api=Api(base_url, options.token, journal, control),
        wrong_api=Api(base_url, _WRONG_TOKEN, journal, control, is_own=False),
        journal=journal,
        control=control,
        settle_seconds=options.settle_seconds,
        other_api=other_api,
        receiver=options.receiver,
    )


def _clean_up(run: Run, say: Callable[[str], None]) -> Cleanup:
    cleanup = clean_up(run, say)
    return replace(cleanup, problem=run.journal.redact(cleanup.problem))


def _check_access(run: Run) -> None:
    for name, api in (("TRUTO_API_TOKEN", run.api), ("TRUTO_OTHER_API_TOKEN", run.other_api)):
        try:
            if api is not None:
                next(iter_pages(api, limit="1"))
        except (Contradiction, NotObservable) as error:
            raise Unusable(run.journal.redact(f"the API cannot be used with {name}: {error}")) from None
