"""Random lives of whole stacks, through the local engine with real processes, faults, outside edits and kills.

`make test` lives a few; ``python -m tests.provider.test_stateful --lives 1000`` (`make soak`) lives many, and prints
figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import requests
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from tests.support.project import URL, Project

#: What every life adds to; printed by the soak.
FIGURES: Counter[str] = Counter()

NAMES = st.sampled_from(["a", "b", "c", "d"])
EVENTS = st.lists(st.sampled_from(["record:created", "record:deleted", "record:*", "sync_job_run:failed"]), max_size=4)
#: Changes of the program: each is the name of a method of `Life` and its arguments.
CHANGES = st.one_of(
    st.tuples(st.just("declare"), NAMES, EVENTS, st.booleans(), st.booleans()),
    st.tuples(st.just("move"), NAMES, st.sampled_from(["1", "2"])),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("rotate"), NAMES),
    st.tuples(st.just("reorder")),
)
OPERATIONS = st.sampled_from(["any", "any", "create", "read", "update", "delete", "list"])
#: How late Truto carries out what a gateway has given up.
LATE_SECONDS = 0.3
#: Faults that end: a fault for ever would only show that nothing works without Truto.
FAULTS = st.sampled_from(
    [
        {"kind": "reset"},
        {"kind": "reset", "processed": True},
        {"kind": "close", "processed": True},
        {"kind": "truncated"},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 502, "processed": True},
        {"kind": "empty", "status": 500},
        {"kind": "empty", "status": 500, "processed": True},
        {"kind": "rate_limited", "retry_after": "0"},
        {"kind": "wrong_types"},
        {"kind": "missing_fields", "fields": ["secret"]},
        {"kind": "missing_fields", "fields": ["id"]},
        {"kind": "not_json"},
        {"kind": "status", "status": 403, "message": "not now"},
        *({"kind": "status", "status": status, "processed": True} for status in (408, 409, 425, 499)),
        {"kind": "status", "status": 504, "processed_after_seconds": LATE_SECONDS},
    ]
)
#: Changes of the world outside.
EVENTS_OUTSIDE = st.one_of(
    st.tuples(st.just("fault"), OPERATIONS, FAULTS, st.integers(1, 2)),
    st.tuples(st.just("edit_outside"), st.integers(0, 9), st.sampled_from(["remove", "deactivate", "change"])),
    st.tuples(st.just("behave"), st.sampled_from([0.0, 1.0]), st.sampled_from([-3.0, 0.0, 3.0])),
)
RUNS = st.one_of(
    st.tuples(st.just("up"), st.booleans()),
    st.tuples(st.just("up"), st.booleans()),
    st.tuples(st.just("preview")),
    st.tuples(st.just("killed"), st.integers(0, 3)),
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Declared:
    """One webhook of the program."""

    path: str = "1"
    events: list[str] = field(default_factory=list)
    active: bool = True
    trigger: int = 0
    second: bool = False


class Life(RuleBasedStateMachine):
    """One stack, from its first program to a last `up` without any fault."""

    @initialize()
    def begin(self) -> None:
        """An empty program, two environments, and webhooks of other people that equal what may be declared."""
        self.folder = tempfile.TemporaryDirectory(prefix="pulumi-truto-life-", ignore_cleanup_errors=True)
        self.sandbox = Sandbox().start()
        self.other = self.sandbox.add_environment("second")
        for environment in (self.sandbox.environment_id, self.other.id):
            self.sandbox.backend.create(environment, {"target_url": f"{URL}/a/1"})
        self.foreign = {webhook.id: repr(webhook) for webhook in self.sandbox.backend.webhooks()}
        self.project = Project("local", self.sandbox, Path(self.folder.name))
        self.declared = {"a": Declared(), "b": Declared(events=["record:*"])}
        self.allowed_orphans = 0
        FIGURES["lives"] += 1
        self.up(refresh=False)

    # One rule only: Hypothesis leaves out some rules in each life, and a life without runs shows nothing.
    @rule(
        changes=st.lists(CHANGES, min_size=1, max_size=3),
        outside=st.lists(EVENTS_OUTSIDE, max_size=3),
        run=RUNS,
    )
    def step(self, changes: list[Any], outside: list[Any], run: Any) -> None:
        """The program changes, the world changes, and something is run."""
        for name, *arguments in [*changes, *outside, run]:
            getattr(self, name)(*arguments)

    # --- the program changes ---

    def declare(self, name: str, events: list[str], active: bool, second: bool) -> None:
        """Declares a webhook, or declares it differently."""
        old = self.declared.get(name, Declared())
        # Another environment needs a new webhook: another provider alone is no change to Pulumi.
        trigger = old.trigger + (second != old.second)
        self.declared[name] = Declared(old.path, events, active, trigger, second)

    def move(self, name: str, path: str) -> None:
        """Declares another URL."""
        if name in self.declared:
            self.declared[name].path = path

    def remove(self, name: str) -> None:
        """Declares a webhook no more."""
        self.declared.pop(name, None)

    def rotate(self, name: str) -> None:
        """Asks for a new secret."""
        if name in self.declared:
            self.declared[name].trigger += 1

    def reorder(self) -> None:
        """Declares the same in another order."""
        self.declared = dict(reversed(self.declared.items()))
        for each in self.declared.values():
            each.events = list(reversed(each.events))

    # --- the world changes ---

    def fault(self, operation: str, fault: dict[str, Any], times: int) -> None:
        """Something will go wrong with the next requests."""
        self.sandbox.inject(operation=operation, times=times, **fault)
        FIGURES["faults"] += times

    def behave(self, lag_seconds: float, skew_seconds: float) -> None:
        """Truto's list lags from now on, or its Date header is wrong, or neither."""
        self.sandbox.backend.change_settings({"list_lag_seconds": lag_seconds, "date_skew_seconds": skew_seconds})

    def edit_outside(self, which: int, edit: str) -> None:
        """Somebody changes one of the stack's webhooks by hand."""
        ours = sorted(each["id"] for each in self.project.managed)
        there = {webhook.id for webhook in self.sandbox.backend.webhooks()}
        ours = [id_ for id_ in ours if id_ in there]
        if not ours:
            return
        id_ = ours[which % len(ours)]
        if edit == "remove":
            self.sandbox.backend.remove(id_)
        else:
            changed = {"is_active": False} if edit == "deactivate" else {"event_types": ["batch_job:failed"]}
            self.sandbox.backend.edit(id_, changed)
        FIGURES["outside edits"] += 1

    # --- runs ---

    def up(self, refresh: bool) -> None:
        """Runs `up`, which may fail for the faults; then does what the messages say."""
        self._run(refresh)

    def preview(self) -> None:
        """A preview changes nothing."""
        time.sleep(2 * LATE_SECONDS)  # until what earlier runs had asked for is carried out
        before = sorted(map(repr, self.sandbox.backend.webhooks()))
        self._write()
        try:
            self.project.preview()
        except CommandError:
            raise AssertionError("a preview makes no call, so no fault can make it fail") from None
        assert sorted(map(repr, self.sandbox.backend.webhooks())) == before

    def killed(self, after: int) -> None:
        """The provider is killed in the middle of a run."""
        self._write()
        hold = self.sandbox.hold(skip=after)
        errors: list[str] = []

        def run() -> None:
            try:
                self.project.stack.up()
            except CommandError as error:
                errors.append(str(error))

        before = {webhook.id for webhook in self.sandbox.backend.webhooks()}
        thread = threading.Thread(target=run)
        thread.start()
        killed = False
        while thread.is_alive() and not killed:
            if hold.held:
                for process in self.project.stack.provider_processes():
                    os.kill(process.pid, signal.SIGKILL)
                killed = True
            time.sleep(0.002)
        thread.join(timeout=60)
        assert not thread.is_alive()
        hold.release()
        if killed and errors:
            FIGURES["kills"] += 1
            # Requests that the killed provider had sent reach Truto all the same, before this one is answered.
            requests.get(f"{self.sandbox.base_url}/__sandbox__/time", timeout=60).raise_for_status()
            state = {each["id"] for each in self.project.managed}
            made = {webhook.id for webhook in self.sandbox.backend.webhooks()} - before - state
            self.allowed_orphans += len(made)
        self._follow("\n".join(errors))

    def teardown(self) -> None:
        """A last `up` without any fault; then Truto has exactly what is declared, and nothing else was touched."""
        if not hasattr(self, "project"):
            return
        try:
            self.sandbox.faults.clear()
            self.behave(0.0, 0.0)
            self._write()
            self.project.up(refresh=True)
            self._check()
        finally:
            FIGURES["operations"] += sum(call.operation != "" for call in self.sandbox.calls)
            self.sandbox.stop()
            self.folder.cleanup()

    def _check(self) -> None:
        outputs = self.project.outputs
        webhooks = {webhook.id: webhook for webhook in self.sandbox.backend.webhooks()}
        for id_, before in self.foreign.items():
            assert repr(webhooks.pop(id_)) == before, "a webhook of somebody else was touched"
        for name, declared in self.declared.items():
            webhook = webhooks.pop(outputs[name]["id"])
            if webhook.secret != outputs[name]["secret"]:
                FIGURES["secrets lost"] += 1
            assert webhook.secret == outputs[name]["secret"]
            assert webhook.target_url == f"{URL}/{name}/{declared.path}"
            assert sorted(webhook.event_types or []) == sorted(set(declared.events))
            assert webhook.is_active is declared.active
            expected = self.other.id if declared.second else self.sandbox.environment_id
            assert webhook.environment_id == expected
        FIGURES["orphans of kills"] += len(webhooks)
        assert len(webhooks) <= self.allowed_orphans, f"orphans: {list(webhooks.values())}"
        assert self.sandbox.token not in self.project.shown
        assert self.project.up().calls == []

    def _run(self, refresh: bool) -> None:
        self._write()
        FIGURES["runs"] += 1
        try:
            text = self.project.up(refresh=refresh).text
        except CommandError as error:
            FIGURES["failed runs"] += 1
            text = str(error)
            assert "Traceback (most recent call last)" not in text or "pulumi_truto.errors." in text, text
        self._follow(text)

    def _follow(self, text: str) -> None:
        """Does what a user is told to do: deletes what a message names as left over, or what no stack manages."""
        for line in text.splitlines():
            looks = "truto.get_webhooks" in line
            if not looks and "equal it" not in line and "left over" not in line:
                continue
            if looks:
                time.sleep(2 * LATE_SECONDS)  # until Truto has completed what it may still complete
            state = {each["id"] for each in self.project.managed}
            there = {webhook.id for webhook in self.sandbox.backend.webhooks()}
            FIGURES["advice followed"] += 1
            for id_ in (there if looks else there & set(UUID.findall(line))) - state - set(self.foreign):
                self.sandbox.backend.remove(id_)

    def _write(self) -> None:
        lines = [f"second = truto.Provider('second', api_token={self.other.token!r})"]
        for name, each in self.declared.items():
            provider = ", provider=second" if each.second else ""
            lines.append(
                f"hook = truto.Webhook({name!r}, {f'{URL}/{name}/{each.path}'!r}, {json.dumps(each.events)}, "
                f"{each.active}, pulumi.ResourceOptions(replacement_trigger={each.trigger + 1}{provider}))"
            )
            lines.append(f"pulumi.export({name!r}, {{'id': hook.id, 'secret': hook.secret}})")
        self.project.program("\n".join(lines))


def live(lives: int, steps: int, *, derandomize: bool) -> None:
    """Lives that many lives of that many steps: the same ones every time, or others."""
    chosen = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=derandomize,
        phases=[Phase.generate],  # shrinking would take hours: a life is dozens of processes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Life, settings=chosen)


def test_random_lives() -> None:
    """After any life, one `up` without faults leaves exactly the declared webhooks, each with its secret."""
    live(lives=5, steps=4, derandomize=True)
    for name in ("runs", "faults"):
        assert FIGURES[name] > 0, f"these lives had no {name}, so they show less than they should"
    assert FIGURES["secrets lost"] == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        live(arguments.lives, arguments.steps, derandomize=False)
    finally:
        for name in (
            *("lives", "runs", "failed runs", "operations", "faults", "outside edits", "kills"),
            *("advice followed", "orphans of kills", "secrets lost"),
        ):
            print(f"{name:>18}: {FIGURES[name]:,}")
        print(f"{'minutes':>18}: {(time.monotonic() - began) / 60:.1f}")
    sys.exit(0)
