"""Changes copies of the repository, and runs `python -m release` in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pulumi_truto import __version__
from tests.support.commands import format_output
from tests.support.distribution import run_isolated

#: A change of a copy of the repository.
Edit = Callable[[Path], object]


def git(folder: Path, *arguments: str) -> None:
    """Runs git with an identity of its own."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    run_isolated("git", *identity, *arguments, cwd=folder)


def commit(folder: Path) -> None:
    """Commits everything."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m release` in a copy of the repository."""
    return run_isolated(sys.executable, "-m", "release", *arguments, cwd=folder, check=False)


def failures(process: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The checks that failed, with what they say."""
    failed = dict(re.findall(r"^FAILED +(\w+) +(.*)$", process.stdout, re.MULTILINE))
    assert process.returncode == bool(failed), format_output(process)
    assert process.stderr == ""
    return failed


def replace(path: str, old: str, new: str) -> Edit:
    """An edit that replaces text in a file, which must contain it."""

    def edit(folder: Path) -> None:
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text
        (folder / path).write_text(text.replace(old, new), encoding="utf-8")

    return edit


def recorded(folder: Path, version: str) -> list[Path]:
    """The files with the states of a version."""
    return [folder / "tests" / "states" / f"{version}-{kind}.json" for kind in ("dynamic", "native")]


def change_version(version: str) -> Edit:
    """An edit that changes the version, with states recorded."""

    def edit(folder: Path) -> None:
        replace("pulumi_truto/version.py", __version__, version)(folder)
        for old, new in zip(recorded(folder, __version__), recorded(folder, version), strict=True):
            shutil.copy(old, new)

    return edit


def append(path: str, text: str) -> Edit:
    """An edit that adds text to a file."""

    def edit(folder: Path) -> None:
        with (folder / path).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return edit


def write(path: str, text: str) -> Edit:
    """An edit that makes a file, or replaces what is in it."""

    def edit(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    return edit


def tag(name: str) -> Edit:
    """An edit that tags the last commit."""
    return lambda folder: git(folder, "tag", name)
