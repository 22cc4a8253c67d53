"""Fixtures that provide a sandbox, and projects on every engine that the machine has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine, cli_version
from tests.support.project import Project, ProviderKind

#: Pulumi's generator chose a name there that pytest takes for tests.
collect_ignore = ["support/generated"]
#: The slowest test files, starting with the slowest.
LONGEST = (
    "test_language_hosts.py",
    "test_packaging.py",
    "test_crash_points.py",
    "test_differential.py",
    "test_docs_site.py",
    "test_recorded_states.py",
    "test_cancellation.py",
    "test_failures.py",
    "test_safety.py",
    "test_secrets.py",
    "test_drift.py",
    "test_lifecycle.py",
    "test_event_types.py",
    "test_retries.py",
    "test_proxies_and_tls.py",
    "test_rotation.py",
    "test_stateful.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--record`, which replaces what tests compare with."""
    parser.addoption("--record", action="store_true", help="record what the Pulumi CLI on PATH does or generates")


def pytest_xdist_auto_num_workers() -> int:
    """Starts two workers per core for `-n auto`, as many tests mostly wait for other processes and for time-outs."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the slowest files first, so that none of them keeps one worker busy after all others have finished."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local Truto API for one test."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(params=["local", "cli"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The local engine, and the Pulumi CLI if one is on PATH."""
    if request.param == "cli" and cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    engine: Engine = request.param
    return engine


@pytest.fixture(params=["dynamic", "native"])
def provider_kind(request: pytest.FixtureRequest) -> ProviderKind:
    """Both provider kinds."""
    provider_kind: ProviderKind = request.param
    return provider_kind


@pytest.fixture
def project(engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A Pulumi project on the sandbox, for each engine and provider kind."""
    return Project(engine, sandbox, tmp_path, provider_kind=provider_kind)


@pytest.fixture
def local_project(sandbox: Sandbox, tmp_path: Path) -> Project:
    """A Pulumi project on the sandbox that uses the dynamic provider, on the local engine only."""
    return Project("local", sandbox, tmp_path)


@pytest.fixture
def native_project(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A Pulumi project on the sandbox that uses the native plugin, for each engine."""
    return Project(engine, sandbox, tmp_path, provider_kind="native")


@pytest.fixture
def new_project(
    engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path
) -> Callable[..., Project]:
    """A function that creates projects on the same sandbox; its keyword arguments are environment variables."""
    numbers = count()

    def create(**env: str) -> Project:
        return Project(engine, sandbox, tmp_path / str(next(numbers)), env, provider_kind)

    return create
