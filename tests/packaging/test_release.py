"""`python -m release` finds what is wrong with a release, and the workflows are what the project promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pulumi_truto import __version__
from tests.support.commands import REPOSITORY, format_output
from tests.support.distribution import copy_repository, run_isolated

WORKFLOWS: Final = REPOSITORY / ".github" / "workflows"
#: A change of a copy of the repository.
Edit = Callable[[Path], None]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the working tree, with everything committed."""
    copy = tmp_path_factory.mktemp("release") / "repository"
    copy_repository(copy)
    git(copy, "init", "--quiet")
    commit(copy)
    return copy


@pytest.fixture
def copy(committed: Path, tmp_path: Path) -> Path:
    """A copy of the repository for one test."""
    return shutil.copytree(committed, tmp_path / "repository")


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


def test_repository_passes(committed: Path) -> None:
    """This repository passes every check that needs no build. `make release-check` runs the others too."""
    process = release(committed, "--quick")
    assert failures(process) == {}
    checks = re.findall(r"^(?:ok|warning) +(\w+)", process.stdout, re.MULTILINE)
    assert checks == ["version", "changelog", "schema", "states", "addresses", "actions", "extras", "commit"]


CHECKOUT: Final = re.findall(r"actions/checkout@\S+", (WORKFLOWS / "test.yml").read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(
    ("check", "edit", "message"),
    [
        ("version", change_version("1.0.0.dev1"), "both PEP 440 and semver"),
        ("version", append("README.md", __version__), "README.md repeats"),
        ("changelog", replace("CHANGELOG.md", "## [Unreleased]", "## Soon"), "neither"),
        ("schema", replace("schema.json", "https", "http"), "is not what the code generates"),
        ("schema", lambda folder: (folder / "schema.json").unlink(), "there is no schema.json"),
        ("states", lambda folder: recorded(folder, __version__)[0].unlink(), "test_recorded_states.py --record"),
        ("addresses", append("pyproject.toml", '\n[project.urls]\nSource = "https://example.com"\n'), "REPOSITORY"),
        ("actions", replace(".github/workflows/test.yml", CHECKOUT, "actions/checkout@v7"), "checkout@v7 # v7.0.1 in"),
        ("actions", replace(".github/workflows/test.yml", " # v7.0.1", ""), f"{CHECKOUT} in test.yml"),
        ("extras", replace("pyproject.toml", "\nbench = ", '\nmore = ["requests"]\nbench = '), "the extra more"),
    ],
)
def test_mistake_is_found(copy: Path, check: str, edit: Edit, message: str) -> None:
    """A mistake makes exactly one check fail, which says what is wrong."""
    edit(copy)
    commit(copy)
    failed = failures(release(copy, "--quick"))
    assert list(failed) == [check]
    assert message in failed[check]


def test_breaking_change_of_the_schema_is_found(copy: Path) -> None:
    """A property that the last release had and this one has not is named, unless the new version may break it."""
    schema = json.loads((copy / "schema.json").read_text(encoding="utf-8"))
    schema["resources"]["truto:index:Webhook"]["inputProperties"]["removedInput"] = {"type": "string"}
    (copy / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    commit(copy)
    git(copy, "tag", f"v{__version__}")
    git(copy, "revert", "--no-edit", "HEAD")
    failed = failures(release(copy, "--quick"))
    assert list(failed) == ["schema"]
    assert "removedInput" in failed["schema"]

    next_major = f"{int(__version__.split('.')[0]) + 1}.0.0"
    change_version(next_major)(copy)
    commit(copy)
    process = release(copy, "--quick")
    assert failures(process) == {}
    assert re.search(
        rf"^warning +schema .*may break v{re.escape(__version__)}.*removedInput", process.stdout, re.MULTILINE
    )


def test_tag_needs_its_version_and_its_changelog(copy: Path) -> None:
    """A tag passes if the version is the same, the changelog has its section, and everything is committed."""
    failed = failures(release(copy, "--quick", "--tag", "v99.0.0"))
    assert list(failed) == ["version", "changelog"]
    assert "v99.0.0" in failed["version"]
    failed = failures(release(copy, "--quick", "--tag", f"v{__version__}"))
    assert list(failed) == ["changelog"]
    assert f"CHANGELOG.md has no section [{__version__}]" in failed["changelog"]

    replace("CHANGELOG.md", "## [Unreleased]", f"## [{__version__}] - 2026-01-31")(copy)
    assert list(failures(release(copy, "--quick", "--tag", f"v{__version__}"))) == ["commit"]
    commit(copy)
    assert failures(release(copy, "--quick", "--tag", f"v{__version__}")) == {}


def test_notes_are_the_section_of_the_changelog(copy: Path) -> None:
    """`notes` prints the section of one version, and fails if there is none."""
    (copy / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [1.2.0] - 2026-01-31\n\n- New.\n\n## [1.1.0] - 2025-01-31\n\n- Old.\n"
    )
    assert release(copy, "notes", "1.2.0").stdout == "- New.\n"
    process = release(copy, "notes", "1.0.0")
    assert (process.returncode, process.stderr) == (1, "error: CHANGELOG.md has no section [1.0.0]\n")


def test_build_that_depends_on_the_time_is_found(copy: Path) -> None:
    """Without --quick the package is built twice, and a difference is found; the checks of its content pass."""
    write = "Path('pulumi_truto/built.py').write_text(f'TIME = {time.time_ns()}')"
    replace("setup.py", "\nsetup()", f"\nimport time\nfrom pathlib import Path\n{write}\nsetup()")(copy)
    commit(copy)
    process = release(copy)
    failed = failures(process)
    assert list(failed) == ["reproducible"]
    assert "pulumi_truto/built.py" in failed["reproducible"]
    passed = re.findall(r"^ok +(\w+)", process.stdout, re.MULTILINE)
    assert passed[-4:] == ["description", "licence", "contents", "installation"]
    assert not (copy / "dist").exists()


def test_faulty_package_is_found(copy: Path) -> None:
    """Each mistake in the package is found, also after another one: description, licence, content, requirements."""
    for old, new in {
        'readme = "README.md"\n': "",
        'license-files = ["LICENSE"]': "license-files = []",
        'include = ["pulumi_truto",': 'include = ["release", "pulumi_truto",',
        '"pydantic>=': '"pydantic>=9999.',
    }.items():
        replace("pyproject.toml", old, new)(copy)
    commit(copy)
    failed = failures(release(copy))
    assert list(failed) == ["description", "licence", "contents", "installation"]
    assert "long_description" in failed["description"]
    assert "LICENSE" in failed["licence"]
    assert "also contains release" in failed["contents"]
    assert "pydantic" in failed["installation"]


def test_pre_commit_runs_what_make_lint_runs() -> None:
    """Each part of `make lint` is a hook of pre-commit."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    [targets] = re.findall(r"^lint: (.*)$", makefile, re.MULTILINE)
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook["entry"] for repository in config["repos"] for hook in repository["hooks"]]
    assert hooks == [f"make {target}" for target in targets.split()]


def workflow(name: str) -> dict[str, Any]:
    """A workflow."""
    content: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return content


def test_workflow_tests_every_supported_python() -> None:
    """The workflow tests the versions of Python that the package declares."""
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    matrix = workflow("test.yml")["jobs"]["linux"]["strategy"]["matrix"]
    assert matrix["python"] == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', pyproject)
    assert matrix["pulumi"] == ["oldest", "newest"]


def test_workflows_have_few_permissions() -> None:
    """Only the job that publishes gets an identity, and only the job for the GitHub release may write."""
    granted = {
        (name, job): set(content.get("permissions", workflow(name)["permissions"]).items())
        for name in ("test.yml", "release.yml")
        for job, content in workflow(name)["jobs"].items()
    }
    publishing = {
        ("release.yml", "publish"): {("id-token", "write")},
        ("release.yml", "github-release"): {("contents", "write")},
    }
    reading = {job: {("contents", "read")} for job in granted.keys() - publishing.keys()}
    assert granted == {**reading, **publishing}
    assert workflow("release.yml")["jobs"]["publish"]["environment"] == "pypi"
