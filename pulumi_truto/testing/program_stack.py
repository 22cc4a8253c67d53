"""A stack of a copied program, on the Pulumi CLI or on the local engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pulumi.automation import ConfigValue, DestroyResult, OutputMap, PreviewResult, RefreshResult, UpResult
from pulumi.runtime.mocks import Mocks

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing.stack import Engine, open_stack

__all__ = ["ProgramStack", "copy_program", "find_program"]

#: What is not copied: configuration of the user's own stacks, environments, caches, version control.
_NOT_COPIED: Final = ("Pulumi.*.yaml", "venv", ".venv", "__pycache__", "node_modules", ".git", ".pytest_cache")
#: The packages whose resources exist only in the sandbox or in the state.
_LOCAL_PACKAGES: Final = ("pulumi", "pulumi-python", "truto")


class ProgramStack:
    """A stack of a program under test.

    `up`, `preview`, `refresh` and `destroy` take the arguments of `pulumi.automation.Stack` and return its results; a
    failed run raises `pulumi.automation.CommandError`. The local engine refuses by name what it does not support.

    Attributes:
        engine (Engine): "cli" or "local".
        work_dir (Path): the copy of the program.
        stack: the stack itself: a `pulumi.automation.Stack`, or the local engine's.
    """

    def __init__(
        self,
        engine: Engine,
        work_dir: Path,
        home: Path,
        sandbox: Sandbox,
        *,
        name: str,
        env: Mapping[str, str],
        mocks: Mocks | None,
    ) -> None:
        self.engine = engine
        self.work_dir = work_dir
        # Also for explicit providers without arguments. The settings of the machine never reach the provider.
        settings = {"TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
        self.stack: Any = open_stack(engine, work_dir, home, stack_name=name, env_vars={**settings, **env}, mocks=mocks)
        self.set_config({"truto:baseUrl": sandbox.base_url}, {"truto:apiToken": sandbox.token})

    def set_config(self, config: Mapping[str, Any], secrets: Mapping[str, Any] | None = None) -> None:
        """Sets values of the stack's configuration, for the next runs. Other keys keep their values.

        Args:
            config: the values by key. A value that is no string becomes JSON, as Pulumi reads it; None removes the key.
            secrets: the same, encrypted.
        """
        for values, is_secret in ((config, False), (secrets or {}, True)):
            for key, value in values.items():
                if value is None:
                    self.stack.remove_config(key)
                    continue
                text = value if isinstance(value, str) else json.dumps(value)
                self.stack.set_config(key, ConfigValue(text, secret=is_secret))

    def preview(self, **arguments: Any) -> PreviewResult:
        """Runs ``pulumi preview``."""
        result: PreviewResult = self.stack.preview(**arguments)
        return result

    def up(self, **arguments: Any) -> UpResult:
        """Runs ``pulumi up``."""
        result: UpResult = self.stack.up(**arguments)
        return result

    def refresh(self, **arguments: Any) -> RefreshResult:
        """Runs ``pulumi refresh``."""
        result: RefreshResult = self.stack.refresh(**arguments)
        return result

    def destroy(self, **arguments: Any) -> DestroyResult:
        """Runs ``pulumi destroy``."""
        result: DestroyResult = self.stack.destroy(**arguments)
        return result

    def outputs(self) -> OutputMap:
        """The outputs of the stack, secrets in plain text and marked as secrets."""
        outputs: OutputMap = self.stack.outputs()
        return outputs

    def clean_up(self) -> None:
        """Destroys what exists elsewhere than in the sandbox: resources of other providers, which the CLI created."""
        if self.engine == "cli" and any(package not in _LOCAL_PACKAGES for package in self._packages()):
            self.stack.destroy()

    def _packages(self) -> set[str]:
        resources = (self.stack.export_stack().deployment or {}).get("resources") or []
        return {resource["type"].removeprefix("pulumi:providers:").split(":")[0] for resource in resources}


def find_program(program: str | Path, *folders: Path) -> Path:
    """Returns the folder of a program, which is absolute or relative to one of the folders.

    Raises:
        TypeError: the program is a function.
        FileNotFoundError: none of them has a ``Pulumi.yaml`` there.
    """
    if callable(program):
        raise TypeError(
            "pulumi_stack runs no inline programs. Put the program into a folder with a Pulumi.yaml, and give that"
        )
    candidates = [folder / program for folder in folders]
    for candidate in candidates:
        if (candidate / "Pulumi.yaml").is_file():
            return candidate.resolve()
    tried = " nor ".join(dict.fromkeys(str(candidate) for candidate in candidates))
    raise FileNotFoundError(f"there is no Pulumi.yaml in {tried}")


def copy_program(source: Path, target: Path) -> Path:
    """Copies a program without what belongs to the user's own stacks, and returns the copy.

    The copy runs with the Python of the tests, so that both engines run it alike. Relative paths of plugins in
    ``Pulumi.yaml`` keep their meaning.
    """
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    file = target / "Pulumi.yaml"
    project = yaml.safe_load(file.read_text(encoding="utf-8"))
    if isinstance(project, dict):
        runtime = project.get("runtime")
        if isinstance(runtime, dict) and runtime.get("name") == "python":
            project["runtime"] = "python"
        for plugin in (project.get("plugins") or {}).get("providers") or []:
            if isinstance(plugin.get("path"), str):
                plugin["path"] = str((source / plugin["path"]).resolve())
        file.write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
    return target
