"""Packs the native plugin for `pulumi plugin install --file`: what a plugin needs, and nothing else of a checkout.

Pulumi also installs a folder, but copies all of it, and fails at the links of a virtual environment (CLI 3.260).
"""

from __future__ import annotations

import gzip
import sys
import tarfile
from pathlib import Path
from typing import Final

from pulumi_truto.version import __version__

__all__ = ["pack"]

_ROOT: Final = Path(__file__).parent.parent
_FILES: Final = ("LICENSE", "PulumiPlugin.yaml", "README.md", "pulumi_truto", "pyproject.toml")


def pack(folder: Path) -> Path:
    """Writes the archive, with the same bytes for the same files, and returns its path.

    Args:
        folder: where to write; created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pulumi-resource-truto-v{__version__}.tar.gz"
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for name in _FILES:
            archive.add(_ROOT / name, name, filter=_plain)
    return path


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leaves out byte code, and what differs between machines."""
    if Path(member.name).name == "__pycache__":
        return None
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])))
