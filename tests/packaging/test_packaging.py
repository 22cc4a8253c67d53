"""The package as users get it: built, installed into environments of its own, and run there from nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import types
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import pulumi_truto
from tests.support import commands
from tests.support.commands import REPOSITORY

# What a version of the dependencies must be able to do, from the first `preview` to the last `destroy`.
LIFE = '''
import sys
from pathlib import Path
from pulumi.automation import ConfigValue
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.local_engine import create_or_select_stack

PROGRAM = """
import pulumi
import pulumi_truto as truto
config = pulumi.Config()
hook = truto.Webhook(
    "orders",
    "https://hooks.example.com/truto",
    config.get_object("eventTypes"),
    opts=pulumi.ResourceOptions(replacement_trigger=config.get("generation")),
)
theirs = truto.Webhook.get("theirs", config.require("theirs"))
other = truto.Provider("other", config.require_secret("otherToken"), pulumi.Config("truto").require("baseUrl"))
elsewhere = truto.Webhook("elsewhere", theirs.target_url, opts=pulumi.ResourceOptions(provider=other))
following = truto.Webhook("following", hook.id.apply(lambda id: "https://hooks.example.com/" + id))
for name in "id", "secret", "event_types", "environment_id":
    pulumi.export(name, getattr(hook, name))
pulumi.export("theirs", theirs.target_url)
pulumi.export("elsewhere", elsewhere.environment_id)
"""

PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": ""}
folder = Path(sys.argv[1])
(folder / "Pulumi.yaml").write_text("name: life\\nruntime: python\\n")
(folder / "__main__.py").write_text(PROGRAM)
with Sandbox() as sandbox:
    there = sandbox.backend.create(sandbox.environment_id, {"target_url": "https://hooks.example.com/theirs"})
    staging = sandbox.add_environment("staging")
    stack = create_or_select_stack("dev", folder, state_dir=folder / "state", env_vars=PASSPHRASE)
    stack.set_config("truto:apiToken", ConfigValue(sandbox.token, secret=True))
    stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
    stack.set_config("theirs", ConfigValue(there["id"]))
    stack.set_config("otherToken", ConfigValue(staging.token, secret=True))
    stack.set_config("eventTypes", ConfigValue('["record:created"]'))
    stack.set_config("generation", ConfigValue("1"))

    def changes(run):
        """What it changed at Truto; how it reads is its own affair."""
        sandbox.reset_calls()
        run()
        return sorted(call.operation for call in sandbox.calls if call.operation not in ("read", "list"))

    def outputs():
        return {name: output.value for name, output in stack.outputs().items()}

    assert changes(stack.preview) == []
    assert changes(stack.up) == ["create", "create", "create"]
    first = outputs()
    assert first["theirs"] == there["target_url"]
    assert first["environment_id"] == sandbox.environment_id
    assert first["elsewhere"] == staging.id
    assert changes(stack.up) == []

    stack.set_config("eventTypes", ConfigValue('["record:*"]'))
    assert changes(stack.preview) == []
    assert changes(stack.up) == ["update"]
    assert outputs() == {**first, "event_types": ["record:*"]}

    # Somebody else changes it: a refresh sees that, and the next run puts it right.
    sandbox.backend.edit(first["id"], {"event_types": ["record:deleted"]})
    assert changes(stack.refresh) == []
    assert changes(stack.up) == ["update"]

    stack.set_config("generation", ConfigValue("2"))
    assert changes(stack.up) == ["create", "delete", "update"]
    assert outputs()["secret"] != first["secret"]

    assert changes(stack.destroy) == ["delete", "delete", "delete"]
    assert [webhook.id for webhook in sandbox.backend.webhooks()] == [there["id"]]
print("lived and died")
'''

# Pulumi's own way to test a program: the engine is left out, everything on this side of it is real.
DECLARE = """
import pulumi


class Engine(pulumi.runtime.Mocks):
    def new_resource(self, args):
        declared.append((args.typ, args.name, args.inputs["target_url"]))
        return "an-id", {**args.inputs, "secret": "s"}

    def call(self, args):
        return {}


declared = []
pulumi.runtime.set_mocks(Engine())
import pulumi_truto as truto

hook = truto.Webhook("orders", "https://hooks.example.com/truto", [truto.EventType.RECORD_CREATED])
pulumi.runtime.test(lambda: hook.id)()
assert declared == [("pulumi-python:dynamic/truto:Webhook", "orders", "https://hooks.example.com/truto")], declared
try:
    import pulumi_truto.sandbox
except ModuleNotFoundError as error:
    print("missing:", error.name)
    print(error)
"""


def run(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, ok: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs a command without what the machine or the run of these tests says to Python, Pulumi, make or git."""
    foreign = ("PYTHON", "PULUMI", "TRUTO_", "VIRTUAL_ENV", "MAKE", "MFLAGS", "GIT_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return commands.run(*command, cwd=cwd, env={**clean, **(env or {})}, ok=ok)


def environment(empty: Path, folder: Path, *requirements: str) -> Path:
    """Makes a virtual environment from an empty one and installs into it; returns its interpreter."""
    shutil.copytree(empty, folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    # Not compiled: most of what comes along is never imported here.
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", *requirements, cwd=folder)
    return python


def build_requirements() -> list[str]:
    """What pyproject.toml says that a build needs."""
    [listed] = re.findall(
        r"^requires = (\[.*\])$", (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    requirements: list[str] = json.loads(listed)
    return requirements


def tree_files() -> list[Path]:
    """The files of the working tree, relative to it, without what git ignores."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and a checkout of the repository")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY).stdout
    return sorted(Path(name) for name in set(listed.split("\0")) if name and (REPOSITORY / name).is_file())


@dataclass(frozen=True)
class Built:
    """What `python -m build` made of a copy of the working tree."""

    tree: Path
    sdist: Path
    wheel: Path
    """Built from the sdist."""
    wheel_of_tree: Path

    @property
    def metadata(self) -> Message:
        """What an installer reads."""
        with zipfile.ZipFile(self.wheel) as wheel:
            [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
            return BytesParser().parsebytes(wheel.read(name))

    @property
    def requirements(self) -> list[Requirement]:
        """The direct dependencies, those of the extra "sandbox" among them."""
        declared = [Requirement(text) for text in self.metadata.get_all("Requires-Dist", [])]
        return [each for each in declared if each.marker is None or each.marker.evaluate({"extra": "sandbox"})]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing but pip: a copy of it takes less time than a new one."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    # The pip that comes with Python 3.10 and 3.11 takes more than twice the time to read the package index.
    run(folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--upgrade", "pip", cwd=folder)
    return folder / "venv"


@pytest.fixture(scope="module")
def built(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The package, built as for a release, with nothing there but `build` and what it declares to need."""
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    for file in tree_files():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / file, tree / file)
    builder = environment(empty, tmp_path_factory.mktemp("builder"), "build", *build_requirements())
    build = (builder, "-m", "build", "--no-isolation", "--outdir")
    run(*build, folder / "of_tree", "--wheel", tree, cwd=folder)
    # The build's own leftovers in the tree must not find their way into the next one.
    shutil.rmtree(tree / "build", ignore_errors=True)
    run(*build, folder / "dist", tree, cwd=folder)
    [sdist] = (folder / "dist").glob("*.tar.gz")
    [wheel] = (folder / "dist").glob("*.whl")
    [wheel_of_tree] = (folder / "of_tree").glob("*.whl")
    return Built(tree, sdist, wheel, wheel_of_tree)


@pytest.fixture(scope="module")
def wheels(built: Built, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the package, its sandbox and its build need, as the package index has it now.

    To ask the index is what takes pip most of its time: it is done once for all environments with the newest versions.
    """
    folder = tmp_path_factory.mktemp("wheels")
    pip = (empty / "bin" / "python", "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder)
    run(*pip, f"{built.wheel}[sandbox]", *build_requirements(), cwd=folder)
    return folder


@pytest.fixture(scope="module")
def plain_python(built: Built, empty: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the package alone."""
    from_wheels = ("--no-index", "--find-links", str(wheels))
    return environment(empty, tmp_path_factory.mktemp("plain"), *from_wheels, str(built.wheel))


@pytest.fixture(scope="module")
def sandbox_python(built: Built, empty: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the package and its sandbox."""
    from_wheels = ("--no-index", "--find-links", str(wheels))
    return environment(empty, tmp_path_factory.mktemp("sandbox"), *from_wheels, f"{built.wheel}[sandbox]")


def contents(wheel: Path) -> dict[str, int]:
    """The names of a wheel's files, each with its checksum."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


def lowest(requirement: Requirement) -> str:
    """The lowest version that a requirement allows."""
    bounds = [each.version for each in requirement.specifier if each.operator in (">=", "==", "~=")]
    assert len(bounds) == 1, f"{requirement} has no lowest version"
    return bounds[0]


def test_wheel_contents(built: Built) -> None:
    """The wheel holds the whole package with its type marker, the plugin marker and the license, and no tests."""
    package = {str(file) for file in tree_files() if file.parts[0] == "pulumi_truto"}
    names = set(contents(built.wheel))
    assert {name for name in names if ".dist-info/" not in name} == package
    assert "pulumi_truto/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    with zipfile.ZipFile(built.wheel) as wheel:
        assert json.loads(wheel.read("pulumi_truto/pulumi-plugin.json")) == {"resource": False}


def test_sdist_contents(built: Built) -> None:
    """The sdist holds what a build needs, the license, the type and the plugin marker, and no tests."""
    with tarfile.open(built.sdist) as sdist:
        members = {str(Path(member.name).relative_to(built.sdist.name[: -len(".tar.gz")])): member for member in sdist}
        plugin = sdist.extractfile(members["pulumi_truto/pulumi-plugin.json"])
        assert plugin is not None
        with plugin:
            assert json.load(plugin) == {"resource": False}
    needed = {"pyproject.toml", "setup.py", "README.md", "LICENSE", "PKG-INFO", "pulumi_truto/py.typed"}
    assert needed <= set(members)
    assert [name for name in members if name.split("/")[0] in ("tests", "benchmarks")] == []


def test_sdist_builds_the_same_wheel(built: Built) -> None:
    """The wheel that is built from the sdist is the one that is built from the tree, file by file."""
    assert contents(built.wheel) == contents(built.wheel_of_tree)


def test_wheel_runs_the_quickstart(built: Built, sandbox_python: Path, tmp_path: Path) -> None:
    """Installed with its sandbox into a clean environment, the package brings the quickstart up and down."""
    shutil.copytree(built.tree / "examples", tmp_path / "examples")
    done = run(sandbox_python, "-m", "pulumi_truto.local_engine", "up", "examples/quickstart", cwd=tmp_path)
    assert "webhookSecret: [secret]" in done.stdout


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the oldest releases have no wheels for this Python")
def test_lowest_versions(built: Built, empty: Path, tmp_path: Path) -> None:
    """With the lowest version of each dependency that the metadata allows, a webhook's whole life works."""
    oldest = {canonicalize_name(each.name): lowest(each) for each in built.requirements}
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(f"{name}=={number}\n" for name, number in oldest.items()))
    python = environment(
        empty, tmp_path, "--only-binary", ":all:", "--constraint", str(constraints), f"{built.wheel}[sandbox]"
    )
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path).stdout)
    installed = {canonicalize_name(each["name"]): each["version"] for each in listed}
    for name, number in oldest.items():
        assert re.fullmatch(rf"{re.escape(number)}(\.0)*", installed[name]), (name, number, installed[name])

    shutil.copytree(built.tree / "examples" / "quickstart", tmp_path / "quickstart")
    run(python, "-m", "pulumi_truto.local_engine", "up", "quickstart", cwd=tmp_path)
    (tmp_path / "life").mkdir()
    (tmp_path / "life.py").write_text(LIFE)
    assert run(python, "life.py", "life", cwd=tmp_path).stdout.splitlines()[-1] == "lived and died"


def test_without_the_sandbox(plain_python: Path, tmp_path: Path) -> None:
    """Without the extra a program declares webhooks all the same, and the sandbox says which package is missing."""
    (tmp_path / "declare.py").write_text(DECLARE)
    lines = run(plain_python, "declare.py", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "missing: aiohttp"
    assert "aiohttp" in lines[1]


def test_public_names() -> None:
    """`__all__` is exactly the public surface: of a star import, of `dir()`, and of what the package defines."""
    namespace: dict[str, object] = {}
    exec("from pulumi_truto import *", namespace)  # noqa: S102 - there is no other way to see what it brings
    namespace.pop("__builtins__")
    public = set(pulumi_truto.__all__)
    assert len(public) == len(pulumi_truto.__all__)
    assert set(namespace) == public
    assert set(dir(pulumi_truto)) == public
    own = {
        name
        for name, value in vars(pulumi_truto).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "").startswith("pulumi_truto")
    }
    assert own == {name for name in public if not name.startswith("_")} - {"signature"}  # a module


def test_one_version(built: Built) -> None:
    """The version is written down in one place, and is that of the metadata."""
    number = pulumi_truto.__version__
    assert built.metadata["Version"] == number
    literal = re.compile(rf"(?<![\d.]){re.escape(number)}(?!\.?\d)")
    found = [
        str(file)
        for file in tree_files()
        if literal.search((REPOSITORY / file).read_text(encoding="utf-8", errors="replace"))
        and file.name != "CHANGELOG.md"
    ]
    assert found == ["pulumi_truto/version.py"]


def test_demo_in_a_fresh_clone(wheels: Path, tmp_path: Path) -> None:
    """`git clone` and `make demo` are all that it takes, without a Pulumi CLI and without showing a secret."""
    # Whatever folder has a Pulumi CLI is left out, so that the demo has to do without.
    folders = [
        folder
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if not shutil.which("pulumi", path=folder)
    ]
    path = os.pathsep.join(folders)
    if not (shutil.which("git", path=path) and shutil.which("make", path=path)):
        pytest.skip("needs git and make, in folders without a Pulumi CLI")
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a checkout of the repository")
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", REPOSITORY, clone, cwd=tmp_path)
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    done = run("make", "demo", f"PYTHON={sys.executable}", cwd=clone, env={"PATH": path, **index})
    shown = done.stdout
    assert "Engine: pulumi_truto's local engine" in shown
    assert "Received and verified: 'test'" in shown
    assert "\nAPI calls: 0\n" in shown
    assert "Webhooks left at Truto: 0" in shown
    [webhook_id] = re.findall(r"^webhookId +(\S+)$", shown, re.MULTILINE)
    assert re.search(rf'^ +webhookId: "{webhook_id}"$', shown, re.MULTILINE)
    assert re.search(r"^ +webhookSecret: \[secret\]$", shown, re.MULTILINE)
    # The sandbox's secrets are UUIDs too, so a secret in plain would be a second one.
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown + done.stderr)) == {webhook_id}


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_types_for_users(plain_python: Path, tmp_path: Path) -> None:
    """A program that uses the installed package type-checks strictly, and its mistakes are found."""
    shutil.copy2(REPOSITORY / "tests" / "typing" / "api.py", tmp_path / "api.py")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    done = run(sys.executable, "-m", "mypy", "--python-executable", plain_python, "api.py", cwd=tmp_path, ok=False)
    assert (done.stdout, done.returncode) == ("Success: no issues found in 1 source file\n", 0), commands.shown(done)
