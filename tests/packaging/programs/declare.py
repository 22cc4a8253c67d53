"""Declares a webhook with Pulumi's mocks, and shows which package the sandbox misses."""

from typing import Any

import pulumi


class Mocks(pulumi.runtime.Mocks):
    """Pulumi's way to test a program without an engine. Everything else is real."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Records the resource and returns its id and outputs."""
        declared.append((args.typ, args.name, args.inputs["target_url"]))
        return "an-id", {**args.inputs, "secret": "s"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Fails because the program calls no function."""
        raise NotImplementedError(args.token)


declared: list[tuple[str, str, str]] = []
pulumi.runtime.set_mocks(Mocks())
import pulumi_truto as truto  # noqa: E402 - the mocks have to be set first

hook = truto.Webhook("orders", "https://hooks.example.com/truto", [truto.EventType.RECORD_CREATED])
pulumi.runtime.test(lambda: hook.id)()  # type: ignore[no-untyped-call]
assert declared == [("pulumi-python:dynamic/truto:Webhook", "orders", "https://hooks.example.com/truto")], declared
try:
    import pulumi_truto.sandbox  # noqa: F401
except ModuleNotFoundError as error:
    print("missing:", error.name)
    print(error)
