"""Installs the native plugin, and the Python SDK that Pulumi generates for it, for one test project."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import yaml

from tests.support.commands import REPOSITORY

__all__ = ["SDK", "install_plugin", "install_sdk"]

#: The package of the generated SDK; `pytest tests/packaging/test_sdks.py --record` generates it anew.
SDK: Final = Path(__file__).with_name("generated") / "pulumi_truto_native"


def install_sdk(folder: Path) -> None:
    """Copies the generated SDK into a folder, with the metadata that pip would write."""
    shutil.copytree(SDK, folder / SDK.name)
    version = json.loads((SDK / "pulumi-plugin.json").read_text(encoding="utf-8"))["version"]
    metadata = folder / f"{SDK.name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {SDK.name}\nVersion: {version}\n", encoding="utf-8")


def install_plugin(folder: Path, work_dir: Path) -> str:
    """Creates the plugin's folder and copies its SDK next to the program.

    The plugin runs with the current interpreter, which already has its dependencies, so no virtual environment is
    created.

    Args:
        folder: Where the plugin's folder is created.
        work_dir: The folder of the Pulumi program.

    Returns:
        The lines of ``Pulumi.yaml`` that `pulumi package add` writes.
    """
    install_sdk(work_dir)
    plugin = folder / "plugin"
    plugin.mkdir()
    for name in ("pulumi_truto", "pyproject.toml", "README.md", "LICENSE"):
        (plugin / name).symlink_to(REPOSITORY / name)
    settings = yaml.safe_load((REPOSITORY / "PulumiPlugin.yaml").read_text(encoding="utf-8"))
    settings["runtime"] = {"name": settings["runtime"], "options": {"virtualenv": os.fspath(sys.prefix)}}
    (plugin / "PulumiPlugin.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return f"packages:\n  truto: {plugin}\n"
