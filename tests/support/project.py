"""A Pulumi project in a folder, brought up on the sandbox by either engine, with its calls counted."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from pulumi.automation import CommandError, ConfigValue, OutputMap

from pulumi_truto.local_engine.open_stack import Engine, open_stack
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.webhook.properties import to_camel
from tests.support.commands import run
from tests.support.plugin import install_plugin

URL = "https://hooks.example.com/truto"

#: The two ways in: the dynamic provider, and the native plugin.
ProviderKind = Literal["dynamic", "native"]


@dataclass(frozen=True)
class Outcome:
    """One run: what it changed beside the stack itself, what it sent to Truto, and everything it showed.

    `outputs` are the stack's, where the run brings them along; the CLI takes its time to show them.
    """

    changes: dict[str, int]
    calls: list[str]
    text: str
    outputs: OutputMap | None = None


class Project:
    """A program that can be changed and run again and again."""

    def __init__(
        self,
        engine: Engine,
        sandbox: Sandbox,
        folder: Path,
        env: dict[str, str] | None = None,
        provider_kind: ProviderKind = "dynamic",
    ) -> None:
        self.engine = engine
        self.provider_kind = provider_kind
        self.sandbox = sandbox
        self.folder = folder
        self.work_dir = folder / "program"
        self.work_dir.mkdir(parents=True)
        plugin = install_plugin(folder, self.work_dir) if provider_kind == "native" else ""
        (self.work_dir / "Pulumi.yaml").write_text("name: scenario\nruntime: python\n" + plugin)
        # Whatever the machine's own environment says, it must not reach the provider.
        self.env = {"TRUTO_API_TOKEN": "", "TRUTO_BASE_URL": "", **(env or {})}
        self.stack: Any = open_stack(engine, self.work_dir, folder / "home", env_vars=self.env)
        self.set_token(sandbox.token)
        self.stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        #: Everything that any run has shown.
        self.shown = ""

    def set_token(self, token: str | None) -> None:
        """Sets the stack's token, or takes it away."""
        if token is None:
            self.stack.remove_config("truto:apiToken")
        else:
            self.stack.set_config("truto:apiToken", ConfigValue(token, secret=True))

    def set_environment(self, **variables: str) -> None:
        """Sets environment variables of the program and the providers from the next run on. Forgets the config."""
        self.env |= variables
        self.stack = open_stack(self.engine, self.work_dir, self.folder / "home", env_vars=self.env)

    def program(self, body: str) -> None:
        """Replaces the program. `URL` and the usual imports are there."""
        module = "pulumi_truto_native" if self.provider_kind == "native" else "pulumi_truto"
        head = f"import pulumi\nimport {module} as truto\nURL = {URL!r}\n"
        (self.work_dir / "__main__.py").write_text(head + textwrap.dedent(body))

    def name_of(self, name: str) -> str:
        """What Pulumi knows a property as: the native plugin's schema has camel case."""
        return to_camel({name: 0}).popitem()[0] if self.provider_kind == "native" else name

    def webhook(self, arguments: str = "target_url=URL", opts: str = "None") -> None:
        """A program with one webhook and all of its outputs."""
        self.program(f"""
            hook = truto.Webhook("orders", {arguments}, opts={opts})
            for name in ["id", "secret", "target_url", "event_types", "is_active", "environment_id",
                         "created_at", "updated_at"]:
                pulumi.export(name, getattr(hook, name))
        """)

    def preview(self) -> Outcome:
        """Runs `pulumi preview`."""
        return self._run(self.stack.preview)

    def up(self, **kwargs: Any) -> Outcome:
        """Runs `pulumi up`."""
        return self._run(self.stack.up, **kwargs)

    def refresh(self) -> Outcome:
        """Runs `pulumi refresh`."""
        return self._run(self.stack.refresh)

    def destroy(self) -> Outcome:
        """Runs `pulumi destroy`."""
        return self._run(self.stack.destroy)

    def fails(self, run: Callable[[], Outcome]) -> Outcome:
        """Runs what must fail, and returns what it showed."""
        before = len(self.sandbox.calls)
        with pytest.raises(CommandError) as caught:
            run()
        text = str(caught.value)
        self.shown += text
        return Outcome({}, self._calls_since(before), text)

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, in plain."""
        return {name: output.value for name, output in self.stack.outputs().items()}

    @property
    def state(self) -> str:
        """The exported state as text, secrets as they are kept."""
        return json.dumps(self._deployment())

    @property
    def managed(self) -> list[dict[str, Any]]:
        """The webhooks in the state, secrets as they are kept."""
        resources: list[dict[str, Any]] = self._deployment().get("resources", [])
        type_ = "truto:index:Webhook" if self.provider_kind == "native" else "pulumi-python:dynamic/truto:Webhook"
        return [each for each in resources if each["type"] == type_]

    def _deployment(self) -> Any:
        if self.engine == "local":
            return self.stack.export_stack().deployment
        # The automation API's export shows secrets in plain; the CLI's, like the state itself, does not.
        command = ["pulumi", "stack", "export", "--stack", "dev"]
        env = {**os.environ, **self.stack.workspace.env_vars}
        return json.loads(run(*command, cwd=self.work_dir, env=env).stdout)["deployment"]

    def _run(self, run: Callable[..., Any], **kwargs: Any) -> Outcome:
        before = len(self.sandbox.calls)
        result = run(**kwargs)
        counts = result.change_summary if hasattr(result, "change_summary") else result.summary.resource_changes
        changes = {getattr(op, "value", op): count for op, count in (counts or {}).items() if count}
        self.shown += result.stdout + result.stderr
        text = result.stdout + result.stderr
        return Outcome(changes, self._calls_since(before), text, getattr(result, "outputs", None))

    def _calls_since(self, before: int) -> list[str]:
        return [call.operation for call in self.sandbox.calls[before:]]
