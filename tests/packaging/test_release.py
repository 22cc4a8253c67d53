"""`python -m release` finds what is wrong with a release, without a build."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from pulumi_truto import __version__
from tests.support.commands import REPOSITORY
from tests.support.release import (
    Edit,
    append,
    change_version,
    commit,
    failures,
    git,
    recorded,
    release,
    replace,
    tag,
    write,
)


def test_repository_passes(committed: Path) -> None:
    """This repository passes every check that needs no build. `make release-check` runs the others too."""
    process = release(committed, "--quick")
    assert failures(process) == {}
    checks = re.findall(r"^(?:ok|warning) +(\w+)", process.stdout, re.MULTILINE)
    assert checks == ["version", "changelog", "schema", "states", "addresses", "actions", "extras", "commit"]


TEST: Final = ".github/workflows/test.yml"
CHECKOUT: Final = re.findall(r"actions/checkout@\S+", (REPOSITORY / TEST).read_text(encoding="utf-8"))[0]
#: An action of the repository itself.
ACTION: Final = ".github/actions/own/action.yml"


def step(text: str) -> Edit:
    """An edit that gives each job of a workflow another first step."""
    return replace(TEST, "    steps:\n", f"    steps:\n      {text}\n")


def released(date: str) -> Edit:
    """An edit that gives the changelog a section for this version."""
    return replace("CHANGELOG.md", "## [Unreleased]", f"## [{__version__}] - {date}")


@pytest.mark.parametrize(
    ("check", "edit", "message"),
    [
        ("version", change_version("1.0.0.dev1"), "both PEP 440 and semver"),
        ("version", change_version("1.0.0+abc"), "both PEP 440 and semver"),
        ("version", change_version("1.0.0-1"), "both PEP 440 and semver"),
        ("version", change_version("1.0.0-rc.1-1"), "both PEP 440 and semver"),
        ("version", append("README.md", __version__), "README.md repeats"),
        ("changelog", replace("CHANGELOG.md", "## [Unreleased]", "## Soon"), "neither"),
        ("changelog", released("2026-13-45"), "needs a date"),
        ("schema", replace("schema.json", "https", "http"), "is not what the code generates"),
        ("schema", lambda folder: (folder / "schema.json").unlink(), "there is no schema.json"),
        ("states", lambda folder: recorded(folder, __version__)[0].unlink(), "test_recorded_states.py --record"),
        ("addresses", append("pyproject.toml", '\n[project.urls]\nSource = "https://example.com"\n'), "REPOSITORY"),
        ("actions", replace(TEST, CHECKOUT, "actions/checkout@v7"), "checkout@v7 # v7.0.1 in"),
        ("actions", replace(TEST, " # v7.0.1", ""), f"{CHECKOUT} in test.yml"),
        ("actions", step("- {uses: evil/action@main} # v7.0.1"), "evil/action@main} # v7.0.1 in"),
        ("actions", step('- "uses": evil/action@main'), "evil/action@main in"),
        ("actions", step("-   uses: evil/action@main"), "evil/action@main in"),
        ("actions", step("- uses: docker://evil:1"), "docker://evil:1 in"),
        ("actions", replace(TEST, "    steps:", "    container: ubuntu:latest\n    steps:"), "ubuntu:latest in"),
        ("actions", replace(TEST, "    steps:", "    services: {db: {image: postgres}}\n    steps:"), "postgres}} in"),
        ("actions", write(ACTION, "runs: {using: composite, steps: [{uses: evil/action@main}]}"), "in action.yml"),
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


DIGEST: Final = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "edit",
    [
        change_version("1.0.0-rc.1"),
        tag("vnext"),
        tag("v1.next"),
        tag(f"v{__version__}"),
        released("2026-01-31"),
        step(f"- {{uses: {CHECKOUT}}} # v7.0.1"),
        step(f"- 'uses': '{CHECKOUT}' # v7.0.1"),
        replace(TEST, "    steps:", f"    container: ubuntu@sha256:{DIGEST}\n    steps:"),
    ],
)
def test_good_release_passes(copy: Path, edit: Edit) -> None:
    """What is unusual and right passes every check."""
    edit(copy)
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--allow-empty", "--message", "Change")
    assert failures(release(copy, "--quick")) == {}


@pytest.mark.parametrize(
    ("last", "version"),
    [("0.1.0", "0.0.9"), ("0.10.0", "0.9.0"), ("1.0.0", "1.0.0-rc.1"), ("1.0.0-rc1", "1.0.0-rc.1")],
)
def test_version_follows_that_of_the_last_release(copy: Path, last: str, version: str) -> None:
    """A version that does not come after the last one, in the order of PEP 440, is found."""
    git(copy, "tag", f"v{last}")
    change_version(version)(copy)
    commit(copy)
    failed = failures(release(copy, "--quick"))
    assert list(failed) == ["version"]
    assert f"{version} does not come after v{last}" in failed["version"]


@pytest.mark.parametrize(
    "edit",
    [lambda state: state.unlink(), lambda state: state.write_text("{}"), lambda state: state.rename(f"{state}.json")],
)
def test_states_of_earlier_releases_stay(copy: Path, edit: Edit) -> None:
    """A state of an earlier release that is deleted, changed or renamed is named."""
    git(copy, "tag", f"v{__version__}")
    change_version("99.0.0")(copy)
    commit(copy)
    assert failures(release(copy, "--quick")) == {}
    state = recorded(copy, __version__)[0]
    edit(state)
    commit(copy)
    failed = failures(release(copy, "--quick"))
    assert list(failed) == ["states"]
    assert f"tests/states/{state.name} changed since v{__version__}" in failed["states"]


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
    """A tag passes if it is the last commit, has its version and its section, and everything is committed."""
    name = f"v{__version__}"
    git(copy, "tag", "v99.0.0")
    failed = failures(release(copy, "--quick", "--tag", "v99.0.0"))
    assert list(failed) == ["version", "changelog"]
    assert "v99.0.0" in failed["version"]
    git(copy, "tag", "--delete", "v99.0.0")

    failed = failures(release(copy, "--quick", "--tag", name))
    assert list(failed) == ["changelog", "commit"]
    assert f"CHANGELOG.md has no section [{__version__}]" in failed["changelog"]
    assert f"git tag {name}" in failed["commit"]

    git(copy, "tag", name)
    released("2026-01-31")(copy)
    assert list(failures(release(copy, "--quick", "--tag", name))) == ["commit"]
    commit(copy)
    assert list(failures(release(copy, "--quick", "--tag", name))) == ["commit"]
    git(copy, "tag", "--force", "--annotate", "--message", name, name)
    assert failures(release(copy, "--quick", "--tag", name)) == {}


def test_tag_leaves_nothing_unreleased(copy: Path) -> None:
    """A tag whose changelog still has entries under [Unreleased] is found."""
    released("2026-01-31")(copy)
    replace("CHANGELOG.md", "## [", "## [Unreleased]\n\n### Fixed\n\n- Something.\n\n## [")(copy)
    commit(copy)
    assert failures(release(copy, "--quick")) == {}
    git(copy, "tag", f"v{__version__}")
    failed = failures(release(copy, "--quick", "--tag", f"v{__version__}"))
    assert list(failed) == ["changelog"]
    assert f"[Unreleased] in CHANGELOG.md has 1 entries: move them to [{__version__}]" in failed["changelog"]


def test_notes_are_the_section_of_the_changelog(copy: Path) -> None:
    """`notes` prints the section of one version, and fails if there is none."""
    (copy / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [1.2.0] - 2026-01-31\n\n- New.\n\n## [1.1.0] - 2025-01-31\n\n- Old.\n"
    )
    assert release(copy, "notes", "1.2.0").stdout == "- New.\n"
    process = release(copy, "notes", "1.0.0")
    assert (process.returncode, process.stderr) == (
        1,
        "error: CHANGELOG.md has no section [1.0.0]: give a version that it has\n",
    )
