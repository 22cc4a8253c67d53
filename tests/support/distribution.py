"""Builds the package as for a release, and installs it into new virtual environments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support import commands
from tests.support.commands import REPOSITORY

#: Environment variables with these prefixes configure Python, Pulumi, this package, make or git.
_CONFIGURATION = ("PYTHON", "PULUMI", "TRUTO_", "VIRTUAL_ENV", "MAKE", "MFLAGS", "GIT_")


@dataclass(frozen=True)
class Distribution:
    """The results of `python -m build` in a copy of the working tree.

    Attributes:
        tree: The copy.
        sdist: The source distribution.
        wheel: The wheel, built from the source distribution.
        wheel_from_tree: The wheel, built directly from the copy.
    """

    tree: Path
    sdist: Path
    wheel: Path
    wheel_from_tree: Path

    @property
    def metadata(self) -> Message:
        """The metadata of the wheel."""
        with zipfile.ZipFile(self.wheel) as wheel:
            [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
            return BytesParser().parsebytes(wheel.read(name))

    @property
    def requirements(self) -> list[Requirement]:
        """The direct dependencies, including those of the extras "sandbox" and "testing"."""
        declared = [Requirement(line) for line in self.metadata.get_all("Requires-Dist", [])]
        extras: list[dict[str, str | set[str]]] = [{"extra": "sandbox"}, {"extra": "testing"}]
        return [
            requirement
            for requirement in declared
            if requirement.name != "pulumi-truto"
            and (requirement.marker is None or any(map(requirement.marker.evaluate, extras)))
        ]


def run_isolated(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs a command without the settings of the machine and of the current test run."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_CONFIGURATION)}
    return commands.run(*command, cwd=cwd, env={**clean, **(env or {})}, check=check)


def create_environment(empty_environment: Path, folder: Path, *requirements: str) -> Path:
    """Copies an empty virtual environment and installs requirements into it.

    Args:
        empty_environment: A virtual environment that contains only pip.
        folder: Where the new environment is created.
        *requirements: The arguments of `pip install`.

    Returns:
        The interpreter of the new environment.
    """
    shutil.copytree(empty_environment, folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    # Without compiling, because most of the dependencies' modules are never imported here.
    run_isolated(python, "-m", "pip", "install", "--quiet", "--no-compile", *requirements, cwd=folder)
    return python


def build_requirements() -> list[str]:
    """The requirements of a build, as pyproject.toml declares them."""
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    [declared] = re.findall(r"^requires = (\[.*\])$", pyproject, re.MULTILINE)
    requirements: list[str] = json.loads(declared)
    return requirements


def pack_plugin(folder: Path) -> Path:
    """Packs the plugin of the last commit into a folder, as `make plugin` does, and returns the archive."""
    if shutil.which("make") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs make and a checkout of the repository")
    variables = (f"BIN={Path(sys.executable).parent}", f"DIST={folder}")
    return Path(run_isolated("make", "plugin", *variables, cwd=REPOSITORY).stdout.strip())


def repository_files() -> list[Path]:
    """The files of the working tree that git does not ignore, relative to its root. Skips the test without git."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and a checkout of the repository")
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = set(run_isolated(*command, cwd=REPOSITORY).stdout.split("\0"))
    return sorted(Path(name) for name in names if name and (REPOSITORY / name).is_file())


def copy_repository(target: Path) -> None:
    """Copies the files of the working tree that git does not ignore."""
    for file in repository_files():
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / file, target / file)
