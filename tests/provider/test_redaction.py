"""Even with verbose logging in the provider's process, no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.project import Project, ProviderKind

#: Python runs this module at the start of every process that has it on its path, such as the provider's.
SITECUSTOMIZE = """
import http.client, logging, os, sys
# Also log to a file, because the CLI does not show the stderr of a native plugin.
handlers = [logging.StreamHandler(sys.stderr), logging.FileHandler(os.path.dirname(__file__) + "/log")]
logging.basicConfig(handlers=handlers, level=logging.DEBUG, format="%(name)s %(message)s %(args)s", force=True)
for name in ["urllib3", "requests", "pulumi", "http.client"]:
    logging.getLogger(name).setLevel(logging.DEBUG)
http.client.HTTPConnection.debuglevel = 1
"""


@pytest.fixture
def verbose_project(engine: Engine, provider_kind: ProviderKind, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project whose processes log as much as every library can."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return Project(engine, sandbox, tmp_path, {"PYTHONPATH": str(tmp_path / "site")}, provider_kind)


def test_verbose_logging_shows_no_secret(verbose_project: Project) -> None:
    """With debug logging, neither the output nor the log of any operation contains the token or a secret."""
    project = verbose_project
    sandbox = project.sandbox
    project.webhook()
    project.up()
    log = project.folder / "site" / "log"
    assert "urllib3.connectionpool" in log.read_text(), "verbose logging is not active"
    token, secret = sandbox.token, project.outputs["secret"]
    secrets = {token, secret}
    json_headers = {"Content-Type": "application/json"}
    for fault in (
        {"kind": "status", "status": 400, "message": f"not signed with {secret}"},
        {"kind": "status", "status": 401, "message": f"invalid token {token}"},
        {"kind": "response", "status": 302, "headers": {"Location": f"/login?token={token}"}},
        {"kind": "html", "status": 400, "body": f"<html>{token}</html>"},
        {"kind": "response", "status": 200, "body": f'{{"id": "{token}"', "headers": json_headers},
    ):
        sandbox.faults.clear()
        sandbox.inject(operation="update", times=0, **fault)  # type: ignore[arg-type]
        project.webhook("target_url=URL, is_active=False")
        project.fails(project.up)
    sandbox.faults.clear()
    sandbox.inject("reset", "create", processed=True)
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="1")')
    project.up()
    project.refresh()
    project.webhook(opts='pulumi.ResourceOptions(replacement_trigger="2")')
    project.up()
    secrets |= {webhook.secret for webhook in sandbox.backend.webhooks()}
    project.destroy()
    assert len(secrets) >= 3
    for secret in secrets:
        assert secret not in project.output_text + log.read_text()
