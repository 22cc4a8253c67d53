"""Fixtures: a sandbox, and projects on every engine that this machine has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_truto.local_engine.open_stack import Engine, cli_version
from pulumi_truto.sandbox import Sandbox
from tests.support.project import Project, ProviderKind

#: The files whose tests take longest.
LONGEST = (
    "test_packaging.py",
    "test_scenarios.py",
    "test_differential.py",
    "test_fault_matrix.py",
    "test_create_once.py",
    "test_client.py",
    "test_safety.py",
    "test_engine.py",
    "test_random_lives.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that no worker is alone with one of them at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local Truto of the test's own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(params=["local", "cli"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The local engine always, and the real Pulumi CLI wherever one is on PATH."""
    if request.param == "cli" and cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    engine: Engine = request.param
    return engine


@pytest.fixture(params=["dynamic", "native"])
def provider_kind(request: pytest.FixtureRequest) -> ProviderKind:
    """Both ways in."""
    provider_kind: ProviderKind = request.param
    return provider_kind


@pytest.fixture
def project(engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A Pulumi project on the sandbox, once for each engine and way in."""
    return Project(engine, sandbox, tmp_path, provider_kind=provider_kind)


@pytest.fixture
def local_project(sandbox: Sandbox, tmp_path: Path) -> Project:
    """A Pulumi project on the sandbox, on the local engine only."""
    return Project("local", sandbox, tmp_path)


@pytest.fixture
def new_project(
    engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path
) -> Callable[..., Project]:
    """Makes further projects, each in a folder of its own."""
    made = iter(range(100))

    def make(**env: str) -> Project:
        return Project(engine, sandbox, tmp_path / str(next(made)), env, provider_kind)

    return make


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record` writes down what the Pulumi CLI does, for the differential test."""
    parser.addoption(
        "--record", action="store_true", help="record what the Pulumi CLI does in tests/local_engine/differential"
    )


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: twice the cores, as many tests wait most of their time for faults, limits and other processes."""
    return 2 * (os.cpu_count() or 1)
