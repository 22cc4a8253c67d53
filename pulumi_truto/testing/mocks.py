"""Unit tests of programs with Pulumi's mocks: an event loop, and settings that end with the test."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, Settings, configure, set_all_config, set_mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_root_resource, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs
from pulumi.runtime.sync_await import _sync_await  # what `pulumi.runtime.test` uses, also in a running event loop

from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK
from pulumi_truto.testing.engine.program import config_text, full_key
from pulumi_truto.testing.engine.settings import ORGANIZATION

__all__ = ["PulumiMocks", "RecordingMocks"]


class RecordingMocks(Mocks):
    """Mocks whose resources have their inputs as outputs, and whose functions return their arguments.

    A webhook also has a made-up `secret`.

    Attributes:
        resources (list[pulumi.runtime.MockResourceArgs]): the registered resources, with `typ`, `name` and `inputs`.
        calls (list[pulumi.runtime.MockCallArgs]): the called functions, with `token` and `args`.
    """

    def __init__(self) -> None:
        self.resources: list[MockResourceArgs] = []
        self.calls: list[MockCallArgs] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Records a resource, and returns its id and its outputs."""
        # Not those for the dynamic provider itself.
        args.inputs = {name: value for name, value in args.inputs.items() if not name.startswith("__")}
        self.resources.append(args)
        is_webhook = args.typ in (DYNAMIC_WEBHOOK, WEBHOOK)
        secret = {"secret": pulumi.Output.secret(f"{args.name}-secret")} if is_webhook else {}
        return args.resource_id or f"{args.name}-id", {**secret, **args.inputs}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Records a call, and returns its result."""
        self.calls.append(args)
        return args.args, []


class PulumiMocks:
    """The value of the fixture `pulumi_mocks`, and a context that lasts as long as the test."""

    def __enter__(self) -> PulumiMocks:
        self._variables = contextvars.copy_context()
        self._restore_loop = _forget_current_loop()
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        return self

    def __call__(
        self,
        mocks: Mocks | None = None,
        *,
        project: str = "project",
        stack: str = "stack",
        preview: bool = False,
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, Any] | None = None,
    ) -> Any:
        """Sets mocks and configuration for the code that follows, which starts without resources.

        Args:
            mocks: serve the resources and functions. Default: `RecordingMocks`.
            project: the project's name.
            stack: the stack's name.
            preview: whether this is a preview.
            config: the stack's configuration by key, as in `pulumi_stack`.
            secrets: the same, as secrets.

        Returns:
            The mocks.
        """
        mocks = RecordingMocks() if mocks is None else mocks
        values, secret_values = (
            {full_key(project, key): config_text(value) for key, value in (part or {}).items()}
            for part in (config, secrets)
        )
        set_all_config({**values, **secret_values}, list(secret_values))
        # `set_mocks` alone keeps the stack and the unfinished outputs of earlier code.
        configure(Settings(project, stack, root_directory=str(Path.cwd())))
        set_root_resource(None)  # type: ignore[arg-type]
        set_mocks(mocks, project, stack, preview, monitor=_Monitor(mocks), organization=ORGANIZATION)
        return mocks

    def value(self, output: Any = None) -> Any:
        """Waits until all resources are registered and every `apply` has run, and raises the first error.

        Args:
            output: an output, or a structure with outputs.

        Returns:
            Its value.
        """

        async def wait() -> Any:
            await wait_for_rpcs()
            return await pulumi.Output.from_input(output).future()

        return _sync_await(wait())

    def outputs(self) -> dict[str, Any]:
        """Waits like `value`, and returns what the program has exported."""
        outputs: dict[str, Any] = self.value(getattr(get_root_resource(), "outputs", {}))
        return outputs

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(_end_tasks(self._loop))
        self._loop.close()
        self._restore_loop()
        # The default values of those variables that had none.
        set_all_config({}, [])
        set_root_resource(None)  # type: ignore[arg-type]
        for variable, value in self._variables.items():
            variable.set(value)


class _Monitor(MockMonitor):
    """Pulumi's monitor for mocks, which opens an event loop in every thread, and closes none."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        for name in ("Invoke", "ReadResource", "RegisterResource"):
            setattr(self, name, partial(_with_event_loop, getattr(self, name)))


def _with_event_loop(method: Callable[[Any], Any], request: Any) -> Any:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return method(request)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_default_executor()


def _forget_current_loop() -> Callable[[], None]:
    """Replaces this thread's event loop without making one, and returns a function that brings it back."""
    if sys.version_info < (3, 14):
        # A thread that has no loop keeps the right to get one at its first need: `set_event_loop(None)` ends that.
        policy = asyncio.get_event_loop_policy()
        asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
        return partial(asyncio.set_event_loop_policy, policy)
    try:
        loop = asyncio.get_event_loop()
    except RuntimeError:
        loop = None
    return partial(asyncio.set_event_loop, loop)
