"""``python -m release`` checks a release before it is made, in the root of the repository."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from release import checks
from release.checks import CheckError, find_section, run

#: Where the tools are.
_BIN: Final = Path(sys.executable).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the checks and returns the exit code: 0 on success, 1 on failure, 2 for invalid arguments."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--tag", help="the tag to release: version and changelog must agree with it")
    parser.add_argument("--quick", action="store_true", help="leave out the build and what needs it")
    parser.add_argument("--notes", metavar="VERSION", help="print the changelog of a version, and check nothing")
    options = parser.parse_args(arguments)
    if options.notes is not None:
        return _print_notes(options.notes)
    return _check(options.tag, quick=options.quick)


def _print_notes(version: str) -> int:
    section = find_section(version)
    if section is None:
        print(f"error: CHANGELOG.md has no section [{version}]: give a version that it has", file=sys.stderr)
        return 1
    print(section[1])
    return 0


def _check(tag: str | None, *, quick: bool) -> int:
    """Runs every check, even after one failed. If none failed, the sdist and the wheel are in ``dist/``."""
    passed = [
        _report("version", partial(checks.check_version, tag)),
        _report("address", partial(checks.check_address, tag)),
        _report("changelog", partial(checks.check_changelog, tag)),
        _report("schema", partial(checks.check_schema, tag)),
        _report("states", partial(checks.check_states, tag)),
        _report("commit", partial(checks.check_commit, tag)),
        # The arguments are those of `make lint-workflows`.
        _report("workflows", partial(_run_tool, "zizmor", "--offline", "--pedantic", "--quiet", ".")),
    ]
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            passed += _check_package(tag, folder)
            if all(passed):
                _keep(Path(folder))
    print(f"{passed.count(True)} ok, {passed.count(False)} failed")
    return int(not all(passed))


def _check_package(tag: str | None, folder: str) -> list[bool]:
    """Builds the sdist and the wheel in a folder, and checks them."""
    if not _report("build", partial(_run_tool, "pyproject-build", "--outdir", folder)):
        return [False]
    files = [str(file) for file in Path(folder).iterdir()]
    [wheel] = Path(folder).glob("*.whl")
    return [
        True,
        _report("metadata", partial(_run_tool, "twine", "check", "--strict", *files)),
        _report("description", partial(checks.check_description, tag, wheel)),
        _report("contents", partial(_run_tool, "check-wheel-contents", folder)),
    ]


def _keep(built: Path) -> None:
    """Puts the files that were built into ``dist/``, in place of earlier ones."""
    target = Path("dist")
    target.mkdir(exist_ok=True)
    for old in target.glob("pulumi_truto-*"):
        old.unlink()
    for file in built.iterdir():
        shutil.copy2(file, target)


def _run_tool(name: str, *arguments: str) -> str:
    run(str(_BIN / name), *arguments)
    return f"{name} passes"


def _report(name: str, check: Callable[[], str]) -> bool:
    """Runs a check, prints its line, and returns whether it passed."""
    try:
        status, detail = "ok", check()
    except CheckError as error:
        status, detail = "FAILED", str(error)
    print(f"{status:7} {name:11} {textwrap.indent(detail, '    ').strip()}", flush=True)
    return status == "ok"


if __name__ == "__main__":
    sys.exit(main())
