"""Starts Python modules as processes: on Linux forked off a server, elsewhere from scratch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulumi_truto.testing.engine.processes import Process

__all__ = ["start"]


def start(
    module: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], *, merge_stderr: bool = False
) -> Process:
    """Runs ``python -u -m module arguments`` in its own session.

    Args:
        module: the name of the module.
        arguments: the command line arguments.
        cwd: the working directory.
        env: all environment variables.
        merge_stderr: whether stderr goes to stdout.
    """
    # Windows cannot fork, and system libraries of macOS may crash in forked processes, for which reason Python's
    # multiprocessing does not fork there either. A forked process keeps the server's interpreter settings, which come
    # from the environment.
    if sys.platform == "linux" and _python_variables(env) == _python_variables(os.environ):
        from pulumi_truto.testing.engine.fork_client import fork_server

        return fork_server().start([module, *arguments], cwd, env, merge_stderr=merge_stderr)
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-u", "-m", module, *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the engine, which lets operations in flight finish
    )


def _python_variables(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}
