"""Units: Pulumi's mocks run the program without an engine, in milliseconds."""

import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest

PROGRAM = str(Path(__file__).parents[1] / "__main__.py")


class Mocks(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.webhooks: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.webhooks.append(args.inputs)
        return f"{args.name}-id", {**args.inputs, "secret": "a-secret"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:  # noqa: ARG002
        return {}, None


@pytest.fixture
def mocks() -> Mocks:
    mocks = Mocks()
    pulumi.runtime.set_mocks(mocks, project="truto-testing", stack="test")
    pulumi.runtime.set_all_config({"truto-testing:teams": '["orders"]', "truto-testing:active": "false"})
    return mocks


def test_webhooks_can_be_inactive(mocks: Mocks) -> None:
    @pulumi.runtime.test
    def run() -> None:
        runpy.run_path(PROGRAM, run_name="__main__")

    run()
    assert [webhook["is_active"] for webhook in mocks.webhooks] == [False]
