"""The processes of a program see nothing of the process that starts them."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from tests.support.commands import run
from tests.support.user_project import UserProject

SCRIPT = """
    from pathlib import Path
    from pulumi_truto.testing import open_stack
    print("the script runs")
    stack = open_stack("local", Path("program"), Path("home"))
    print("outputs:", stack.up().outputs)
"""


def test_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """A script that runs a stack needs no ``if __name__ == "__main__"``."""
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "Pulumi.yaml").write_text("name: plain\nruntime: python\n")
    (tmp_path / "program" / "__main__.py").write_text("import pulumi\npulumi.export('answer', 42)\n")
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    output = run(sys.executable, "script.py", cwd=tmp_path).stdout
    assert output.count("the script runs") == 1
    assert "'answer': 42" in output


def test_program_does_not_see_the_modules_of_the_tests(tmp_path: Path) -> None:
    """A module in the folder of the tests is not importable for the program, as on the CLI."""
    user = UserProject(tmp_path, "import helper_of_the_tests\n")
    (user.folder / "tests" / "helper_of_the_tests.py").write_text("")
    tests = """
        import helper_of_the_tests

        def test_it(pulumi_stack):
            pulumi_stack("..").up()
    """
    assert "No module named 'helper_of_the_tests'" in user.run_tests(tests, "local", check=False)


def test_exit_handlers_of_a_program_run(tmp_path: Path) -> None:
    """A function that a program registers with `atexit` runs at its end."""
    user = UserProject(tmp_path, "import atexit, pathlib\natexit.register(pathlib.Path('ended').touch)\n")
    tests = """
        def test_it(pulumi_stack):
            stack = pulumi_stack("..")
            stack.up()
            assert (stack.work_dir / "ended").exists()
    """
    assert "1 passed" in user.run_tests(tests, "local")
