"""The checks of the repository's files."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Final

from packaging.version import Version

from pulumi_truto import version as constants
from pulumi_truto.plugin.schema import schema_file
from release.changelog import UNRELEASED, find_section
from release.pins import uses
from release.project import ROOT, Result, failed, git, ok, pyproject, read, warning
from release.schema_changes import breaking_changes
from release.versions import last_release, may_break, parse

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
#: What earlier releases left behind in users' stacks.
_STATES: Final = "tests/states"


def check_version(tag: str | None) -> Result:
    """The version is in one place, is valid for Python and for Pulumi, is that of the tag, and follows the last one."""
    version = constants.__version__
    try:
        parsed = parse(version)
    except ValueError as error:
        message = "write a version in pulumi_truto/version.py that is both PEP 440 and semver"
        return failed(f"{error}: {message}, such as X.Y.Z or X.Y.Z-rc.1")
    if tag not in (None, f"v{version}"):
        return failed(
            f"the tag is {tag}, but pulumi_truto/version.py has {version}: move the tag or change the version"
        )
    last = last_release(f"v{version}")
    if last and parsed <= Version(last):
        return failed(f"{version} does not come after {last}: write a higher version in pulumi_truto/version.py")
    literal = re.compile(rf"(?<![\d.]){re.escape(version)}(?!\.?\d)")
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    # Tests use versions of their own, which may be the same.
    files = {name for name in names if name and not name.startswith("tests/") and (ROOT / name).is_file()}
    named = [name for name in sorted(files - _VERSION_FILES) if literal.search(_text(ROOT / name))]
    if named:
        return failed(f"{', '.join(named)} repeats {version}: take it from pulumi_truto/version.py")
    return ok(f"{version}, in pulumi_truto/version.py only")


def check_changelog(tag: str | None) -> Result:
    """The changelog has a section for the version, with a date, or without a tag for what is not released yet."""
    version = constants.__version__
    section, unreleased = find_section(version), find_section(UNRELEASED)
    waiting = unreleased.entries if unreleased else 0
    if section is not None:
        if not _is_date(section.date) or not section.entries:
            return failed(
                f"the section [{version}] of CHANGELOG.md needs a date, as in [{version}] - 2026-01-31, and entries"
            )
        if tag is not None and waiting:
            return failed(f"[{UNRELEASED}] in CHANGELOG.md has {waiting} entries: move them to [{version}]")
        return ok(f"[{version}] - {section.date} has {section.entries} entries")
    if tag is not None:
        return failed(f"CHANGELOG.md has no section [{version}]: rename [{UNRELEASED}] to [{version}] - YYYY-MM-DD")
    if not waiting:
        return failed(f"CHANGELOG.md has neither [{version}] nor entries in [{UNRELEASED}]: write what changed")
    return ok(f"{version} is not released yet; [{UNRELEASED}] has {waiting} entries")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_schema(tag: str | None) -> Result:
    """``schema.json`` is the generated schema, and breaks nothing that the last release promised."""
    write = "run make schema"
    if not (ROOT / "schema.json").is_file():
        return failed(f"there is no schema.json: {write}")
    if read("schema.json") != schema_file():
        return failed(f"schema.json is not what the code generates: {write}")
    last = last_release(tag)
    if last is None:
        return ok("schema.json is up to date; there is no earlier release")
    if not git("ls-tree", "--name-only", last, "schema.json"):
        return ok(f"schema.json is up to date; {last} has none")
    breaks = breaking_changes(json.loads(git("show", f"{last}:schema.json")), json.loads(schema_file()))
    if not breaks:
        return ok(f"schema.json is up to date and breaks nothing of {last}")
    if may_break(Version(last), Version(constants.__version__)):
        return warning(f"the new version may break {last}, and does: {'; '.join(breaks)}")
    return failed(*breaks, f"undo this, or release a version that may break {last}")


def check_states(tag: str | None) -> Result:
    """The state that this version leaves behind is recorded, so that every later version is tested with it.

    Those of the last release are unchanged.
    """
    expected = [f"{_STATES}/{constants.__version__}-{kind}.json" for kind in ("dynamic", "native")]
    missing = [name for name in expected if not (ROOT / name).is_file()]
    if missing:
        command = ".venv/bin/python -m pytest tests/provider/test_recorded_states.py --record"
        return failed(f"there is no {' and no '.join(missing)}: run {command}, with the Pulumi CLI on PATH")
    last = last_release(tag)
    # Everything but additions.
    changed = git("diff", "--name-only", "--no-renames", "--diff-filter=a", last, "--", _STATES) if last else ""
    if changed:
        names = changed.splitlines()
        return failed(f"{', '.join(names)} changed since {last}: run git checkout {last} -- {' '.join(names)}")
    return ok(f"{len(list((ROOT / _STATES).glob('*.json')))} states are recorded")


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
    """Every action is pinned by its hash, with its version as a comment, and every image by its digest."""
    files = [path for path in sorted((ROOT / ".github").rglob("*")) if path.suffix in (".yml", ".yaml")]
    used = [(path.name, use) for path in files for use in uses(path)]
    loose = [f"{use.text} in {name}" for name, use in used if not use.is_pinned]
    if loose:
        action = "pin an action by the 40 digits of its commit, followed by a comment such as # v1.2.3"
        return failed(*loose, f"{action}, and an image by @sha256 and its digest")
    return ok(f"{len(used)} uses in {len(files)} files of .github are pinned")


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
            f"neither README.md, CONTRIBUTING.md nor docs/ names the extra {', '.join(missing)}: say what it is for"
        )
    return ok(", ".join(extras))


def check_committed(tag: str | None) -> Result:
    """What is built is what the files say and what the tag names: the builds are of the last commit."""
    changed = git("status", "--porcelain").splitlines()
    commit = git("rev-parse", "--short", "HEAD")
    if tag is not None and tag not in git("tag", "--points-at", "HEAD").split():
        return failed(f"the builds are of {commit}, which is not tagged {tag}: check out the tag, or run git tag {tag}")
    if not changed:
        return ok(f"nothing differs from {commit}")
    message = f"{len(changed)} files are not committed, and the builds are of {commit}: commit them"
    return warning(message) if tag is None else failed(message)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
