"""Units: Pulumi's mocks run the program without an engine, in milliseconds."""

import runpy
from pathlib import Path

from pulumi_truto.testing import PulumiMocks

PROGRAM = str(Path(__file__).parents[1] / "__main__.py")


def test_webhooks_can_be_inactive(pulumi_mocks: PulumiMocks) -> None:
    mocks = pulumi_mocks(project="truto-testing", config={"teams": ["orders"], "active": False})
    program = runpy.run_path(PROGRAM, run_name="__main__")
    assert pulumi_mocks.value(program["webhooks"]["orders"].is_active) is False
    assert pulumi_mocks.outputs() == {"ids": {"orders": "orders-id"}, "ordersSecret": "orders-secret"}
    assert [webhook.name for webhook in mocks.resources] == ["orders"]
