"""The plugin's archive has what git lists, and the same bytes everywhere."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.distribution import run_isolated
from tests.support.release import commit

#: What an archive has beside the package.
OTHERS = {"LICENSE", "PulumiPlugin.yaml", "README.md", "pyproject.toml"}


def pack(repository: Path) -> Path:
    """Makes the archive in a copy of the repository."""
    command = (sys.executable, "-m", "release.plugin_archive", "dist")
    return repository / run_isolated(*command, cwd=repository).stdout.strip()


def test_archive_has_the_plugin_alone(copy: Path) -> None:
    """The archive is small, and has the package and what Pulumi needs to install it."""
    listed = run_isolated("git", "ls-files", "pulumi_truto", cwd=copy).stdout.split()
    for junk in (".env", "session.py.swp", "__pycache__/session.pyc", ".mypy_cache/a.json", "cli/notes.txt"):
        (copy / "pulumi_truto" / junk).parent.mkdir(exist_ok=True)
        (copy / "pulumi_truto" / junk).touch()
    (copy / "pulumi_truto" / "link.py").symlink_to("/etc/passwd")
    archive = pack(copy)
    with tarfile.open(archive) as files:
        members = files.getmembers()
    assert {member.name for member in members if member.isfile()} == {*OTHERS, *listed}
    assert {member.name for member in members if member.isdir()} == {
        folder.as_posix() for name in listed for folder in Path(name).parents if folder.name
    }
    assert archive.stat().st_size < 500_000


def test_archive_has_the_same_bytes_everywhere(copy: Path, tmp_path: Path) -> None:
    """The permissions and times of the files make no difference."""
    archive = pack(copy).read_bytes()
    other = shutil.copytree(copy, tmp_path / "other")
    for path in (other / "pulumi_truto").rglob("*"):
        path.chmod(0o700)
        os.utime(path, (0, 0))
    assert pack(other).read_bytes() == archive


@pytest.mark.parametrize("name", ["pulumi_truto/config.py", "pulumi_truto/cli"])
def test_symbolic_link_is_refused(copy: Path, name: str) -> None:
    """A link would be broken where the archive is installed, so it is named: as a file, and as a folder above files."""
    (copy / name).rename(copy / "moved")
    (copy / name).symlink_to(copy / "moved")
    with pytest.raises(AssertionError, match=rf"ValueError: .* instead of {name}\n"):
        pack(copy)


def test_committed_symbolic_link_is_refused(copy: Path) -> None:
    """The same for a link that git lists."""
    (copy / "pulumi_truto" / "link.py").symlink_to("/etc/passwd")
    commit(copy)
    with pytest.raises(AssertionError, match=r"ValueError: .* instead of pulumi_truto/link.py\n"):
        pack(copy)
