"""The Pulumi CLI starts the plugin, or attaches itself to one that a developer has started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import cli_version
from tests.support.project import Project


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project with one webhook of the plugin."""
    if cli_version() is None:
        pytest.skip("no Pulumi CLI on PATH")
    project = Project("cli", sandbox, tmp_path, provider_kind="native")
    project.webhook()
    return project


def test_debugged_plugin_serves_a_run(project: Project) -> None:
    """With PULUMI_DEBUG_PROVIDERS, the CLI uses the plugin at that port, and the plugin outlives the run."""
    (project.folder / "plugin" / "PulumiPlugin.yaml").unlink()  # the CLI cannot start another one
    with subprocess.Popen(
        [sys.executable, "-m", "pulumi_truto"], stdout=subprocess.PIPE, env={**os.environ, **project.env}, text=True
    ) as plugin:
        try:
            assert plugin.stdout is not None
            port = plugin.stdout.readline().strip()
            project.set_environment(PULUMI_DEBUG_PROVIDERS=f"truto:{port}")
            assert project.up().changes == {"create": 2}
            assert project.destroy().changes == {"delete": 2}
            assert project.sandbox.backend.webhooks() == []
        finally:
            plugin.kill()


def test_cli_that_is_too_old_is_refused(project: Project) -> None:
    """`requiredPulumiVersion` reaches the CLI: with a later version there, the plugin does not start."""
    file = project.folder / "plugin" / "PulumiPlugin.yaml"
    file.write_text(file.read_text().replace(">=3.", ">=4."))
    assert 'does not satisfy the version range ">=4.' in project.fails(project.up).text
