"""Packs the native plugin for `pulumi plugin install --file`: what a plugin needs of the files that git lists.

Pulumi also installs a folder, but copies all of it, and fails at the links of a virtual environment (CLI 3.260).
"""

from __future__ import annotations

import gzip
import sys
import tarfile
from pathlib import Path
from typing import Final

from pulumi_truto.version import __version__
from release.project import ROOT, git

__all__ = ["pack"]

_FILES: Final = ("LICENSE", "PulumiPlugin.yaml", "README.md", "pulumi_truto", "pyproject.toml")


def pack(folder: Path) -> Path:
    """Writes the archive, with the same bytes for the same files, and returns its path.

    Args:
        folder: where to write; created if it does not exist.

    Raises:
        CommandError: git lists no such file, or this is no checkout.
        ValueError: a file is a symbolic link.
    """
    names = _names()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pulumi-resource-truto-v{__version__}.tar.gz"
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for name in names:
            archive.add(ROOT / name, name, recursive=False, filter=_plain)
    return path


def _names() -> list[str]:
    """Returns the files that git lists, each after its folders. What else lies there is on this machine only."""
    files = [Path(name) for name in git("ls-files", "-z", "--error-unmatch", *_FILES).strip("\0").split("\0")]
    folders = {folder for file in files for folder in file.parents if folder.name}
    names = sorted(path.as_posix() for path in {*files, *folders})
    links = [name for name in names if (ROOT / name).is_symlink()]
    if links:
        raise ValueError(f"an archive has no symbolic links: commit files instead of {', '.join(links)}")
    return names


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leaves out what differs between machines."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])))
