"""Every state that a released version left behind works with this version, on every Python and pickle protocol.

With the Pulumi CLI on PATH, `pytest tests/provider/test_recorded_states.py --record` records those of this version.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from pulumi_truto.testing import Engine, cli_version
from pulumi_truto.version import __version__
from tests.support.project import ProviderKind
from tests.support.recorded_states import (
    FOLDER,
    WEBHOOKS,
    RecordedState,
    alternately_pickled,
    open_recorded,
    pickled_with,
    program,
    record,
)
from tests.support.sandbox_client import running_receiver

RECORDINGS: Final = sorted(FOLDER.glob("*.json"))
#: How the provider is pickled into the state: 4 is the default of Python 3.10 to 3.13, and 5 that of 3.14.
PICKLED: Final[dict[str, Any]] = {
    "as recorded": lambda _, text: text,
    "protocol 4": pickled_with(4),
    "protocol 5": pickled_with(5),
    "both": alternately_pickled,
}


def cases() -> list[Any]:
    """Every recording; those of the dynamic provider with each way of pickling it."""
    return [
        pytest.param(file, pickled, id=f"{file.stem}, {pickled}")
        for file in RECORDINGS
        for pickled in (PICKLED if file.stem.endswith("dynamic") else ["as recorded"])
    ]


@pytest.mark.parametrize("kind", ["dynamic", "native"])
def test_states_of_this_version_are_recorded(
    kind: ProviderKind, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """There is a recording of this version; `--record` makes it."""
    if request.config.getoption("--record"):
        assert cli_version() is not None, "needs the Pulumi CLI on PATH"
        with running_receiver() as receiver:
            record(kind, tmp_path, receiver.url)
    file = FOLDER / f"{__version__}-{kind}.json"
    assert file.exists(), f"record it: pytest {Path(__file__).name} --record, with the Pulumi CLI on PATH"
    assert json.loads(file.read_text(encoding="utf-8"))["recorded_with"]["pulumi_truto"] == __version__


@pytest.mark.parametrize(("file", "pickled"), cases())
def test_recorded_state_works(file: Path, pickled: str, engine: Engine, tmp_path: Path) -> None:
    """A recorded state is unchanged without a call, is updated in place, does not drift, and is destroyed."""
    with open_recorded(file, engine, tmp_path, PICKLED[pickled]) as recorded:
        check_life(recorded)


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
def test_recorded_provider_reads_and_deletes(file: Path, engine: Engine, tmp_path: Path) -> None:
    """A refresh and a destroy, which run the recorded providers, find the webhooks, and notice a deleted one."""
    with open_recorded(file, engine, tmp_path) as recorded:
        project, sandbox = recorded.project, recorded.project.sandbox
        outcome = project.refresh()
        assert set(outcome.changes) == {"same"}, outcome.text
        assert recorded.outputs == recorded.recorded_outputs
        staging = recorded.recording["environments"][1]
        # The only webhook of its environment: nothing but its fingerprint in the state proves that the token is right.
        [id_] = [webhook.id for webhook in sandbox.webhooks() if webhook.environment_id == staging]
        sandbox.backend.remove(id_)
        outcome = project.refresh()
        assert outcome.changes["delete"] == 1, outcome.text
        assert set(project.destroy().calls) == {"list_triggers", "delete"}
        assert project.managed == []


def check_life(recorded: RecordedState) -> None:
    """Takes a stack from its recorded state to its end."""
    project = recorded.project
    for run in (project.preview, project.up):
        outcome = run()
        # The version of the SDK is an input of the plugin's explicit provider.
        assert outcome.changes.pop("update", 0) <= (project.provider_kind == "native"), outcome.text
        assert set(outcome.changes) == {"same"}, outcome.text
        assert outcome.calls == []

    project.program(program(recorded.recording, is_active=False))
    outcome = project.up()
    assert outcome.changes["update"] == WEBHOOKS, outcome.text
    assert not {"create", "delete", "replace"} & set(outcome.changes)
    assert Counter(outcome.calls) == {"update": WEBHOOKS}
    assert {webhook.id: webhook.secret for webhook in project.sandbox.webhooks()} == recorded.secrets
    assert not any(webhook.is_active for webhook in project.sandbox.webhooks())
    outputs = recorded.outputs
    for id_, old_outputs in recorded.recorded_outputs.items():
        updated_at, is_active = map(project.name_of, ("updated_at", "is_active"))
        assert outputs[id_] == {**old_outputs, is_active: False, updated_at: outputs[id_][updated_at]}
    assert project.outputs["secret"] == recorded.secrets[project.outputs["id"]]

    outcome = project.refresh()
    assert set(outcome.changes) == {"same"}, outcome.text
    assert set(outcome.calls) <= {"read", "list"}
    assert project.preview().calls == []

    outcome = project.destroy()
    assert set(outcome.calls) == {"list_triggers", "delete"}
    assert project.sandbox.webhooks() == []
    assert project.managed == []
