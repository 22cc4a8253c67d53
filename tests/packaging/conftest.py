"""Fixtures that build the package and install it into new virtual environments.

Those that build have the scope of a session, because building and downloading take long. All tests that use them are
in one file, so that only one pytest-xdist worker needs them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.distribution import (
    Distribution,
    build_requirements,
    copy_repository,
    create_environment,
    run_isolated,
)


@pytest.fixture(scope="session")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that contains only pip. Copying it is faster than creating a new one."""
    folder = tmp_path_factory.mktemp("empty")
    run_isolated(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    # The newest pip, because that of Python 3.10 and 3.11 takes more than twice as long to read the package index.
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--ignore-installed", "--prefix", folder / "venv", "pip")
    run_isolated(*pip, cwd=folder)
    return folder / "venv"


@pytest.fixture(scope="session")
def build_python(empty_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with only the declared build requirements, and `build`."""
    return create_environment(empty_environment, tmp_path_factory.mktemp("build"), "build", *build_requirements())


@pytest.fixture(scope="session")
def distribution(build_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The package, built as for a release."""
    folder = tmp_path_factory.mktemp("distribution")
    tree = folder / "tree"
    copy_repository(tree)
    build = (build_python, "-m", "build", "--no-isolation", "--outdir")
    run_isolated(*build, folder / "from_tree", "--wheel", tree, cwd=folder)
    # The files that this build has left must not get into the next one.
    shutil.rmtree(tree / "build", ignore_errors=True)
    run_isolated(*build, folder / "dist", tree, cwd=folder)
    [sdist] = (folder / "dist").glob("*.tar.gz")
    [wheel] = (folder / "dist").glob("*.whl")
    [wheel_from_tree] = (folder / "from_tree").glob("*.whl")
    return Distribution(tree, sdist, wheel, wheel_from_tree)


@pytest.fixture(scope="session")
def wheels(distribution: Distribution, empty_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the newest wheels of all dependencies of the package, its extra "testing" and its build.

    Reading the package index takes most of pip's time, so this reads it once for all environments.
    """
    folder = tmp_path_factory.mktemp("wheels")
    pip = (empty_environment / "bin" / "python", "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder)
    run_isolated(*pip, f"{distribution.wheel}[testing]", *build_requirements(), cwd=folder)
    return folder


@pytest.fixture(scope="session")
def install(
    distribution: Distribution, empty_environment: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Installs the wheel with extras, such as "[sandbox]", into a new environment, and returns its interpreter."""

    def install_with(extras: str) -> Path:
        pip_options = ("--no-index", "--find-links", str(wheels))
        folder = tmp_path_factory.mktemp("environment")
        return create_environment(empty_environment, folder, *pip_options, f"{distribution.wheel}{extras}")

    return install_with


@pytest.fixture(scope="session")
def plain_python(install: Callable[[str], Path]) -> Path:
    """The interpreter of an environment with the package and without extras."""
    return install("")


@pytest.fixture(scope="session")
def sandbox_python(install: Callable[[str], Path]) -> Path:
    """The interpreter of an environment with the package and its extra "sandbox"."""
    return install("[sandbox]")


@pytest.fixture(scope="session")
def testing_python(install: Callable[[str], Path]) -> Path:
    """The interpreter of an environment with the package and its extra "testing"."""
    return install("[testing]")
