"""The rotation example: one changed line and one `up` rotate a secret, and no event is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.testing import Engine
from tests.support.crash_points import up_with_failure
from tests.support.project import ProviderKind
from tests.support.rotation import EXAMPLE, Rotation, start_receiver, start_rotation

#: The calls of a rotation, in order.
CALLS: Final = ["create", "update", "read", "test", "list_triggers", "delete"]


def check_rotated(rotation: Rotation, accepted: int) -> None:
    """Asserts that one webhook is left, that the receiver has its secret first, and that no event was lost."""
    assert rotation.receiver.secrets[0] == rotation.project.only_webhook.secret
    assert len(rotation.receiver.secrets) == accepted
    assert rotation.project.outputs == {"webhookId": rotation.project.only_webhook.id}
    rotation.check_events()


def test_page_names_the_commands() -> None:
    """The commands that rotate in these tests are those of the page."""
    [commands] = re.findall(r"^```sh\n(.*?)^```", (EXAMPLE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert commands.splitlines() == ["pulumi config set rotation 2026-12", "pulumi up"]


def test_rotations_lose_no_event(engine: Engine, provider_kind: ProviderKind, tmp_path: Path) -> None:
    """Two rotations within the overlap: one `up` each, every event is handled once, and three secrets are accepted."""
    with start_rotation(engine, provider_kind, tmp_path) as rotation:
        rotation.project.up()
        first = rotation.project.only_webhook
        with rotation.sending():
            rotation.configure("rotation", "2026-12")
            assert rotation.project.up().calls == CALLS
        second = rotation.project.only_webhook
        assert rotation.receiver.secrets == [second.secret, first.secret]
        with rotation.sending():
            rotation.configure("rotation", "2027-01")
            rotation.project.up()
        check_rotated(rotation, accepted=3)
        assert rotation.receiver.secrets[1:] == [second.secret, first.secret]


def test_rotation_with_a_failing_gate_loses_no_event(
    engine: Engine, provider_kind: ProviderKind, tmp_path: Path
) -> None:
    """If the service does not get the new secret, the run fails and the old webhook goes on; the next run finishes."""
    with start_rotation(engine, provider_kind, tmp_path) as rotation:
        rotation.project.up()
        old = rotation.project.only_webhook
        rotation.configure("rotation", "2026-12")
        rotation.configure("secretsFile", tmp_path / "elsewhere.json")
        with rotation.sending():
            failed = rotation.project.fails(rotation.project.up)
            assert "did not accept the test event" in failed.text
            assert "delete" not in failed.calls
        assert old.id in {webhook.id for webhook in rotation.project.sandbox.webhooks() if webhook.is_active}
        rotation.configure("secretsFile", rotation.receiver.secrets_file)
        with rotation.sending():
            rotation.project.up()
        check_rotated(rotation, accepted=2)


@pytest.mark.parametrize("failure", ["killed before", "killed after"])
def test_rotation_with_killed_providers_loses_no_event(
    provider_kind: ProviderKind, failure: str, tmp_path: Path
) -> None:
    """The providers are killed at each call of a rotation, before and after Truto processes it; the next run finishes.

    A killed create can leave a webhook behind, which is switched off, but for one that is killed while its last call
    is in flight.
    """
    with start_rotation("local", provider_kind, tmp_path) as rotation:
        rotation.project.up()
        may_be_on = set[str]()
        for skip, operation in enumerate(CALLS):
            rotation.configure("rotation", f"rotation {skip}")
            with rotation.sending():
                disturbed = up_with_failure(rotation.project, failure, skip)
                assert disturbed.error
                assert disturbed.operation == operation
                may_be_on |= disturbed.may_be_on
                rotation.project.up()
        rotation.check_events()
        managed = rotation.project.outputs["webhookId"]
        webhooks = {webhook.id: webhook for webhook in rotation.project.sandbox.webhooks()}
        assert {id_ for id_, webhook in webhooks.items() if webhook.is_active} - may_be_on == {managed}
        assert rotation.receiver.secrets[0] == webhooks[managed].secret


def test_receiver_handles_an_event_of_two_webhooks_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """An event that two webhooks deliver is handled once, and a delivery with an unknown secret is refused."""
    with start_receiver(tmp_path) as receiver:
        webhooks = [sandbox.backend.create(sandbox.environment_id, {"target_url": receiver.url}) for _ in range(3)]
        receiver.secrets_file.write_text(json.dumps([webhook["secret"] for webhook in webhooks[:2]]))
        sandbox.publish("record:created")
        outcomes = {line["outcome"] for line in receiver.log}
        assert outcomes == {"handled", "duplicate", "refused"}
        assert receiver.times_handled.total() == 1
