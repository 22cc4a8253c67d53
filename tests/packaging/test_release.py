"""`python -m release` finds the mistakes in a release."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from release.__main__ import main
from release.checks import CheckError, check_description

#: Runs the checks that need no build, and returns those that failed, with their output.
Failures = Callable[..., dict[str, str]]
#: An action that is pinned, and a workflow that uses it.
ACTION: Final = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
WORKFLOW: Final = f"""\
name: test
on: push
concurrency: {{group: test, cancel-in-progress: false}}
permissions: {{}}
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: {ACTION}
        with: {{persist-credentials: false}}
"""
CHANGELOG: Final = "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [0.1.0] - 2026-01-31\n\n- First.\n- Second.\n"
FILES: Final = {
    "CHANGELOG.md": CHANGELOG,
    "schema.json": json.dumps({"name": "truto", "functions": {"truto:index:get": {}}}),
    ".github/workflows/test.yml": WORKFLOW,
    ".github/zizmor.yml": "rules: {anonymous-definition: {disable: true}}\n",
}
ADDRESS: Final = "https://git.example.com/truto"
RELEASED: Final = CHANGELOG.replace("[Unreleased]", "[0.2.0] - 2026-02-28")


def git(*arguments: str) -> None:
    """Runs git in the current directory."""
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def version(text: str) -> dict[str, str]:
    """The files of a version: the one that names it, and its states."""
    states = {f"tests/states/{text}-{kind}.json": "{}" for kind in ("dynamic", "native")}
    return {"pulumi_truto/version.py": f'__version__ = "{text}"\nREPOSITORY = "{ADDRESS}"\n', **states}


def commit(files: Mapping[str, str | None]) -> None:
    """Writes files, removes those without content, and commits everything."""
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "Change")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small repository, after the release 0.1.0 and before 0.2.0. It is the current directory."""
    monkeypatch.chdir(tmp_path)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git("init", "--quiet")
    commit({**FILES, **version("0.1.0")})
    git("tag", "v0.1.0")
    commit(version("0.2.0"))


@pytest.fixture
def failures(capsys: pytest.CaptureFixture[str]) -> Failures:
    """Runs the checks in this process."""

    def check(*arguments: str) -> dict[str, str]:
        code = main(["--quick", *arguments])
        printed = capsys.readouterr().out
        lines = re.findall(r"^(ok|FAILED) +(\w+) +(.*?)\n(?=\S)", printed, re.MULTILINE | re.DOTALL)
        names = ["version", "address", "changelog", "schema", "states", "commit", "workflows"]
        assert [name for _, name, _ in lines] == names
        failed = {name: detail for status, name, detail in lines if status == "FAILED"}
        assert code == bool(failed), printed
        return failed

    return check


def test_repository_passes(failures: Failures) -> None:
    """A repository in which nothing is wrong passes every check, each of which has a line."""
    assert failures() == {}


@pytest.mark.parametrize(
    ("check", "files", "message"),
    [
        ("version", version("0.2.0.dev1"), "write X.Y.Z or X.Y.Z-rc.1"),
        ("version", version("0.2.0+abc"), "write X.Y.Z or X.Y.Z-rc.1"),
        ("version", version("0.2.0-1"), "write X.Y.Z or X.Y.Z-rc.1"),
        ("changelog", {"CHANGELOG.md": CHANGELOG.replace("Unreleased", "Soon")}, "has no section [0.2.0]"),
        ("changelog", {"CHANGELOG.md": CHANGELOG.replace("Unreleased", "0.2.0")}, "needs a date"),
        ("changelog", {"CHANGELOG.md": RELEASED.replace("- New.", "")}, "and entries"),
        ("states", {"tests/states/0.2.0-native.json": None}, "test_recorded_states.py --record"),
        ("states", {"tests/states/0.1.0-native.json": None}, "tests/states/0.1.0-native.json changed since v0.1.0"),
        ("states", {"tests/states/0.1.0-native.json": "[]"}, "tests/states/0.1.0-native.json changed since v0.1.0"),
        (
            "states",
            {"tests/states/0.1.0-native.json": None, "tests/states/moved.json": "{}"},
            "tests/states/0.1.0-native.json changed since v0.1.0",
        ),
        ("workflows", {".github/workflows/test.yml": WORKFLOW.replace(ACTION, "actions/checkout@v7")}, "unpinned-uses"),
        ("workflows", {".github/workflows/test.yml": WORKFLOW.replace(ACTION, "docker://evil:1")}, "unpinned-images"),
        (
            "workflows",
            {".github/workflows/test.yml": WORKFLOW.replace("    steps:", "    container: ubuntu:latest\n    steps:")},
            "unpinned-images",
        ),
        (
            "workflows",
            {
                ".github/actions/own/action.yml": (
                    "name: own\ndescription: Own.\nruns: {using: composite, steps: [{uses: evil/action@main}]}\n"
                )
            },
            "unpinned-uses",
        ),
    ],
)
def test_mistake_is_found(failures: Failures, check: str, files: Mapping[str, str | None], message: str) -> None:
    """A mistake makes one check fail, which names the mistake."""
    commit(files)
    failed = failures()
    assert list(failed) == [check]
    assert message in failed[check]


@pytest.mark.parametrize("tag", ["vnext", "v1.next", "v0.2.0", "v0.2.0-alpha.1"])
def test_other_tags_are_no_later_release(failures: Failures, tag: str) -> None:
    """Tags that are not releases, that of this version and that of an earlier pre-release change nothing."""
    git("tag", tag)
    assert failures() == {}


def test_pre_release_passes(failures: Failures) -> None:
    """A pre-release comes before its release and after the last one."""
    commit(version("0.2.0-rc.1"))
    assert failures() == {}


@pytest.mark.parametrize("last", ["v0.2.1", "v0.10.0", "v1.0.0-rc.1"])
def test_version_follows_the_last_release(failures: Failures, last: str) -> None:
    """A version that does not come after the last one is found."""
    git("tag", last)
    failed = failures()
    assert list(failed) == ["version"]
    assert f"0.2.0 does not come after {last}" in failed["version"]


def test_breaking_change_of_the_schema_is_found(failures: Failures, capsys: pytest.CaptureFixture[str]) -> None:
    """A removed part of the last release is named, and refused unless the version may break the last."""
    commit({"schema.json": '{"name": "truto"}'})
    assert main(["--quick"]) == 0
    assert "this version may break v0.1.0, and does:\n    functions was removed\n" in capsys.readouterr().out

    commit(version("0.1.1"))
    failed = failures()
    assert list(failed) == ["schema"]
    assert "functions was removed" in failed["schema"]


def test_major_version_decides_from_1_on(failures: Failures) -> None:
    """A minor version of 1 must not break the one before."""
    git("tag", "v1.0.0")
    commit(version("1.1.0"))
    assert failures() == {}
    commit({"schema.json": '{"name": "truto"}'})
    assert list(failures()) == ["schema"]


def test_tag_needs_its_version_and_its_changelog(failures: Failures) -> None:
    """A tag passes if it is the last commit, has its version and its section, and everything is committed."""
    git("tag", "v99.0.0")
    failed = failures("--tag", "v99.0.0")
    assert list(failed) == ["version", "changelog"]
    assert "v99.0.0" in failed["version"]
    git("tag", "--delete", "v99.0.0")

    failed = failures("--tag", "v0.2.0")
    assert list(failed) == ["changelog", "commit"]
    assert "CHANGELOG.md has no section [0.2.0]" in failed["changelog"]
    assert "git tag v0.2.0" in failed["commit"]

    git("tag", "v0.2.0")
    Path("CHANGELOG.md").write_text(RELEASED)
    assert list(failures("--tag", "v0.2.0")) == ["commit"]
    commit({})
    assert list(failures("--tag", "v0.2.0")) == ["commit"]
    git("tag", "--force", "--annotate", "--message", "0.2.0", "v0.2.0")
    assert failures("--tag", "v0.2.0") == {}


def test_tag_needs_the_address(failures: Failures) -> None:
    """Without the address of the repository everything can be checked, and nothing can be released."""
    commit({"CHANGELOG.md": RELEASED, "pulumi_truto/version.py": '__version__ = "0.2.0"\nREPOSITORY = ""\n'})
    git("tag", "v0.2.0")
    assert failures() == {}
    failed = failures("--tag", "v0.2.0")
    assert list(failed) == ["address"]
    assert "REPOSITORY in pulumi_truto/version.py is empty" in failed["address"]


@pytest.mark.parametrize(
    ("text", "address", "tag", "message"),
    [
        ("[a](#top), [b](https://git.example.com/b)", ADDRESS, "v0.2.0", None),
        ("[a](docs/a.md)", "", None, None),
        ("[a](docs/a.md)", "", "v0.2.0", "docs/a.md are relative"),
        ("[![a](docs/a.svg)](https://git.example.com)", ADDRESS, None, "docs/a.svg are relative"),
        ("pip install <this repository>", ADDRESS, None, None),
        ("pip install <this repository>", ADDRESS, "v0.2.0", "write how to install the release"),
    ],
)
def test_description_reads_on_a_package_index(text: str, address: str, tag: str | None, message: str | None) -> None:
    """Once there is an address, no link of the description is relative; a release says how to install it."""
    Path("pulumi_truto/version.py").write_text(f'REPOSITORY = "{address}"\n')
    wheel = Path("a.whl")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", f"Metadata-Version: 2.4\n\n# Ä\n\n{text}\n")
    if message is None:
        check_description(tag, wheel)
    else:
        with pytest.raises(CheckError, match=message):
            check_description(tag, wheel)


def test_tag_leaves_nothing_unreleased(failures: Failures) -> None:
    """A tag whose changelog still has entries under [Unreleased] is found."""
    commit({"CHANGELOG.md": RELEASED.replace("## [0.2.0]", "## [Unreleased]\n\n- Something.\n\n## [0.2.0]")})
    assert failures() == {}
    git("tag", "v0.2.0")
    failed = failures("--tag", "v0.2.0")
    assert list(failed) == ["changelog"]
    assert "move them to [0.2.0]" in failed["changelog"]


def test_notes_are_the_section_of_the_changelog(capsys: pytest.CaptureFixture[str]) -> None:
    """`--notes` prints the section of one version, and fails if there is none."""
    assert main(["--notes", "0.1.0"]) == 0
    assert capsys.readouterr().out == "- First.\n- Second.\n"
    assert main(["--notes", "1.0.0"]) == 1
    assert capsys.readouterr().err == "error: CHANGELOG.md has no section [1.0.0]: give a version that it has\n"
