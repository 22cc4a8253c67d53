"""A Pulumi project for tests: either engine deploys it to a sandbox, and every run reports its API calls."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError, ConfigValue, OutputMap

from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK, ProviderKind
from pulumi_truto.property_names import to_camel
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.webhooks import Webhook
from pulumi_truto.testing import Engine, open_stack
from tests.support.commands import run
from tests.support.plugin import install_plugin

__all__ = ["URL", "Outcome", "Project", "ProviderKind", "create_unmanaged"]

URL = "https://hooks.example.com/truto"


def create_unmanaged(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    """Creates a webhook outside Pulumi and returns it with its secret."""
    return sandbox.backend.create(sandbox.environment_id, {"target_url": URL, **fields})


@dataclass(frozen=True)
class Outcome:
    """The result of one run.

    Attributes:
        changes: The number of resources for each operation, such as "create" or "same". It includes the stack itself.
        calls: The operations that the run requested from Truto's API, in order.
        text: Everything that the run printed.
        outputs: The outputs of the stack, if the run returned them. Reading them from the CLI later takes long.
    """

    changes: dict[str, int]
    calls: list[str]
    text: str
    outputs: OutputMap | None = None


class Project:
    """A Pulumi project whose program can be replaced between runs.

    Args:
        engine: The engine that runs the project.
        sandbox: The Truto API that the project uses.
        folder: A folder for the program, the state and the plugin.
        env: Environment variables of the program and the providers.
        provider_kind: The provider kind of the program's webhooks.

    Attributes:
        output_text: Everything that all runs so far have printed.
    """

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
        # The settings of the machine must not reach the provider, nor an explicit one the real Truto.
        self.env = {"TRUTO_API_TOKEN": "", "TRUTO_BASE_URL": sandbox.base_url, **(env or {})}
        self.stack: Any = open_stack(engine, self.work_dir, folder / "home", env_vars=self.env)
        self.set_token(sandbox.token)
        self.stack.set_config("truto:baseUrl", ConfigValue(sandbox.base_url))
        self.output_text = ""

    def set_token(self, token: str | None) -> None:
        """Sets or removes the token in the stack's configuration."""
        if token is None:
            self.stack.remove_config("truto:apiToken")
        else:
            self.stack.set_config("truto:apiToken", ConfigValue(token, secret=True))

    def set_environment(self, **variables: str) -> None:
        """Sets environment variables of the program and the providers for all later runs.

        On the local engine this discards the stack's configuration.
        """
        self.env |= variables
        self.stack = open_stack(self.engine, self.work_dir, self.folder / "home", env_vars=self.env)

    def program(self, body: str) -> None:
        """Replaces the program. It can use `pulumi`, `truto` and `URL` without importing them."""
        module = "pulumi_truto_native" if self.provider_kind == "native" else "pulumi_truto"
        imports = f"import pulumi\nimport {module} as truto\nURL = {URL!r}\n"
        (self.work_dir / "__main__.py").write_text(imports + textwrap.dedent(body))

    def name_of(self, name: str) -> str:
        """The name of a property in the provider's schema, which has camelCase names for the native plugin."""
        return to_camel({name: 0}).popitem()[0] if self.provider_kind == "native" else name

    def webhook(self, arguments: str = "target_url=URL", opts: str = "None") -> None:
        """Replaces the program with one that declares one webhook and exports all its outputs."""
        self.program(f"""
            hook = truto.Webhook("orders", {arguments}, opts={opts})
            for name in ["id", "secret", "target_url", "event_types", "is_active", "environment_id",
                         "created_at", "updated_at"]:
                pulumi.export(name, getattr(hook, name))
        """)

    def preview(self, **kwargs: Any) -> Outcome:
        """Runs `pulumi preview`."""
        return self._run(self.stack.preview, **kwargs)

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
        """Calls `run`, which must fail, and returns its calls and its error message."""
        first_call = len(self.sandbox.calls)
        with pytest.raises(CommandError) as error_info:
            run()
        text = str(error_info.value)
        self.output_text += text
        return Outcome({}, self._calls_since(first_call), text)

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the stack, with secrets in plain text."""
        return {name: output.value for name, output in self.stack.outputs().items()}

    @property
    def state(self) -> str:
        """The exported state as JSON. Its secrets are encrypted."""
        return json.dumps(self._deployment())

    @property
    def only_webhook(self) -> Webhook:
        """The webhook at Truto. There must be exactly one."""
        [webhook] = self.sandbox.backend.webhooks()
        return webhook

    @property
    def managed(self) -> list[dict[str, Any]]:
        """The managed webhooks in the exported state. Their secrets are encrypted."""
        resources: list[dict[str, Any]] = self._deployment().get("resources", [])
        type_ = WEBHOOK if self.provider_kind == "native" else DYNAMIC_WEBHOOK
        return [resource for resource in resources if resource["type"] == type_]

    def _deployment(self) -> Any:
        if self.engine == "local":
            return self.stack.export_stack().deployment
        # The automation API exports secrets in plain text. The CLI exports them encrypted, as they are in the state.
        command = ["pulumi", "stack", "export", "--stack", "dev"]
        env = {**os.environ, **self.stack.workspace.env_vars}
        return json.loads(run(*command, cwd=Path(self.stack.workspace.work_dir), env=env).stdout)["deployment"]

    def _run(self, run: Callable[..., Any], **kwargs: Any) -> Outcome:
        first_call = len(self.sandbox.calls)
        result = run(**kwargs)
        counts = result.change_summary if hasattr(result, "change_summary") else result.summary.resource_changes
        changes = {getattr(op, "value", op): count for op, count in (counts or {}).items() if count}
        self.output_text += result.stdout + result.stderr
        text = result.stdout + result.stderr
        return Outcome(changes, self._calls_since(first_call), text, getattr(result, "outputs", None))

    def _calls_since(self, first_call: int) -> list[str]:
        return [call.operation for call in self.sandbox.calls[first_call:]]
