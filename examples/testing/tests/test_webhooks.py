"""Behaviour: the program runs with its real providers against a sandbox. No network, no Pulumi account."""

from collections.abc import Callable

import pytest
from pulumi.automation import CommandError

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import ProgramStack

OpenStack = Callable[..., ProgramStack]
TEAMS = {"teams": ["orders", "billing"]}


def test_every_team_has_a_webhook(pulumi_stack: OpenStack, truto_sandbox: Sandbox) -> None:
    result = pulumi_stack("..", config=TEAMS).up()
    assert {webhook.target_url for webhook in truto_sandbox.webhooks()} == {
        "https://hooks.example.com/orders",
        "https://hooks.example.com/billing",
    }
    assert result.outputs["ids"].value.keys() == {"orders", "billing"}
    assert result.outputs["ordersSecret"].secret


def test_a_second_run_changes_nothing(pulumi_stack: OpenStack, truto_sandbox: Sandbox) -> None:
    stack = pulumi_stack("..", config=TEAMS)
    stack.up()
    truto_sandbox.reset_calls()
    stack.up(expect_no_changes=True)
    assert truto_sandbox.calls == []


def test_a_removed_team_loses_its_webhook(pulumi_stack: OpenStack, truto_sandbox: Sandbox) -> None:
    stack = pulumi_stack("..", config=TEAMS)
    stack.up()
    stack.set_config({"teams": ["orders"]})
    stack.up()
    assert [webhook.target_url for webhook in truto_sandbox.webhooks()] == ["https://hooks.example.com/orders"]


def test_webhooks_survive_a_lost_response(pulumi_stack: OpenStack, truto_sandbox: Sandbox) -> None:
    """Truto creates a webhook, but the response is lost: what is left behind is switched off and delivers nothing."""
    truto_sandbox.inject("reset", "create", processed=True)
    result = pulumi_stack("..", config={"teams": ["orders"]}).up()
    [left, webhook] = truto_sandbox.webhooks()
    assert (left.is_active, webhook.is_active) == (False, True)
    assert result.outputs["ordersSecret"].value == webhook.secret


def test_drift_is_found_and_corrected(pulumi_stack: OpenStack, truto_sandbox: Sandbox) -> None:
    stack = pulumi_stack("..", config={"teams": ["orders"]})
    stack.up()
    truto_sandbox.backend.edit(truto_sandbox.webhooks()[0].id, {"is_active": False})
    with pytest.raises(CommandError):
        stack.refresh(expect_no_changes=True)
    stack.up()
    assert truto_sandbox.webhooks()[0].is_active
