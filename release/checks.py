"""The checks of the repository's files. All paths are relative to its root, the current directory."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import zipfile
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from packaging.version import Version

from release.schema_changes import breaking_changes

__all__ = [
    "CheckError",
    "check_address",
    "check_changelog",
    "check_commit",
    "check_description",
    "check_schema",
    "check_states",
    "check_version",
    "find_section",
    "run",
]

#: The versions that PEP 440 and semver read in the same way.
_VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?")
_HEADING: Final = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


class CheckError(Exception):
    """A check failed. The message names the mistake and its remedy."""


def run(*command: str) -> str:
    """Runs a command and returns its stdout. Raises CheckError if it fails."""
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        command_line = " ".join([Path(command[0]).name, *command[1:]])
        raise CheckError(f"{command_line} failed:\n{process.stdout}{process.stderr}")
    return process.stdout.strip()


def check_version(tag: str | None) -> str:
    """The version is valid for Python and for Pulumi, is that of the tag, and follows the last one."""
    version = _version()
    if not _VERSION.fullmatch(version):
        raise CheckError(f"pulumi_truto/version.py has {version}: write X.Y.Z or X.Y.Z-rc.1")
    if tag not in (None, f"v{version}"):
        raise CheckError(f"the tag is {tag}, but pulumi_truto/version.py has {version}: change one of them")
    last = _last_release(f"v{version}")
    if last and Version(version) <= Version(last):
        raise CheckError(f"{version} does not come after {last}: write a higher version in pulumi_truto/version.py")
    return version


def check_address(tag: str | None) -> str:
    """The address of the repository is known: the URLs and the links on a package index start with it."""
    address = str(_constants()["REPOSITORY"])
    if tag is not None and not address:
        raise CheckError("REPOSITORY in pulumi_truto/version.py is empty: write the URL of the repository")
    return address or "a release needs it: REPOSITORY in pulumi_truto/version.py"


def check_description(tag: str | None, wheel: Path) -> str:
    """The description in a wheel reads on a package index as in the repository, once there is an address."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = BytesParser().parsebytes(archive.read(name))
    text = bytes(metadata.get_payload(decode=True)).decode()
    links = re.findall(r"\]\((?!https?:|#)(.+?)\)", text)
    if links and (tag is not None or _constants()["REPOSITORY"]):
        raise CheckError(f"the links to {', '.join(links)} are relative: setup.py makes them absolute")
    if tag is not None and "<this repository" in text:
        raise CheckError("README.md still says <this repository>: write how to install the release")
    return f"{len(links)} links are relative"


def check_changelog(tag: str | None) -> str:
    """The changelog has a section for the version, with a date. Without a tag it may still be [Unreleased]."""
    version = _version()
    section, unreleased = find_section(version), find_section("Unreleased")
    if tag is None and section is None and _entries(unreleased):
        return f"[Unreleased] has {_entries(unreleased)} entries"
    if section is None:
        raise CheckError(f"CHANGELOG.md has no section [{version}]: rename [Unreleased] to [{version}] - YYYY-MM-DD")
    if not section[0] or not _entries(section):
        raise CheckError(f"[{version}] in CHANGELOG.md needs a date, as in [{version}] - 2026-01-31, and entries")
    if tag is not None and _entries(unreleased):
        raise CheckError(f"[Unreleased] in CHANGELOG.md has entries: move them to [{version}]")
    return f"[{version}] - {section[0]} has {_entries(section)} entries"


def find_section(name: str) -> tuple[str, str] | None:
    """Returns the date, which may be empty, and the text of a section of the changelog."""
    parts = _HEADING.split(Path("CHANGELOG.md").read_text(encoding="utf-8"))
    sections = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return next(((date or "", text.strip()) for version, date, text in sections if version == name), None)


def _entries(section: tuple[str, str] | None) -> int:
    return len(re.findall(r"^- ", section[1], re.MULTILINE)) if section else 0


def check_schema(tag: str | None) -> str:
    """The schema breaks nothing that the last release promised, unless semantic versioning allows that."""
    last = _last_release(tag)
    if last is None:
        return "there is no earlier release"
    new = json.loads(Path("schema.json").read_text(encoding="utf-8"))
    changes = breaking_changes(json.loads(run("git", "show", f"{last}:schema.json")), new)
    if not changes:
        return f"breaks nothing of {last}"
    lines = "\n".join(changes)
    if _compatible_range(_version()) == _compatible_range(last):
        raise CheckError(f"undo these changes, or release a version that may break {last}:\n{lines}")
    return f"this version may break {last}, and does:\n{lines}"


def _compatible_range(version: str) -> tuple[int, int]:
    """The versions that must not break each other: those of one major version, or one minor version of 0."""
    parsed = Version(version)
    return parsed.major, 0 if parsed.major else parsed.minor


def check_states(tag: str | None) -> str:
    """The states that this version leaves behind are recorded, and those of the last release are unchanged."""
    states = Path("tests/states")
    missing = [
        path.as_posix()
        for kind in ("dynamic", "native")
        if not (path := states / f"{_version()}-{kind}.json").is_file()
    ]
    if missing:
        command = ".venv/bin/python -m pytest tests/provider/test_recorded_states.py --record"
        raise CheckError(f"there is no {' and no '.join(missing)}: run {command}, with the Pulumi CLI on PATH")
    # Everything but additions.
    difference = ("git", "diff", "--name-only", "--no-renames", "--diff-filter=a")
    if (last := _last_release(tag)) and (changed := run(*difference, last, "--", str(states)).split()):
        names = " ".join(changed)
        raise CheckError(f"{names} changed since {last}: run git checkout {last} -- {names}")
    return f"{len(list(states.glob('*.json')))} are recorded"


def check_commit(tag: str | None) -> str:
    """A tag names the last commit, and everything is committed. Without a tag this only counts."""
    changed = len(run("git", "status", "--porcelain").splitlines())
    if tag is not None and tag not in run("git", "tag", "--points-at", "HEAD").split():
        raise CheckError(f"HEAD is not tagged {tag}: check out the tag, or run git tag {tag}")
    if tag is not None and changed:
        raise CheckError(f"{changed} files are not committed: commit or remove them")
    return f"{run('git', 'rev-parse', '--short', 'HEAD')}, {changed} files differ"


def _version() -> str:
    return str(_constants()["__version__"])


def _constants() -> dict[str, object]:
    return runpy.run_path("pulumi_truto/version.py")


def _last_release(current: str | None) -> str | None:
    """Returns the tag of the highest version that led to HEAD, other than the current one."""
    tags = run("git", "tag", "--list", "v*", "--merged", "HEAD").split()
    releases = [tag for tag in tags if tag != current and _VERSION.fullmatch(tag.removeprefix("v"))]
    return max(releases, key=Version, default=None)
