"""The pytest plugin: the fixtures `truto_sandbox`, `pulumi_stack`, `pulumi_mocks`, and the option ``--pulumi-engine``.

pytest loads this module in every environment with pulumi_truto, so it imports nothing before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pulumi.runtime.mocks import Mocks

    from pulumi_truto.sandbox import Sandbox
    from pulumi_truto.testing.mocks import PulumiMocks
    from pulumi_truto.testing.stack import Engine, ProgramStack


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--pulumi-engine``."""
    group = parser.getgroup("pulumi_truto", "tests of Pulumi programs")
    group.addoption(
        "--pulumi-engine",
        choices=["auto", "cli", "local"],
        default="auto",
        help="the engine for the programs of `pulumi_stack`: the Pulumi CLI, the local engine, or the CLI if it is "
        "on PATH (default)",
    )


@pytest.fixture
def truto_sandbox() -> Iterator[Sandbox]:
    """A Truto API for this test, on this machine."""
    from pulumi_truto.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def pulumi_mocks() -> Iterator[PulumiMocks]:
    """Sets Pulumi's mocks for one test, with an event loop, and resets everything afterwards.

    Call it before the code that declares resources. It returns the mocks. Arguments:

    - ``mocks``: a `pulumi.runtime.Mocks`. Default: a `RecordingMocks`, which returns the inputs as outputs.
    - ``project``, ``stack``: the names of project and stack.
    - ``preview``: whether this is a preview.
    - ``config``, ``secrets``: the stack's configuration, by key.

    ``pulumi_mocks.value(output)`` waits for all resources and returns the value of an output, and
    ``pulumi_mocks.outputs()`` returns the program's exports. Async tests of pytest-asyncio and anyio work too, on the
    event loop of asyncio.
    """
    from pulumi_truto.testing.mocks import PulumiMocks

    with PulumiMocks() as mocks:
        yield mocks


@pytest.fixture
def pulumi_stack(
    request: pytest.FixtureRequest, tmp_path: Path, truto_sandbox: Sandbox
) -> Iterator[Callable[..., ProgramStack]]:
    """Opens stacks of Pulumi programs, wired to `truto_sandbox`.

    Call it with the folder of a ``Pulumi.yaml``, relative to the folder of the test or of pytest's configuration. It
    returns a `pulumi_truto.testing.stack.ProgramStack`. Arguments:

    - ``config``, ``secrets``: the stack's configuration, by key.
    - ``name``: the stack's name; by default "test".
    - ``env``: additional environment variables of the program and the providers.
    - ``mocks``: a `pulumi.runtime.Mocks` that serves the resources of other providers. It needs the local engine.

    The program runs in its own place. Configuration, state and settings are in a folder of the test: nothing of yours
    is changed.
    """
    from pulumi_truto.testing.stack import ProgramStack

    opened: list[ProgramStack] = []

    def open_program(
        program: str | Path,
        *,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
        name: str = "test",
        env: Mapping[str, str] | None = None,
        mocks: Mocks | None = None,
    ) -> ProgramStack:
        engine = _engine(request.config.getoption("--pulumi-engine"), has_mocks=mocks is not None)
        opened.append(
            ProgramStack(
                engine,
                program,
                tmp_path / f"pulumi-{len(opened)}",
                truto_sandbox,
                folders=(request.path.parent, request.config.rootpath),
                name=name,
                config=config,
                secrets=secrets,
                env=env,
                mocks=mocks,
            )
        )
        return opened[-1]

    yield open_program
    for stack in opened:
        stack.clean_up()


def _engine(option: str, *, has_mocks: bool) -> Engine:
    from pulumi_truto.testing.stack import cli_version

    if has_mocks:
        if option == "cli":
            pytest.skip("mocks need the local engine: the Pulumi CLI runs the plugins of other providers")
        return "local"
    if option == "cli" and cli_version() is None:
        pytest.fail("--pulumi-engine=cli: there is no Pulumi CLI on PATH that can run Python programs", pytrace=False)
    if option == "local" or cli_version() is None:
        return "local"
    return "cli"
