"""A program that the pytest plugin runs stays where it is, and finds everything as with `pulumi up`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from pulumi_truto.testing import Engine
from tests.support.plugin import install_plugin
from tests.support.user_project import UserProject

#: Uses a module next to it, a package beside its folder, and files relative to its working directory and to itself.
PROGRAM = """
import json, sys
from pathlib import Path
import pulumi, pulumi_truto as truto
import naming
sys.path.insert(0, "..")
from company.teams import TEAMS

domain = json.loads(Path("../config/domain.json").read_text())
assert Path(__file__).parent == Path.cwd() == Path(sys.argv[0]).resolve()
assert pulumi.Config().require("on") == "on"
for team in TEAMS:
    truto.Webhook(naming.name(team), target_url=f"https://{domain}/{team}")
"""
TESTS = """
def test_it(pulumi_stack, truto_sandbox):
    stack = pulumi_stack("..", name="dev")
    stack.up()
    stack.preview(expect_no_changes=True)
    assert [webhook.target_url for webhook in truto_sandbox.webhooks()] == ["https://example.com/orders"]
    stack.destroy()
"""


@pytest.fixture
def user(tmp_path: Path) -> UserProject:
    """A user's project whose program has a folder of its own next to that of Pulumi.yaml, among odd files."""
    user = UserProject(tmp_path / "repository")
    user.folder.joinpath("__main__.py").unlink()
    files = {
        "src/__main__.py": PROGRAM,
        "src/naming.py": "def name(team):\n    return team + '-webhook'\n",
        "company/teams.py": "TEAMS = ['orders']\n",
        "config/domain.json": '"example.com"',
        "project/requirements.txt": "nothing-of-that-name\n",
        "project/pyproject.toml": "[project]\nname = 'mine'\nversion = '1'\n",
    }
    for name, text in files.items():
        file = user.folder.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    user.folder.joinpath("dangling").symlink_to("nowhere")
    user.folder.joinpath("unreadable").touch(mode=0o000)
    if sys.platform == "win32":
        pytest.skip("Windows has no such files")
    os.mkfifo(user.folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        place = Path.cwd()
        os.chdir(user.folder)  # the path of a socket has to be short
        try:
            server.bind("socket")
        finally:
            os.chdir(place)
    return user


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_program_runs_as_with_pulumi_up(user: UserProject, engine: Engine, name: str) -> None:
    """Working folder, imports and relative paths are the program's own, and nothing of the user's changes."""
    user.folder.joinpath("Pulumi.yaml").unlink()
    user.folder.joinpath(name).write_text(
        """
        {"name": "mine", "main": "../src/", "stackConfigDir": "stacks", "config": {"on": {"value": "on"}},
         "runtime": {"name": "python", "options": {"toolchain": "uv", "virtualenv": "venv", "typechecker": "mypy"}}}
        """.replace('{"value": "on"}', "{value: on}" if name != "Pulumi.json" else '{"value": "on"}')
    )
    digest = user.digest()
    assert "1 passed" in user.run_tests(TESTS, engine)
    assert user.digest() == digest


def test_program_that_is_a_file(user: UserProject, engine: Engine) -> None:
    """A `main` that is a file runs in its folder, which is not on the path for imports: as with `pulumi up`."""
    user.folder.joinpath("Pulumi.yaml").write_text("name: mine\nruntime: python\nmain: ../src/program.py\n")
    program = user.folder.parent / "src" / "program.py"
    program.write_text("import pathlib, pulumi\npulumi.export('folder', pathlib.Path.cwd().name)\n")
    tests = """
        import pytest
        from pathlib import Path
        from pulumi.automation import CommandError

        def test_it(pulumi_stack):
            stack = pulumi_stack("..")
            assert stack.up().outputs["folder"].value == "src"
            Path("../src/program.py").write_text("import naming")
            with pytest.raises(CommandError, match="No module named 'naming'"):
                stack.up()
    """
    assert "1 passed" in user.run_tests(tests, engine)


@pytest.mark.parametrize(
    "reference",
    [
        "packages: {truto: ../plugin}",
        "packages: {truto: {source: ../plugin}}",
        "plugins: {providers: [{name: truto, path: ../plugin}]}",
    ],
)
def test_plugin_in_a_relative_folder(user: UserProject, engine: Engine, reference: str) -> None:
    """A plugin is found in a folder relative to Pulumi.yaml, as `pulumi package add <folder>` writes it."""
    install_plugin(user.folder.parent, user.folder)
    user.folder.joinpath("Pulumi.yaml").write_text(f"name: mine\nruntime: python\n{reference}\n")
    user.folder.joinpath("__main__.py").write_text(
        "import pulumi_truto_native as truto\ntruto.Webhook('orders', target_url='https://example.com/orders')\n"
    )
    digest = user.digest()
    assert "1 passed" in user.run_tests(TESTS, engine)
    assert user.digest() == digest


def test_stacks_of_one_program_do_not_disturb_one_another(tmp_path: Path, engine: Engine) -> None:
    """Two stacks of a program in one test, and tests in parallel, have separate states and configurations."""
    output = UserProject(tmp_path).run_tests(
        """
        import pytest

        @pytest.mark.parametrize("number", range(2))
        def test_it(pulumi_stack, truto_sandbox, number):
            urls = [f"https://example.com/{number}/{part}" for part in "ab"]
            one, other = (pulumi_stack("..", config={"url": url}) for url in urls)
            one.up()
            other.up()
            one.preview(expect_no_changes=True)
            assert [webhook.target_url for webhook in truto_sandbox.webhooks()] == urls
            one.destroy()
            assert [webhook.target_url for webhook in truto_sandbox.webhooks()] == urls[1:]
        """,
        engine,
        "-n2",
    )
    assert "2 passed" in output


def test_defaults_of_the_project_return(tmp_path: Path, engine: Engine) -> None:
    """A value of the section `config` holds until the stack has another, and again when that is removed."""
    user = UserProject(tmp_path)
    user.folder.joinpath("Pulumi.yaml").write_text(
        "name: mine\nruntime: python\nconfig: {url: https://example.com/default}\n"
    )
    tests = """
        def test_it(pulumi_stack, truto_sandbox):
            stack = pulumi_stack("..", config={"url": "https://example.com/mine"})
            for change, url in ({}, "mine"), ({"url": None}, "default"):
                stack.set_config(change)
                stack.up()
                assert truto_sandbox.webhooks()[0].target_url == "https://example.com/" + url
    """
    assert "1 passed" in user.run_tests(tests, engine)


def test_main_that_does_not_exist_is_named(tmp_path: Path, engine: Engine) -> None:
    """A `main` without a file is reported with its path, when the stack is opened."""
    user = UserProject(tmp_path)
    user.folder.joinpath("Pulumi.yaml").write_text("name: mine\nruntime: python\nmain: ../src\n")
    output = user.run_tests("def test_it(pulumi_stack):\n    pulumi_stack('..')\n", engine, check=False)
    assert f"there is no {user.folder.parent / 'src'}, the main of {user.folder / 'Pulumi.yaml'}" in output
