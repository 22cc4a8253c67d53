"""The command line: what it refuses, what it shows, and what it never shows."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.contract.altering_proxy import altering_proxy
from tests.contract.facts import FACTS
from tests.contract.harness import REPOSITORY, add_foreign_webhooks, command, left
from tests.support.commands import run
from tests.support.sandbox_client import unreachable_url

CONSENT = "--yes-create-and-delete"


def refusal(*arguments: str | Path, sandbox: Sandbox | None = None, **env: Any) -> str:
    """What the command says when it refuses to run: one line, exit code 2, and nothing was created."""
    with command(*arguments, sandbox=sandbox, **env) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    assert output == ""
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert sandbox is None or sandbox.count() == 0
    return errors


@pytest.mark.parametrize("env", [{}, {"TRUTO_API_TOKEN": ""}], ids=["unset", "empty"])
def test_no_token(env: dict[str, Any]) -> None:
    """Without a token the suite says what to set."""
    assert "TRUTO_API_TOKEN is not set" in refusal(CONSENT, **env)


def test_no_consent(sandbox: Sandbox) -> None:
    """Without consent the suite says what it would do, and where."""
    errors = refusal(sandbox=sandbox)
    assert "creates about 65 webhooks" in errors
    assert "deletes them" in errors
    assert sandbox.base_url in errors
    assert CONSENT in errors


def test_refused_settings(sandbox: Sandbox, tmp_path: Path) -> None:
    """Settings that cannot work are refused before anything is sent."""
    assert "must start with https://" in refusal(CONSENT, sandbox=sandbox, TRUTO_BASE_URL="http://api.example.com")
    assert "line break" in refusal(CONSENT, sandbox=sandbox, TRUTO_API_TOKEN="abc\n")
    assert "TRUTO_OTHER_API_TOKEN" in refusal(CONSENT, sandbox=sandbox, TRUTO_OTHER_API_TOKEN="a b")
    assert "belong together" in refusal(CONSENT, "--port", "8080", sandbox=sandbox)
    assert "cannot write" in refusal(CONSENT, "--json", tmp_path / "missing" / "file.json", sandbox=sandbox)


def test_tunnel_that_leads_elsewhere(sandbox: Sandbox) -> None:
    """A public URL that does not lead to the port is refused: it would look as if Truto delivered nothing."""
    errors = refusal(CONSENT, "--public-url", unreachable_url(), "--port", "0", sandbox=sandbox)
    assert "--public-url does not lead to --port" in errors


def test_port_that_is_not_free(sandbox: Sandbox) -> None:
    """A port that another program uses is refused."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        errors = refusal(CONSENT, "--public-url", f"http://127.0.0.1:{port}", "--port", port, sandbox=sandbox)
    assert f"cannot listen on port {port}" in errors


def test_tunnel(sandbox: Sandbox) -> None:
    """With a public URL and its port, test events arrive there."""
    with socket.socket() as reservation:
        # The port is reserved until the end, so that no other test gets it.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        port = str(reservation.getsockname()[1])
        tunnel = ("--public-url", f"http://localhost:{port}/", "--port", port)
        with command(CONSENT, *tunnel, "--fact", "signature-of-a-delivery", sandbox=sandbox) as process:
            output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "signature-of-a-delivery" in output
    [delivery] = sandbox.deliveries
    assert delivery.ok


def test_whole_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """The table has each fact, the totals and the cleanup; the JSON has the same; neither has a token or secret."""
    foreign = add_foreign_webhooks(sandbox)
    other = sandbox.add_environment("other").token
    file = tmp_path / "facts.json"
    with altering_proxy(sandbox, lambda _: None) as proxy:
        env = {"TRUTO_OTHER_API_TOKEN": other, "TRUTO_BASE_URL": proxy.base_url}
        with command(CONSENT, "--json", file, sandbox=sandbox, **env) as process:
            output, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    assert left(sandbox, foreign) == []
    rows = [line.split()[:2] for line in output.splitlines() if line[:1].isalpha() and "  confirmed" in line]
    assert len(rows) == len(FACTS) - 1
    assert "limit-of-the-plan" in output
    assert f"{len(FACTS)} facts: {len(FACTS) - 1} confirmed, 0 contradicted, 1 not observable" in output
    report = json.loads(file.read_text(encoding="utf-8"))
    assert [fact["name"] for fact in report["facts"]] == [fact.name for fact in FACTS]
    assert report["totals"] == {"confirmed": len(FACTS) - 1, "contradicted": 0, "not observable": 1}
    assert report["webhooks"] == {"created": len(proxy.secrets), "not_deleted": [], "problem": None}
    assert report["exit_code"] == 0
    assert len(proxy.secrets) > 50
    for secret in (sandbox.token, other, *proxy.secrets):
        assert secret not in output
        assert secret not in file.read_text(encoding="utf-8")


def test_contradiction(sandbox: Sandbox, tmp_path: Path) -> None:
    """A contradicted fact is shown with what was expected and the place in the code, and the exit code is 1."""
    sandbox.inject("missing_fields", "create", fields=["secret"], times=0)
    file = tmp_path / "facts.json"
    arguments = (CONSENT, "--fact", "create-response-has-the-secret", "--fact", "create-response", "--json", file)
    with command(*arguments, sandbox=sandbox, COLUMNS="200") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    [line] = [line for line in output.splitlines() if "CONTRADICTED" in line]
    assert line.split(maxsplit=2) == ["create-response-has-the-secret", "CONTRADICTED", "there is no secret"]
    assert "expected: The response to a create has the secret" in output
    assert "rests on it: pulumi_truto/webhook/create_once.py::_accept" in output
    assert "2 facts: 1 confirmed, 1 contradicted, 0 not observable" in output
    assert json.loads(file.read_text(encoding="utf-8"))["exit_code"] == 1


@pytest.mark.parametrize(("message", "shown"), [("no access with ", "no access with [secret]"), ("a " * 35, "a a a")])
def test_error_that_repeats_the_token(sandbox: Sandbox, tmp_path: Path, message: str, shown: str) -> None:
    """What Truto says is shown, but not a token in it, nor a part of one where the text is cut."""
    sandbox.inject("status", "update", status=400, message=message + sandbox.token, times=0)
    file = tmp_path / "facts.json"
    with command(CONSENT, "--fact", "update-leaves-the-rest", "--json", file, sandbox=sandbox) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f'400: "{shown}' in output
    assert sandbox.token[:5] not in output + errors + file.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_passes_arguments() -> None:
    """`make verify-live` runs the suite with ARGS."""
    printed = run("make", "--dry-run", "--no-print-directory", "verify-live", f"ARGS={CONSENT}", cwd=REPOSITORY).stdout
    assert printed.splitlines()[-1].endswith(f"python -m tests.contract {CONSENT}")
