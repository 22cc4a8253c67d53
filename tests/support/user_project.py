"""A user's project with tests that use the pytest plugin."""

from __future__ import annotations

import hashlib
import os
import sys
import textwrap
from pathlib import Path

from tests.support.commands import run

__all__ = ["UserProject"]

PROGRAM = """
import pulumi, pulumi_truto as truto
url = pulumi.Config().get("url") or "https://hooks.example.com/truto"
hook = truto.Webhook("orders", target_url=url)
pulumi.export("id", hook.id)
"""


class UserProject:
    """A user's folder with a program and its tests, and a separate home folder."""

    def __init__(self, folder: Path, program: str = PROGRAM) -> None:
        self.folder, self.home = folder / "project", folder / "home"
        (self.folder / "tests").mkdir(parents=True)
        (self.home / ".pulumi").mkdir(parents=True)
        (self.home / ".pulumi" / "credentials.json").write_text('{"current": "https://example.com"}')
        (self.folder / "Pulumi.yaml").write_text(
            "name: mine\nruntime:\n  name: python\n  options: {virtualenv: venv}\n"
        )
        (self.folder / "Pulumi.dev.yaml").write_text("config:\n  mine:url: https://of-the-users-stack.example.com\n")
        (self.folder / "__main__.py").write_text(textwrap.dedent(program))

    def run_tests(self, tests: str, engine: str, *options: str, check: bool = True) -> str:
        """Runs the user's tests with pytest; returns their output."""
        (self.folder / "tests" / "test_mine.py").write_text(textwrap.dedent(tests))
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        env |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}  # `make coverage`
        command = (
            sys.executable,
            "-B",  # for pytest alone: the processes that it starts have to take care of themselves
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--pulumi-engine={engine}",
            *options,
        )
        process = run(*command, cwd=self.folder, env=env, check=check)
        return process.stdout + process.stderr

    def digest(self) -> str:
        """A hash of everything in the user's folders, and beside them."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.parent.rglob("*")):
            if path.name != "test_mine.py":
                content = path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else b""
                digest.update(f"{path.relative_to(self.folder.parent)}\0".encode() + content)
        return digest.hexdigest()
