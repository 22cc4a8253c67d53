"""Runs the `pulumi-truto` command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi_truto.sandbox import Sandbox


def run_cli(
    sandbox: Sandbox, *arguments: str | Path, stdin: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m pulumi_truto.cli` with the sandbox's token in the environment."""
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url, **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "pulumi_truto.cli", *map(str, arguments)],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
