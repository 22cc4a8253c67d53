"""Runs the Pulumi CLI with the language hosts of the machine, and with a separate home."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import cli_version
from tests.support.commands import run
from tests.support.distribution import copy_repository

__all__ = ["PROGRAMS", "Checkout", "cli_environment", "skip_without"]

#: The programs that a language, or uv, needs on PATH, with the Pulumi CLI and its Python host, which runs the plugin.
_NEEDED: Final = {
    "python": (),
    "typescript": ("pulumi-language-nodejs", "npm"),
    "go": ("pulumi-language-go", "go"),
    "yaml": ("pulumi-language-yaml",),
    "csharp": ("pulumi-language-dotnet",),
    "uv": ("uv",),
}

#: The file of the program in each language that the tests run.
PROGRAMS: Final = {"python": "__main__.py", "typescript": "index.ts", "go": "main.go", "yaml": "Pulumi.yaml"}

_PYTHON_PROJECT: Final = """\
name: truto-python
runtime: {name: python, options: {toolchain: pip, virtualenv: venv}}
packages: {truto: ../..}
"""


def skip_without(language: str) -> None:
    """Skips the test if the machine cannot generate or run programs in this language."""
    needed = ("pulumi", "pulumi-language-python", *_NEEDED[language])
    missing = [name for name in needed if shutil.which(name) is None]
    if missing or cli_version() is None:
        pytest.skip(f"not on PATH: {', '.join(missing)}")


def cli_environment(folder: Path) -> dict[str, str]:
    """The environment of the CLI, whose home and state are below a folder."""
    return {
        **os.environ,
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


@dataclass
class Checkout:
    """A copy of the repository. Pulumi installs the plugin in it once, with a virtual environment.

    Attributes:
        folder: Where the copy, the CLI's home and the states are.
        sandbox: The Truto API of the programs.
    """

    folder: Path
    sandbox: Sandbox | None = None
    _projects: dict[str, Path] = field(default_factory=dict)

    def install(self, language: str) -> Path:
        """The folder of the example in a language, after `pulumi install`; there is an empty one for Python."""
        if not self._projects:
            copy_repository(self.folder / "repository")
        if language not in self._projects:
            project = self.folder / "repository" / "examples" / language
            if language == "python":
                project.mkdir()
                (project / "Pulumi.yaml").write_text(_PYTHON_PROJECT)
                (project / "requirements.txt").write_text("pulumi>=3,<4\n")
            run("pulumi", "install", "--non-interactive", cwd=project, env=cli_environment(self.folder))
            self._projects[language] = project
        return self._projects[language]

    def pulumi(self, language: str, *arguments: str) -> str:
        """Runs the CLI in the folder of the example, and returns its output."""
        assert self.sandbox is not None
        token = {"TRUTO_API_TOKEN": self.sandbox.token, "TRUTO_BASE_URL": self.sandbox.base_url}
        environment = {**cli_environment(self.folder), **token}
        return run("pulumi", *arguments, "--non-interactive", cwd=self._projects[language], env=environment).stdout
