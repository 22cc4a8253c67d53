"""Builds the sdist and the wheel, and checks them."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from pulumi_truto import version as constants
from release.project import ROOT, CommandError, Result, failed, git, ok, pyproject, read, run

__all__ = [
    "build",
    "built",
    "check_contents",
    "check_description",
    "check_installation",
    "check_licence",
    "check_reproducible",
]

#: What a build on another machine may have: the permissions of new files, and the zone of times.
_MACHINES: Final[Mapping[str, tuple[int, Mapping[str, str]]]] = {
    "one": (0o022, {"TZ": "UTC"}),
    "two/deeper": (0o077, {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1"}),
}

#: The SHA-256 of the terms of the Apache License 2.0, with each white space as one blank.
_TERMS: Final = "59d8f0ba87ad9a2f1a431123c8d16646e5b89ba53653e818f16d136d77263c99"


def build(folder: Path) -> None:
    """Builds the sdist and the wheel of the last commit, so that every build of it has the same bytes.

    Times are those of the commit (SOURCE_DATE_EPOCH). setuptools ignores that in an sdist, so `_normalize` sets them.

    Args:
        folder: where the two files are written; created if it does not exist.
    """
    timestamp = int(git("log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as temporary:
        run("git", "clone", "--quiet", str(ROOT), temporary, umask=0o022)
        command = (sys.executable, "-m", "build", "--outdir", str(folder), temporary)
        run(*command, env={"SOURCE_DATE_EPOCH": str(timestamp)}, umask=0o022)
    [sdist] = folder.glob("*.tar.gz")
    sdist.write_bytes(_normalize(sdist, timestamp))


def _normalize(sdist: Path, timestamp: int) -> bytes:
    """Returns an sdist without the times, the owner and the order that this machine gave its files."""
    buffer = io.BytesIO()
    with (
        tarfile.open(sdist) as old,
        gzip.GzipFile("", "wb", fileobj=buffer, mtime=timestamp) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime = timestamp
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.pax_headers = {}  # they repeat the time
            new.addfile(member, old.extractfile(member))
    return buffer.getvalue()


def check_reproducible(folder: Path) -> Result:
    """Two machines get the same bytes from one commit. Both builds are kept in the folder, for the other checks."""
    for name, (umask, env) in _MACHINES.items():
        clone = folder / name / "clone"
        clone.parent.mkdir(parents=True)
        run("git", "clone", "--quiet", "--no-local", str(ROOT), str(clone), umask=umask)
        run(sys.executable, "-m", "release", "build", str(folder / name / "dist"), cwd=clone, env=env, umask=umask)
    first, second = ({path.name: path for path in built(folder, name)} for name in _MACHINES)
    if first.keys() != second.keys():
        return failed(
            f"two builds of one commit have other names: {', '.join(first)} and {', '.join(second)}. See setup.py"
        )
    different = [name for name, path in first.items() if path.read_bytes() != second[name].read_bytes()]
    if different:
        members = [member for name in different for member in _differences(first[name], second[name])]
        return failed(
            f"two builds of one commit differ: {', '.join(members[:5])}. A build may use only what is committed"
        )
    return ok(f"two clones give the same {' and '.join(first)}")


def built(folder: Path, machine: str = next(iter(_MACHINES))) -> list[Path]:
    """Returns the files that `check_reproducible` has built in a folder: the sdist and the wheel."""
    return sorted((folder / machine / "dist").glob("*"))


def _wheel(folder: Path) -> str:
    [wheel] = [str(path) for path in built(folder) if path.suffix == ".whl"]
    return wheel


def _differences(one: Path, two: Path) -> list[str]:
    first, second = _members(one), _members(two)
    names = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    return sorted(names) or ["the same files, but other times, permissions, owners or order"]


def check_description(folder: Path) -> Result:
    """The package index can show the description."""
    try:
        run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built(folder)))
    except CommandError as error:
        return failed(f"{error}: see README.md and [project] in pyproject.toml")
    return ok("twine check --strict passes")


def check_licence(folder: Path) -> Result:
    """Both files contain the Apache License 2.0, and say so."""
    project = pyproject()["project"]
    licences = project.get("license-files") or ["LICENSE"]
    terms, end, _ = read("LICENSE").partition("END OF TERMS AND CONDITIONS")
    if hashlib.sha256(" ".join((terms + end).split()).encode()).hexdigest() != _TERMS:
        return failed("LICENSE is not https://www.apache.org/licenses/LICENSE-2.0.txt: put its text back")
    for path in built(folder):
        members = _members(path)
        [metadata] = [
            data
            for name, data in members.items()
            if name.endswith((".dist-info/METADATA", "/PKG-INFO")) and name.count("/") == 1
        ]
        message = BytesParser().parsebytes(metadata)
        if message["License-Expression"] != project["license"]:
            return failed(
                f"{path.name} says License-Expression: {message['License-Expression']}, not {project['license']}: "
                "see license in pyproject.toml"
            )
        if message.get_all("License-File") != licences:
            return failed(f"{path.name} does not name {', '.join(licences)}: see license-files in pyproject.toml")
        for file in licences:
            if read(file).encode() not in [data for name, data in members.items() if name.endswith(f"/{file}")]:
                return failed(f"{path.name} does not contain {file}: see license-files in pyproject.toml")
    return ok(f"{project['license']}, with {', '.join(licences)}")


def check_contents(folder: Path) -> Result:
    """The wheel contains the package alone, and all of it."""
    names = {name for name in _members(Path(_wheel(folder))) if not name.split("/")[0].endswith(".dist-info")}
    package = set(git("ls-tree", "-r", "-z", "--name-only", "HEAD", "pulumi_truto").strip("\0").split("\0"))
    differences = {"also contains": names - package, "lacks": package - names}
    faults = [
        f"the wheel {verb} {len(found)} files: {', '.join(sorted(found)[:5])}"
        for verb, found in differences.items()
        if found
    ]
    if faults:
        return failed(*faults, "see [tool.setuptools] in pyproject.toml")
    return ok(f"{len(names)} files, which are those of pulumi_truto")


def check_installation(folder: Path) -> Result:
    """The wheel installs into a new virtual environment. There the package loads, and makes its schema."""
    with tempfile.TemporaryDirectory() as environment:
        venv.create(environment, with_pip=True)
        python = Path(environment, "Scripts" if sys.platform == "win32" else "bin", "python")
        run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _wheel(folder))
        code = "import pulumi_truto; print(pulumi_truto.__version__)"
        printed = run(str(python), "-c", code, cwd=Path(environment)).strip()
        schema = run(str(python), "-m", "pulumi_truto.plugin.schema", cwd=Path(environment))
    if printed != constants.__version__:
        return failed(f"the installed wheel says that it is {printed}, not {constants.__version__}: see pyproject.toml")
    if schema.rstrip("\n") != git("show", "HEAD:schema.json"):
        return failed("the schema of the installed wheel is not schema.json: run make schema, and commit it")
    return ok(f"the wheel installs, is {printed}, and makes its schema")


def _members(path: Path) -> dict[str, bytes]:
    """Returns the files of an sdist or of a wheel."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as sdist:
        files = ((member.name, sdist.extractfile(member)) for member in sdist.getmembers())
        return {name: file.read() for name, file in files if file is not None}
