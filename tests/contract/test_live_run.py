"""A live run, on a sandbox: what it refuses, how it shows a contradiction, and that it leaves everything as it was."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.contract.client import SIGNALS
from tests.support.commands import REPOSITORY, run

CONSENT = "--yes-create-and-delete"
#: Runs pytest as in a terminal: nohup and background jobs ignore signals, and children inherit that.
CODE = f"""import signal, sys, pytest
for number in {[int(number) for number in SIGNALS]}:
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
sys.exit(pytest.main(["tests/contract", "--live", "-p", "no:cacheprovider", *sys.argv[1:]]))"""


@contextmanager
def live_run(*arguments: str, sandbox: Sandbox, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a live run, and ends it at the end of the block if it still runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRUTO_", "PYTEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
        cwd=REPOSITORY,
        env=environment | {"TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def finish(*arguments: str, sandbox: Sandbox, **env: str) -> tuple[int, str]:
    """The exit code and the output of a live run."""
    with live_run(*arguments, sandbox=sandbox, **env) as process:
        output, _ = process.communicate(timeout=300)
    return process.returncode, output


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        ([CONSENT], {"TRUTO_API_TOKEN": ""}, "TRUTO_API_TOKEN is not set"),
        ([CONSENT], {"TRUTO_BASE_URL": "http://api.example.com"}, "must start with https://"),
        ([], {}, f"creates about 65 webhooks.*deletes them.*{CONSENT}"),
        ([CONSENT, "--port", "8080"], {}, "belong together"),
        ([CONSENT, "-n", "2"], {}, "one process"),
    ],
)
def test_refusal(sandbox: Sandbox, arguments: list[str], env: dict[str, str], message: str) -> None:
    """A run that is not meant, or cannot work, is refused in one line before anything is sent."""
    code, output = finish(*arguments, sandbox=sandbox, **env)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert re.fullmatch(f"ERROR: .*{message}.*\n+", output)
    assert sandbox.count() == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_passes_arguments() -> None:
    """`make verify-live` runs the suite with ARGS."""
    printed = run("make", "--dry-run", "--no-print-directory", "verify-live", f"ARGS={CONSENT}", cwd=REPOSITORY).stdout
    assert re.search(f"pytest tests/contract --live .*{CONSENT}$", printed.splitlines()[-1])


def test_contradiction(sandbox: Sandbox, foreign: list[Any], tmp_path: Path) -> None:
    """A contradicted fact is a failure with the statement and the code that relies on it, and without any secret."""
    sandbox.inject("missing_fields", "create", fields=["secret"], times=0)
    sandbox.inject("status", "update", status=400, message=f"no access with {sandbox.token}")
    file = tmp_path / "report.xml"
    test_names = "has_the_secret or switched_on or delete_response"
    code, output = finish(CONSENT, "-k", test_names, f"--junitxml={file}", sandbox=sandbox)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 1 passed" in output
    assert "test_delete_response[live]: 200" in output
    for text in (output, file.read_text(encoding="utf-8")):
        assert "expected: The response to a create has the secret, a string that is not empty." in text
        assert "relied on by: pulumi_truto/api/models.py" in text
        assert "no access with [token]" in text
        assert sandbox.token not in text
    assert sandbox.webhooks() == foreign


@pytest.mark.parametrize(("operation", "number"), [*zip(("update", "create", "delete"), SIGNALS, strict=False)])
def test_signal(sandbox: Sandbox, foreign: list[Any], operation: str, number: signal.Signals) -> None:
    """A signal lets the request in flight end; the run's webhooks are deleted, also if another signal follows."""
    with sandbox.hold(operation) as hold, live_run(CONSENT, sandbox=sandbox) as process:
        hold.wait_for(1)
        process.send_signal(number)
        with sandbox.hold("list") as listing:
            hold.release()
            listing.wait_for(1)
            process.send_signal(number)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "stopping: cleaning up, please wait" in output
    assert sandbox.webhooks() == foreign


@pytest.mark.parametrize("fault", [{"kind": "reset", "processed": True}, {"kind": "other_id"}])
def test_create_with_an_unknown_outcome(sandbox: Sandbox, foreign: list[Any], fault: dict[str, object]) -> None:
    """The list shows the webhook of a create without a good response. A webhook that the response names is kept."""
    sandbox.inject(operation="create", **fault)  # type: ignore[arg-type]  # the fields of a fault
    code, output = finish(CONSENT, "-k", "switched_on", "--settle-seconds=1", sandbox=sandbox)
    assert (code, sandbox.count("delete")) == (pytest.ExitCode.TESTS_FAILED, 1), output
    assert sandbox.webhooks() == foreign


@pytest.mark.parametrize(
    ("operation", "test_name", "noun"),
    [("delete", "switched_on", "webhook"), ("delete_destination", "type_cannot", "notification destination")],
)
def test_orphans(sandbox: Sandbox, foreign: list[Any], operation: str, test_name: str, noun: str) -> None:
    """If a webhook or a destination cannot be deleted, the run names it and fails."""
    sandbox.inject("status", operation, times=0)
    code, output = finish(CONSENT, "-k", test_name, "--settle-seconds=1", sandbox=sandbox)
    items = [*sandbox.webhooks(), *sandbox.backend.notification_destinations.items()]
    [orphan] = [item for item in items if item not in foreign]
    assert code == pytest.ExitCode.TESTS_FAILED
    assert f"NOT DELETED, or still listed: {orphan.id}. Delete every {noun} with" in output
