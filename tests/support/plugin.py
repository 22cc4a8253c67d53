"""The native plugin, installed for one project."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.support.commands import REPOSITORY


def install_plugin(folder: Path, work_dir: Path) -> str:
    """Makes a folder with the plugin and puts its SDK beside a program; returns the lines for ``Pulumi.yaml``.

    It runs with this interpreter, in which everything is installed, in place of a virtual environment of its own.
    """
    shutil.copy(Path(__file__).with_name("pulumi_truto_native.py"), work_dir)
    plugin = folder / "plugin"
    plugin.mkdir()
    for name in ("pulumi_truto", "pyproject.toml", "README.md", "LICENSE"):
        (plugin / name).symlink_to(REPOSITORY / name)
    runtime = f"runtime:\n  name: python\n  options:\n    virtualenv: {os.fspath(sys.prefix)}\n"
    (plugin / "PulumiPlugin.yaml").write_text(runtime, encoding="utf-8")
    return f"plugins:\n  providers:\n    - name: truto\n      path: {plugin}\n"
