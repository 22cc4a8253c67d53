"""Runs the `pulumi-truto` command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi_truto.sandbox import Sandbox


def run_cli(
    sandbox: Sandbox,
    *arguments: str | Path,
    stdin: str | None = None,
    stdout: int = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    script: str = "",
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m pulumi_truto.cli` with the sandbox's token in the environment.

    Args:
        sandbox: The Truto API.
        *arguments: The command's arguments.
        stdin: The text of its standard input.
        stdout: The file descriptor of its standard output, by default a pipe to the result.
        env: More environment variables.
        script: A shell script that runs the command as `"$@"`.
    """
    command = [sys.executable, "-m", "pulumi_truto.cli", *map(str, arguments)]
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url, **(env or {})}
    return subprocess.run(
        ["sh", "-c", script, "sh", *command] if script else command,
        input=stdin,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
