"""`make plugin` packs an archive for `pulumi plugin install --file`."""

from __future__ import annotations

import tarfile
from pathlib import Path

from pulumi_truto import __version__
from tests.support.commands import REPOSITORY
from tests.support.distribution import pack_plugin, run_isolated

#: The files of an archive outside the package.
OTHERS = {"LICENSE", "PulumiPlugin.yaml", "README.md", "pyproject.toml", "setup.py"}


def test_archive_has_the_plugin_alone(tmp_path: Path) -> None:
    """The archive is small, and has only files and folders: the package, and those that its installation needs."""
    archive = pack_plugin(tmp_path / "dist")
    committed = run_isolated(
        "git", "ls-tree", "-r", "--name-only", "HEAD", "pulumi_truto", cwd=REPOSITORY
    ).stdout.split()
    with tarfile.open(archive) as files:
        members = files.getmembers()
    assert {member.name for member in members if not member.isdir()} == {*OTHERS, *committed}
    assert [member.name for member in members if not (member.isdir() or member.isfile())] == []
    assert files.pax_headers == {}, "Pulumi refuses a header of the whole archive"
    assert archive.name == f"pulumi-resource-truto-v{__version__}.tar.gz"
    assert archive.stat().st_size < 500_000
