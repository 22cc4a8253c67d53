"""Every fact can be contradicted: by a fault of the sandbox, or by a response that is altered on its way."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.contract.alterations import CONTRADICTIONS
from tests.contract.altering_proxy import altering_proxy
from tests.contract.fact import Result
from tests.contract.facts import FACTS
from tests.contract.harness import REPOSITORY, add_foreign_webhooks, left, observations, probe


@pytest.mark.parametrize("name", [fact.name for fact in FACTS])
def test_fact_is_contradicted(name: str) -> None:
    """The fact is contradicted, so the exit code is 1. The environment is as before all the same."""
    truto = CONTRADICTIONS[name]
    with Sandbox(clock=truto.clock()) as sandbox, altering_proxy(sandbox, truto.alter()) as proxy:
        foreign = add_foreign_webhooks(sandbox)
        other_token = sandbox.add_environment("other").token
        if truto.fault is not None:
            sandbox.inject(**truto.fault)
        outcome = probe(
            sandbox, name, *truto.also, base_url=proxy.base_url, other_token=other_token, settle_seconds=0.3
        )
        assert observations(outcome)[name].result is Result.CONTRADICTED, observations(outcome)
        assert outcome.exit_code == 1
        assert left(sandbox, foreign) == []


def test_every_contradiction_is_of_a_fact() -> None:
    """No alteration is for a fact that there is no longer."""
    assert set(CONTRADICTIONS) == {fact.name for fact in FACTS}


def test_names_are_unique() -> None:
    """Each fact has its own name and says something else."""
    for values in ([fact.name for fact in FACTS], [fact.statement for fact in FACTS]):
        assert [value for value, times in Counter(values).items() if times > 1] == []


@pytest.mark.parametrize("place", sorted({fact.place for fact in FACTS}))
def test_place_in_the_code_exists(place: str) -> None:
    """The file and the name in it, on which a fact says that the code rests, exist."""
    path, _, name = place.partition("::")
    assert re.search(rf"\b{name}\b", (REPOSITORY / path).read_text(encoding="utf-8"))
