"""Installs the native plugin for one test project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.support.commands import REPOSITORY


def install_plugin(folder: Path, work_dir: Path) -> str:
    """Creates the plugin's folder and copies its Python SDK next to the program.

    The plugin runs with the current interpreter, which already has its dependencies, so no virtual environment is
    created.

    Args:
        folder: Where the plugin's folder is created.
        work_dir: The folder of the Pulumi program.

    Returns:
        The lines that select the plugin in ``Pulumi.yaml``.
    """
    shutil.copy(Path(__file__).with_name("pulumi_truto_native.py"), work_dir)
    plugin = folder / "plugin"
    plugin.mkdir()
    for name in ("pulumi_truto", "pyproject.toml", "README.md", "LICENSE"):
        (plugin / name).symlink_to(REPOSITORY / name)
    runtime = f"runtime:\n  name: python\n  options:\n    virtualenv: {os.fspath(sys.prefix)}\n"
    (plugin / "PulumiPlugin.yaml").write_text(runtime, encoding="utf-8")
    return f"plugins:\n  providers:\n    - name: truto\n      path: {plugin}\n"
