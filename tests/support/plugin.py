"""Installs the native plugin for one test project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import yaml

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
    settings = yaml.safe_load((REPOSITORY / "PulumiPlugin.yaml").read_text(encoding="utf-8"))
    settings["runtime"] = {"name": settings["runtime"], "options": {"virtualenv": os.fspath(sys.prefix)}}
    (plugin / "PulumiPlugin.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return f"plugins:\n  providers:\n    - name: truto\n      path: {plugin}\n"
