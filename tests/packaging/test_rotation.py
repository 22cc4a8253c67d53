"""The README of the rotation example rotates a secret without losing an event, and other orders do lose events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.automation import CommandError, ConfigValue

from pulumi_truto.testing import Engine
from tests.support.rotation import UnexpectedChangesError, readme_commands, start_rotation


def test_rotation_handles_every_event_once(engine: Engine, rotation_example: Path) -> None:
    """During all steps, every event is handled exactly once, none is refused, and duplicates are recognized by id."""
    with start_rotation(engine, rotation_example) as rotation:
        rotation.run("start")
        assert rotation.send() == 1
        # No webhook received the events before the first activation, and no later event was refused.
        assert set(rotation.times_handled) == {0, 1}
        assert rotation.receiver.count("refused") == 0

        rotation.events.clear()
        duplicates_before = rotation.receiver.count("duplicate")
        [old] = rotation.sandbox.backend.webhooks()
        webhooks_per_event = {}
        _, *steps = readme_commands()  # in the README's order
        for step in steps:
            rotation.run(step)
            webhooks_per_event[step] = rotation.send()
        assert webhooks_per_event == {"1": 1, "2": 1, "3": 2, "4": 1, "5": 1}

        assert rotation.times_handled == {1: len(rotation.events)}
        assert rotation.receiver.count("refused") == 0
        assert {(delivery.ok, delivery.attempts) for delivery in rotation.sandbox.deliveries} == {(True, 1)}
        delivered_twice = [event for event in rotation.events if len(event) == 2]
        assert duplicates_before == 0
        assert rotation.receiver.count("duplicate") == len(delivered_twice) > 0
        for event in delivered_twice:
            assert len({delivery["id"] for delivery in event}) == 1
            assert len({delivery["webhook_id"] for delivery in event}) == 2

        [new] = rotation.sandbox.backend.webhooks()
        assert new.id != old.id
        assert new.secret != old.secret
        assert json.loads((rotation_example / "secrets.json").read_text()) == [new.secret]
        assert rotation.stack.outputs()["webhookIds"].value == {"2": new.id}


def test_activating_before_the_hand_over_loses_events(engine: Engine, rotation_example: Path) -> None:
    """If step 3 comes before step 2, the receiver refuses deliveries until Truto switches the new webhook off.

    The check in step 3 detects that. Continuing with step 4 loses events.
    """
    with start_rotation(engine, rotation_example, deactivate_after=3) as rotation:
        rotation.run("start", "1", events=False)
        [_, new] = rotation.sandbox.backend.webhooks()
        with pytest.raises(UnexpectedChangesError):
            rotation.run("3")
        assert rotation.receiver.count("refused") > 0
        assert {delivery.webhook_id for delivery in rotation.sandbox.deliveries if not delivery.ok} == {new.id}
        assert [webhook.is_active for webhook in rotation.sandbox.backend.webhooks()] == [True, False]
        assert rotation.times_handled == {1: len(rotation.events)}  # through webhook 1

        rotation.run("4")
        assert rotation.send() == 0
        assert rotation.times_handled[0] > 0


def test_deactivating_before_activating_loses_events(rotation_example: Path) -> None:
    """If the old webhook is switched off first, events are lost, although the receiver has both secrets."""
    with start_rotation("local", rotation_example) as rotation:
        rotation.run("start", "1", "2", events=False)
        rotation.stack.set_config("active", ConfigValue("[]"))
        with rotation.sending():
            rotation.stack.up()
        rotation.run("4")
        assert rotation.times_handled[0] > 0
        assert rotation.receiver.count("refused") == 0


def test_configuration_errors_change_nothing(engine: Engine, rotation_example: Path) -> None:
    """Removing an active generation, or one of the two lists, fails before any API call."""
    with start_rotation(engine, rotation_example) as rotation:
        rotation.run("start", events=False)
        rotation.sandbox.reset_calls()
        with pytest.raises(CommandError, match="'active' names 1, which 'generations' does not contain"):
            rotation.run("5", events=False)
        rotation.stack.remove_config("generations")
        with pytest.raises(CommandError, match="truto-rotation:generations"):
            rotation.stack.up()
        rotation.stack.set_config("generations", ConfigValue('["1"]'))
        rotation.stack.remove_config("active")
        with pytest.raises(CommandError, match="truto-rotation:active"):
            rotation.stack.up()
        assert rotation.sandbox.calls == []


def test_replacement_trigger_makes_the_receiver_refuse_events(engine: Engine, rotation_example: Path) -> None:
    """A replacement trigger changes the secret in one `up`, so the receiver refuses events until the hand-over."""
    program = rotation_example / "__main__.py"
    declaration = "        is_active=generation in active,\n"
    option = "        opts=pulumi.ResourceOptions(replacement_trigger=config.require('trigger')),\n"
    assert declaration in program.read_text()
    program.write_text(program.read_text().replace(declaration, declaration + option))
    with start_rotation(engine, rotation_example) as rotation:
        rotation.stack.set_config("trigger", ConfigValue("2026-05"))
        rotation.run("start", events=False)
        [old] = rotation.sandbox.backend.webhooks()
        rotation.stack.set_config("trigger", ConfigValue("2026-11"))
        rotation.stack.up()
        [new] = rotation.sandbox.backend.webhooks()
        assert new.id != old.id
        rotation.send()
        assert rotation.times_handled == {0: 1}
        assert rotation.receiver.count("refused") > 0
        rotation.hand_over()
        rotation.send()
        assert rotation.times_handled == {0: 1, 1: 1}
