"""Cancellation of a run by Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.programs import webhooks_program
from tests.support.project import Project, ProviderKind

HANDLED = "the signal is handled"
RUNNER = f"""
    import sys
    from pathlib import Path
    from pulumi.automation import CommandError, ConfigValue
    from pulumi_truto.testing import open_stack
    work_dir, home, token, base_url = sys.argv[1:]
    stack = open_stack("local", Path(work_dir), Path(home))
    stack.set_config("truto:apiToken", ConfigValue(token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(base_url))
    cancel = stack.cancel
    def cancel_and_print():
        cancel()
        print({HANDLED!r}, flush=True)
    stack.cancel = cancel_and_print
    try:
        stack.up(parallel=4, on_output=lambda line: print(line, flush=True))
    except CommandError:
        sys.exit(255)
"""


def processes_with(variable: str) -> set[int]:
    """The processes that were started with this environment variable, or forked off such a process."""
    pids = set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                pids.add(int(folder.name))
    return pids


def wait_until_ended(variable: str) -> None:
    """Waits until there is no process with this environment variable."""
    deadline = time.monotonic() + 60
    while processes_with(variable):
        assert time.monotonic() < deadline, "a process is still running"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_lets_operations_in_flight_finish(
    provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    """After Ctrl-C or SIGTERM during up, creates in flight finish, the state has them, and no process remains."""
    project = Project("local", sandbox, tmp_path, provider_kind=provider_kind)
    project.program(webhooks_program(30))
    arguments = [project.work_dir, project.folder / "home", project.sandbox.token, project.sandbox.base_url]
    variable = f"TEST_RUN={tmp_path.name}"
    with (
        sandbox.hold("create", skip=2) as hold,
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(RUNNER), *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TRUTO_API_TOKEN": "", "TRUTO_BASE_URL": "", "TEST_RUN": tmp_path.name},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            hold.wait_for(4)
            assert len(processes_with(variable) - {process.pid}) >= 2  # the program and the provider
            process.send_signal(number)
            output = ""
            for line in process.stdout:
                output += line
                if line.strip() == HANDLED:
                    hold.release()
            assert process.wait(timeout=60) == 255
        finally:
            process.kill()
    assert f"cancelled by {number.name}" in output
    created_ids = {webhook.id for webhook in project.sandbox.backend.webhooks()}
    assert len(created_ids) == 6  # two had finished before the signal, four were in flight
    assert {resource["id"] for resource in project.managed} == created_ids
    wait_until_ended(variable)
    project.up()
    assert len(project.sandbox.backend.webhooks()) == 30
