"""The programs of examples/automation, which Pulumi's Automation API runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.commands import REPOSITORY, run
from tests.support.distribution import pack_plugin
from tests.support.language_hosts import cli_environment, skip_without
from tests.support.plugin import install_sdk

EXAMPLES = REPOSITORY / "examples" / "automation"


@pytest.mark.timeout(1800)  # the native plugin's environment is installed, which downloads
@pytest.mark.parametrize("kind", ["dynamic", "native"])
def test_inline_program_runs(kind: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """A script without a project creates a webhook and deletes it again, also if its environment is not on PATH."""
    skip_without("python")
    # The examples are started with the interpreter of an environment that is not first on PATH.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        if path := shutil.which(name):
            (tools / name).symlink_to(path)
    environment = {
        **cli_environment(tmp_path),
        "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(tmp_path),
        "TRUTO_API_TOKEN": sandbox.token,
        "TRUTO_BASE_URL": sandbox.base_url,
    }
    if kind == "native":
        install_sdk(tmp_path)
        archive = pack_plugin(tmp_path / "dist")
        version = archive.name.removesuffix(".tar.gz").rpartition("-v")[2]
        run("pulumi", "plugin", "install", "resource", "truto", version, "--file", archive, env=environment)
    output = run(sys.executable, EXAMPLES / f"{kind}.py", cwd=tmp_path, env=environment).stdout
    [webhook] = sandbox.webhooks()
    assert output.splitlines()[-1] == f"webhook {webhook.id}"
    assert webhook.secret not in output
    run(sys.executable, EXAMPLES / f"{kind}.py", "destroy", cwd=tmp_path, env=environment)
    assert sandbox.webhooks() == []
