"""Opens a stack on the Pulumi CLI or on the local engine, with the same interface."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pulumi.automation as auto
from pulumi.runtime.mocks import Mocks

from pulumi_truto.testing.engine.stack import Stack, create_or_select_stack

__all__ = ["Engine", "cli_version", "open_stack"]

Engine = Literal["local", "cli"]


def cli_version() -> str | None:
    """Returns the version of the Pulumi CLI on PATH, or ``None`` if there is none that can run Python programs."""
    if shutil.which("pulumi") is None or shutil.which("pulumi-language-python") is None:
        return None
    return str(auto.PulumiCommand(skip_version_check=True).version)


def open_stack(
    engine: Engine,
    work_dir: Path,
    home: Path,
    *,
    stack_name: str = "dev",
    env_vars: Mapping[str, str] | None = None,
    mocks: Mocks | None = None,
) -> auto.Stack | Stack:
    """Returns the stack of a Pulumi program. The user's own Pulumi account, settings and stacks are not used.

    With the CLI the user's installed plugins can be used, and are not changed.

    Args:
        engine: the local engine or the Pulumi CLI.
        work_dir: the folder of ``Pulumi.yaml``. The CLI writes the stack's configuration to a file there.
        home: the folder for the state and, with the CLI, its settings and plugins; created if it does not exist.
        stack_name: the stack's name.
        env_vars: additional environment variables of the program and the providers.
        mocks: serve the resources of other providers on the local engine. The CLI runs their plugins.
    """
    home.mkdir(parents=True, exist_ok=True)
    env = {"PULUMI_CONFIG_PASSPHRASE": "", **(env_vars or {})}
    if engine == "local":
        return create_or_select_stack(stack_name, work_dir, state_dir=home / "state", env_vars=env, mocks=mocks)
    (home / "state").mkdir(exist_ok=True)
    env |= {
        "PULUMI_BACKEND_URL": (home / "state").as_uri(),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Pulumi lists the program's packages with pip, which otherwise asks the index for a newer pip.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # The program and the provider run with this Python.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    _link_plugins(home / "pulumi" / "plugins")
    options = auto.LocalWorkspaceOptions(env_vars=env, pulumi_command=auto.PulumiCommand(skip_version_check=True))
    return auto.create_or_select_stack(stack_name, work_dir=str(work_dir), opts=options)


def _link_plugins(folder: Path) -> None:
    """Links the user's installed plugins into a new folder, so that the CLI writes nothing beside them.

    Each gets a folder of its own with links to its files: the CLI ignores a link to a folder (seen with CLI 3.260).
    """
    installed = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    for plugin in installed.iterdir() if installed.is_dir() else ():
        if plugin.is_dir() and not (folder / plugin.name).exists():
            (folder / plugin.name).mkdir()
            for part in plugin.iterdir():
                (folder / plugin.name / part.name).symlink_to(part, target_is_directory=part.is_dir())
