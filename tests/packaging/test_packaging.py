"""The package builds, installs into new environments, and works there."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tarfile
import types
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import pulumi_truto
from tests.support.commands import REPOSITORY, format_output
from tests.support.distribution import (
    Distribution,
    copy_repository,
    create_environment,
    repository_files,
    run_isolated,
)
from tests.support.picture import picture_lines

PROGRAMS: Final = Path(__file__).with_name("programs")


def wheel_checksums(wheel: Path) -> dict[str, int]:
    """The checksum of each file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


def lowest_version(requirement: Requirement) -> str:
    """The lowest version that a requirement allows."""
    bounds = [specifier.version for specifier in requirement.specifier if specifier.operator in (">=", "==", "~=")]
    assert len(bounds) == 1, f"{requirement} has no lowest version"
    return bounds[0]


def test_wheel_contains_the_package_and_no_tests(distribution: Distribution) -> None:
    """The wheel contains the whole package with its type marker, plugin marker and license, and no tests."""
    package = {str(file) for file in repository_files() if file.parts[0] == "pulumi_truto"}
    names = set(wheel_checksums(distribution.wheel))
    assert {name for name in names if ".dist-info/" not in name} == package
    assert "pulumi_truto/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    with zipfile.ZipFile(distribution.wheel) as wheel:
        assert json.loads(wheel.read("pulumi_truto/pulumi-plugin.json")) == {"resource": False}


def test_sdist_contains_what_a_build_needs_and_no_tests(distribution: Distribution) -> None:
    """The sdist contains the files for a build, the license and both markers, and no tests."""
    root = distribution.sdist.name.removesuffix(".tar.gz")
    with tarfile.open(distribution.sdist) as sdist:
        members = {str(Path(member.name).relative_to(root)): member for member in sdist}
        plugin = sdist.extractfile(members["pulumi_truto/pulumi-plugin.json"])
        assert plugin is not None
        with plugin:
            assert json.load(plugin) == {"resource": False}
    needed = {"pyproject.toml", "setup.py", "README.md", "LICENSE", "PKG-INFO", "pulumi_truto/py.typed"}
    assert needed <= set(members)
    assert [name for name in members if name.split("/")[0] in ("tests", "benchmarks")] == []


def test_sdist_builds_the_same_wheel(distribution: Distribution) -> None:
    """The wheels from the sdist and from the working tree contain the same files."""
    assert wheel_checksums(distribution.wheel) == wheel_checksums(distribution.wheel_from_tree)


def test_release_check_finds_an_incomplete_package(wheels: Path, tmp_path: Path) -> None:
    """A wheel without its data files, and a package that an index cannot describe, are found and not kept."""
    copy_repository(tmp_path)
    pyproject = tmp_path / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    data = ["py.typed", "pulumi-plugin.json", "plugin/descriptions/*.md", "sandbox/console.html"]
    assert json.dumps(data) in text
    pyproject.write_text(text.replace(json.dumps(data), "[]"), encoding="utf-8")
    (tmp_path / "README.md").write_text("")
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    process = run_isolated(sys.executable, "-m", "release", cwd=tmp_path, env=env, check=False)
    assert process.returncode == 1, format_output(process)
    metadata, contents = re.findall(
        r"^FAILED +(?:metadata|contents).*?(?=^\S)", process.stdout, re.MULTILINE | re.DOTALL
    )
    assert "long_description" in metadata
    # setuptools adds py.typed by itself.
    for name in ("pulumi-plugin.json", "plugin/descriptions/webhook.md", "sandbox/console.html"):
        assert f"pulumi_truto/{name}" in contents
    assert not (tmp_path / "dist").exists()


def test_links_of_the_description_are_absolute_once_there_is_an_address(build_python: Path, tmp_path: Path) -> None:
    """On a package index, each link and picture of the README leads to the file of the release in the repository."""
    copy_repository(tmp_path)
    version = tmp_path / "pulumi_truto" / "version.py"
    version.write_text(f'__version__ = "{pulumi_truto.__version__}"\nREPOSITORY = "https://git.example.com/truto/"\n')
    run_isolated(build_python, "setup.py", "--quiet", "dist_info", cwd=tmp_path)
    [metadata] = tmp_path.glob("*.dist-info/METADATA")
    description = metadata.read_text(encoding="utf-8")
    tag = f"v{pulumi_truto.__version__}"
    assert f"](https://git.example.com/truto/raw/{tag}/docs/rotation.svg)" in description
    assert f"](https://git.example.com/truto/blob/{tag}/docs/reference.md)" in description
    assert re.findall(r"\]\((?!https:)", description) == []
    assert "\nProject-URL: Source, https://git.example.com/truto\n" in description


def test_wheel_runs_the_quickstart(distribution: Distribution, testing_python: Path, tmp_path: Path) -> None:
    """Installed with its extra "testing" into a new environment, the package runs the quickstart example."""
    shutil.copytree(distribution.tree / "examples", tmp_path / "examples")
    command = (testing_python, "-m", "pulumi_truto.testing", "up", "examples/quickstart")
    process = run_isolated(*command, cwd=tmp_path)
    assert "webhookSecret: [secret]" in process.stdout


def test_wheel_runs_the_example_of_tests(distribution: Distribution, testing_python: Path, tmp_path: Path) -> None:
    """`pip install pulumi-truto[testing]` is all that examples/testing needs."""
    example = tmp_path / "example"
    shutil.copytree(distribution.tree / "examples" / "testing", example)
    process = run_isolated(testing_python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=example)
    assert "6 passed" in process.stdout


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the oldest releases have no wheels for this Python")
def test_lowest_versions_of_dependencies_work(
    distribution: Distribution, empty_environment: Path, tmp_path: Path
) -> None:
    """With the lowest allowed version of each dependency, every operation works."""
    oldest = {
        canonicalize_name(requirement.name): lowest_version(requirement) for requirement in distribution.requirements
    }
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in oldest.items()))
    pip_options = ("--only-binary", ":all:", "--constraint", str(constraints))
    python = create_environment(empty_environment, tmp_path, *pip_options, f"{distribution.wheel}[testing]")
    listing = run_isolated(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path).stdout
    installed = {canonicalize_name(package["name"]): package["version"] for package in json.loads(listing)}
    for name, version in oldest.items():
        assert re.fullmatch(rf"{re.escape(version)}(\.0)*", installed[name]), (name, version, installed[name])

    shutil.copytree(distribution.tree / "examples" / "quickstart", tmp_path / "quickstart")
    run_isolated(python, "-m", "pulumi_truto.testing", "up", "quickstart", cwd=tmp_path)
    for file in ("lifecycle.py", "lifecycle_program.py"):
        shutil.copy(PROGRAMS / file, tmp_path)
    (tmp_path / "lifecycle").mkdir()
    process = run_isolated(python, "lifecycle.py", "lifecycle", cwd=tmp_path)
    assert process.stdout.splitlines()[-1] == "lifecycle completed"


def test_sandbox_is_enough_for_the_sandbox(sandbox_python: Path, tmp_path: Path) -> None:
    """The extra "sandbox" brings the sandbox alone: `pulumi_truto.testing` names a missing package with its extra."""
    code = "from pulumi_truto.sandbox import Sandbox; Sandbox().start().stop(); import pulumi_truto.testing.stack"
    process = run_isolated(sandbox_python, "-c", code, cwd=tmp_path, check=False)
    last_line = process.stderr.splitlines()[-1]
    assert "pulumi_truto.testing requires cryptography: install" in last_line
    assert "pulumi-truto[testing]" in last_line


def test_programs_work_without_the_sandbox_extra(plain_python: Path, tmp_path: Path) -> None:
    """Without the extra, programs declare webhooks, and importing the sandbox names the missing package."""
    shutil.copy(PROGRAMS / "declare.py", tmp_path)
    lines = run_isolated(plain_python, "declare.py", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "missing: aiohttp"
    assert "aiohttp" in lines[1]


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_installed_package_has_strict_types(plain_python: Path, tmp_path: Path) -> None:
    """A program that uses the installed package passes strict type checks, and its mistakes are found."""
    shutil.copy2(REPOSITORY / "tests" / "typing" / "api.py", tmp_path / "api.py")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    mypy = (sys.executable, "-m", "mypy", "--python-executable", plain_python)
    process = run_isolated(*mypy, "api.py", cwd=tmp_path, check=False)
    expected = "Success: no issues found in 1 source file\n"
    assert (process.stdout, process.returncode) == (expected, 0), format_output(process)


def test_all_lists_exactly_the_public_names() -> None:
    """`__all__`, a star import, `dir()` and the definitions of the package have the same names."""
    namespace: dict[str, object] = {}
    exec("from pulumi_truto import *", namespace)  # noqa: S102 - a function cannot contain a star import
    namespace.pop("__builtins__")
    public = set(pulumi_truto.__all__)
    assert len(public) == len(pulumi_truto.__all__)
    assert set(namespace) == public
    assert set(dir(pulumi_truto)) == public
    defined = {
        name
        for name, value in vars(pulumi_truto).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "").startswith("pulumi_truto")
    }
    assert defined == {name for name in public if not name.startswith("_")} - {"signature"}  # a module


def test_metadata_has_the_version(distribution: Distribution) -> None:
    """The metadata has the version of `pulumi_truto/version.py`."""
    assert distribution.metadata["Version"] == pulumi_truto.__version__


def test_demo_runs_in_a_fresh_clone(wheels: Path, tmp_path: Path) -> None:
    """`git clone` and `make demo` are enough to run the demo. It needs no Pulumi CLI and shows no secret."""
    # Leave out all folders with a Pulumi CLI, so that the demo has to use the local engine.
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not shutil.which("pulumi", path=folder))
    if not (shutil.which("git", path=path) and shutil.which("make", path=path)):
        pytest.skip("needs git and make, in folders without a Pulumi CLI")
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a checkout of the repository")
    clone = tmp_path / "clone"
    run_isolated("git", "clone", "--quiet", REPOSITORY, clone, cwd=tmp_path)
    env = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    process = run_isolated("make", "demo", f"PYTHON={sys.executable}", cwd=clone, env=env)
    output = process.stdout
    assert "Engine: the local engine of pulumi_truto" in output
    assert "The receiver verified the signature of the test event with the stack's secret." in output
    assert "\nAPI calls: 0\n" in output
    assert re.search(r"^   error: the receiver of webhook .* did not accept the test event", output, re.MULTILINE)
    assert "Webhooks left at Truto: 0" in output
    [webhook_id] = re.findall(r"^webhookId +(\S+)$", output, re.MULTILINE)
    assert re.search(r"^\d+ events were sent, and 0 were lost\.$", output, re.MULTILINE)
    # The picture in the README is of the Pulumi CLI. The resources are the same.
    resources = set(re.findall(r" pulumi-python:\S+ \S+ ", "\n".join(picture_lines())))
    assert resources == set(
        re.findall(r" pulumi-python:\S+ \S+ ", output.partition("\n== 8. ")[2].partition("\n==")[0])
    )
    ids = set(re.findall(r'^ +webhookId: "(\S+)"$', output, re.MULTILINE))
    assert len(ids - {webhook_id}) == 1  # the rotation's new webhook
    assert re.search(r"^ +webhookSecret: \[secret\]$", output, re.MULTILINE)
    [destination_id] = re.findall(
        r"^Truto notified the destination (\S+): Webhook \S+ was switched off", output, re.MULTILINE
    )
    # The sandbox's secrets are UUIDs too, so a secret in plain text would be another UUID.
    uuids = set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", output + process.stderr))
    assert uuids == {*ids, destination_id}
