"""The checks of the repository's files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import semver
from packaging.version import InvalidVersion, Version

from pulumi_truto import version as constants
from pulumi_truto.plugin.schema import schema_file
from release.changelog import UNRELEASED, find_section
from release.project import ROOT, Result, failed, git, ok, pyproject, read, warning
from release.schema_changes import breaking_changes

__all__ = [
    "check_actions",
    "check_changelog",
    "check_committed",
    "check_extras",
    "check_schema",
    "check_states",
    "check_urls",
    "check_version",
]

#: The only files that name the version.
_VERSION_FILES: Final = {"pulumi_truto/version.py", "CHANGELOG.md"}
_USES: Final = re.compile(r"^\s*(?:- )?uses:\s*([^\s#]+)(.*)$", re.MULTILINE)
_PINNED: Final = re.compile(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def check_version(tag: str | None) -> Result:
    """The version is in one place, is valid for Python and for Pulumi, and is that of the tag."""
    version = constants.__version__
    try:
        Version(version)
        semver.Version.parse(version)
    except (InvalidVersion, ValueError) as error:
        return failed(f"{error}: write a version in pulumi_truto/version.py that is both PEP 440 and semver")
    if tag not in (None, f"v{version}"):
        return failed(
            f"the tag is {tag}, but pulumi_truto/version.py has {version}: move the tag or change the version"
        )
    literal = re.compile(rf"(?<![\d.]){re.escape(version)}(?!\.?\d)")
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    # Tests use versions of their own, which may be the same.
    files = {name for name in names if name and not name.startswith("tests/") and (ROOT / name).is_file()}
    named = [name for name in sorted(files - _VERSION_FILES) if literal.search(_text(ROOT / name))]
    if named:
        return failed(f"{', '.join(named)} repeats {version}: take it from pulumi_truto/version.py")
    return ok(f"{version}, in pulumi_truto/version.py only")


def check_changelog(tag: str | None) -> Result:
    """The changelog has a section for the version, with a date, or for what is not released yet."""
    version = constants.__version__
    section = find_section(version)
    if section is not None:
        if not section.date or not section.entries:
            return failed(
                f"the section [{version}] of CHANGELOG.md needs a date, as in [{version}] - 2026-01-31, and entries"
            )
        return ok(f"[{version}] - {section.date} has {section.entries} entries")
    if tag is not None:
        return failed(f"CHANGELOG.md has no section [{version}]: rename [{UNRELEASED}] to [{version}] - YYYY-MM-DD")
    unreleased = find_section(UNRELEASED)
    if unreleased is None or not unreleased.entries:
        return failed(f"CHANGELOG.md has neither [{version}] nor entries in [{UNRELEASED}]: write what changed")
    return ok(f"{version} is not released yet; [{UNRELEASED}] has {unreleased.entries} entries")


def check_schema(tag: str | None) -> Result:
    """``schema.json`` is the generated schema, and breaks nothing that the last release promised."""
    write = "run make schema"
    if not (ROOT / "schema.json").is_file():
        return failed(f"there is no schema.json: {write}")
    if read("schema.json") != schema_file():
        return failed(f"schema.json is not what the code generates: {write}")
    last = _last_release(tag)
    if last is None:
        return ok("schema.json is up to date; there is no earlier release")
    if not git("ls-tree", "--name-only", last, "schema.json"):
        return ok(f"schema.json is up to date; {last} has none")
    breaks = breaking_changes(json.loads(git("show", f"{last}:schema.json")), json.loads(schema_file()))
    if not breaks:
        return ok(f"schema.json is up to date and breaks nothing of {last}")
    if _may_break(Version(last), Version(constants.__version__)):
        return warning(f"the new version may break {last}, and does: {'; '.join(breaks)}")
    return failed(*breaks, f"undo this, or release a version that may break {last}")


def _last_release(tag: str | None) -> str | None:
    """Returns the tag of the latest release before this one that led to the current commit."""
    tags = [name for name in git("tag", "--list", "v*", "--merged", "HEAD").split() if name != tag]
    return max(tags, key=Version, default=None)


def _may_break(old: Version, new: Version) -> bool:
    """Whether semantic versioning allows breaking changes: in a new major version, or in a new minor version of 0."""
    return new.major > old.major or (new.major == old.major == 0 and new.minor > old.minor)


def check_states() -> Result:
    """The state that this version leaves behind is recorded, so that every later version is tested with it."""
    expected = [f"tests/states/{constants.__version__}-{kind}.json" for kind in ("dynamic", "native")]
    missing = [name for name in expected if not (ROOT / name).is_file()]
    if missing:
        command = "python -m pytest tests/provider/test_recorded_states.py --record"
        return failed(f"{' and '.join(missing)} are missing: run {command}, with the Pulumi CLI on PATH")
    return ok(f"{len(list((ROOT / 'tests' / 'states').glob('*.json')))} states are recorded")


def check_urls() -> Result:
    """The addresses of version.py and pyproject.toml agree."""
    urls = set(pyproject()["project"].get("urls", {}).values())
    repository = constants.REPOSITORY
    if repository and repository not in urls:
        return failed(f"[project.urls] in pyproject.toml lacks REPOSITORY, {repository}: add it")
    if urls and not any(repository and url.startswith(repository) for url in urls):
        return failed("[project.urls] in pyproject.toml is set, REPOSITORY in pulumi_truto/version.py is not: set it")
    if constants.LOGO_URL and not constants.LOGO_URL.startswith("https://"):
        return failed(f"LOGO_URL in pulumi_truto/version.py is {constants.LOGO_URL}: Pulumi needs an https:// URL")
    missing = [name for name in ("REPOSITORY", "PUBLISHER", "LOGO_URL") if not getattr(constants, name)]
    if missing:
        return warning(f"not set in pulumi_truto/version.py, so schema and package leave it out: {', '.join(missing)}")
    return ok(f"{repository}, by {constants.PUBLISHER}")


def check_actions() -> Result:
    """Every action is pinned by its hash, with its version as a comment."""
    files = [path for path in sorted((ROOT / ".github" / "workflows").iterdir()) if path.suffix in (".yml", ".yaml")]
    used = [
        (path.name, action + comment)
        for path in files
        for action, comment in _USES.findall(path.read_text(encoding="utf-8"))
        if not action.startswith("./")
    ]
    loose = [f"{action.strip()} in {name}" for name, action in used if not _PINNED.fullmatch(action.strip())]
    if loose:
        return failed(*loose, "pin each by the 40 digits of its commit, followed by a comment such as # v1.2.3")
    return ok(f"{len(used)} uses in {len(files)} workflows are pinned")


def check_extras() -> Result:
    """Every extra of the package is documented."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    extras = list(pyproject()["project"]["optional-dependencies"])
    missing = [
        name for name in extras if not re.search(rf"\bextras? [`\"]{name}[`\"]|pulumi-truto\[[\w,]*\b{name}\b", text)
    ]
    if missing:
        return failed(
            f"no page of docs/ and not CONTRIBUTING.md names the extra {', '.join(missing)}: say what it is for"
        )
    return ok(", ".join(extras))


def check_committed(tag: str | None) -> Result:
    """What is built is what the files say: the builds are of the last commit."""
    changed = git("status", "--porcelain").splitlines()
    commit = git("rev-parse", "--short", "HEAD")
    if not changed:
        return ok(f"nothing differs from {commit}")
    message = f"{len(changed)} files differ from {commit}, and the builds are of that: commit them"
    return warning(message) if tag is None else failed(message)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
