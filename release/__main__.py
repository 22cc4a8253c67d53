"""``python -m release`` proves what can be proved before a release; ``build`` and ``notes`` make parts of one."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from release import checks, distribution
from release.changelog import find_section
from release.project import ROOT, Result, failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0 on success, 1 on failure, 2 for invalid arguments."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--tag", help="the tag to release: version and changelog must agree with it")
    parser.add_argument("--quick", action="store_true", help="leave out what needs builds")
    commands = parser.add_subparsers(dest="command")
    build = commands.add_parser("build", help="build the sdist and the wheel of the last commit")
    build.add_argument("folder", type=Path)
    notes = commands.add_parser("notes", help="print the section of the changelog for a version")
    notes.add_argument("version")
    options = parser.parse_args(arguments)
    if options.command == "build":
        distribution.build(options.folder.resolve())
        return 0
    if options.command == "notes":
        return _print_notes(options.version)
    return _check(options.tag, quick=options.quick)


def _print_notes(version: str) -> int:
    section = find_section(version)
    if section is None:
        print(f"error: CHANGELOG.md has no section [{version}]: give a version that it has", file=sys.stderr)
        return 1
    print(section.text)
    return 0


def _check(tag: str | None, *, quick: bool) -> int:
    """Runs every check, also after one has failed. If none has, the checked files are then in ``dist/``."""
    statuses = [
        _report("version", partial(checks.check_version, tag)),
        _report("changelog", partial(checks.check_changelog, tag)),
        _report("schema", partial(checks.check_schema, tag)),
        _report("states", partial(checks.check_states, tag)),
        _report("addresses", checks.check_urls),
        _report("actions", checks.check_actions),
        _report("extras", checks.check_extras),
        _report("commit", partial(checks.check_committed, tag)),
    ]
    if not quick:
        with tempfile.TemporaryDirectory(prefix="pulumi-truto-release-") as folder:
            statuses += _check_builds(Path(folder))
            if "FAILED" not in statuses:
                _keep(distribution.built(Path(folder)))
    print(f"{statuses.count('ok')} ok, {statuses.count('warning')} warnings, {statuses.count('FAILED')} failed")
    return int("FAILED" in statuses)


def _keep(files: Sequence[Path]) -> None:
    """Puts the sdist and the wheel into ``dist/``, in place of earlier ones."""
    target = ROOT / "dist"
    target.mkdir(exist_ok=True)
    for old in target.glob("pulumi_truto-*"):
        old.unlink()
    for file in files:
        shutil.copy2(file, target)


def _check_builds(folder: Path) -> list[str]:
    statuses = [_report("reproducible", partial(distribution.check_reproducible, folder))]
    if not distribution.built(folder):
        print("Fix that first: the other checks need its builds.")
        return statuses
    statuses += [
        _report("description", partial(distribution.check_description, folder)),
        _report("licence", partial(distribution.check_licence, folder)),
        _report("contents", partial(distribution.check_contents, folder)),
        _report("installation", partial(distribution.check_installation, folder)),
    ]
    return statuses


def _report(name: str, check: Callable[[], Result]) -> str:
    """Runs a check, prints its line, and returns its status."""
    try:
        result = check()
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the results of the others
        result = failed(f"{type(error).__name__}: {error}")
    print(f"{result.status:8} {name:13} {' '.join(result.detail.split())}", flush=True)
    return result.status


if __name__ == "__main__":
    sys.exit(main())
