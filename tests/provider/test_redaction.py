"""With the most verbose logging that the libraries have, in the provider's own process, no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.sandbox import Sandbox
from tests.support.project import Project, ProviderKind

#: Python runs this at the start of every process that finds it on its path: the provider's above all.
SITECUSTOMIZE = """
import http.client, logging, os, sys
# To a file as well: the CLI does not show what a native plugin writes to stderr.
handlers = [logging.StreamHandler(sys.stderr), logging.FileHandler(os.path.dirname(__file__) + "/log")]
logging.basicConfig(handlers=handlers, level=logging.DEBUG, format="%(name)s %(message)s %(args)s", force=True)
for name in ["urllib3", "requests", "pulumi", "http.client"]:
    logging.getLogger(name).setLevel(logging.DEBUG)
http.client.HTTPConnection.debuglevel = 1
"""


@pytest.fixture
def verbose(engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project in whose processes every library logs all it can."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return Project(engine, sandbox, tmp_path, {"PYTHONPATH": str(tmp_path / "site")}, provider_kind)


def test_verbose_logging_shows_no_secret(verbose: Project) -> None:
    """Create, update, failures, refresh and destroy under full debug logging show neither token nor secrets."""
    project = verbose
    project.webhook()
    project.up()
    log = project.folder / "site" / "log"
    assert "urllib3.connectionpool" in log.read_text(), "the logging that this test needs is not on"
    secrets = {project.sandbox.token, project.outputs["secret"]}
    token = project.sandbox.token
    for fault in (
        {"kind": "status", "status": 400, "message": f"not signed with {project.outputs['secret']}"},
        {"kind": "status", "status": 401, "message": f"invalid token {token}"},
        {"kind": "response", "status": 302, "headers": {"Location": f"/login?token={token}"}},
        {"kind": "html", "status": 400, "body": f"<html>{token}</html>"},
        {
            "kind": "response",
            "status": 200,
            "body": f'{{"id": "{token}"',
            "headers": {"Content-Type": "application/json"},
        },
    ):
        project.sandbox.faults.clear()
        project.sandbox.inject(operation="update", times=0, **fault)  # type: ignore[arg-type]
        project.webhook("target_url=URL, is_active=False")
        project.fails(project.up)
    project.sandbox.faults.clear()
    project.sandbox.inject("reset", "create", processed=True)
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    project.refresh()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.up()
    secrets |= {webhook.secret for webhook in project.sandbox.backend.webhooks()}
    project.destroy()
    assert len(secrets) >= 3
    for secret in secrets:
        assert secret not in project.shown + log.read_text()
