"""A class that derives from a resource of this package is that resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.support.cli import run_cli
from tests.support.project import Project
from tests.support.sandbox_client import running_receiver

#: The same three resources, of this package's classes and of classes that derive from them.
RESOURCES: Final = """
hook = WEBHOOK("orders", target_url=URL)
secrets = SECRETS("secrets", current=hook.secret)
test = TEST("test", webhook_id=hook.id)
pulumi.export("id", hook.id)
"""
OWN: Final = "WEBHOOK, SECRETS, TEST = truto.Webhook, truto.SigningSecrets, truto.WebhookTest"
DERIVED: Final = """
class Mixin:
    pass

class OurWebhook(truto.Webhook):
    def __init__(self, name, target_url):
        super().__init__(name, target_url=target_url, event_types=[])

class WEBHOOK(Mixin, OurWebhook):
    pass

class SECRETS(truto.SigningSecrets):
    pass

class TEST(truto.WebhookTest):
    pass
"""
#: What derived classes were before, and what the dynamic provider's classes are that this package does not declare.
OTHER_TYPE: Final = """
import pulumi_truto.dynamic as providers
from pulumi.dynamic import Resource

class Other(Resource{options}):
    def __init__(self, name):
        inputs = dict(target_url=URL, event_types=[], is_active=True, secret=None)
        opts = pulumi.ResourceOptions(additional_secret_outputs=["secret"])
        super().__init__(providers.WebhookProvider(), name, inputs, opts)

pulumi.export("id", Other("orders").id)
"""


def test_derived_classes_change_nothing(project: Project) -> None:
    """Deriving a class from a resource's class makes no API call, and neither does the way back."""
    with running_receiver() as receiver:
        resources = f"\nURL = {receiver.url!r}\n{RESOURCES}"
        project.program(OWN + resources)
        project.up()
        for classes in (DERIVED, OWN):
            project.program(classes + resources)
            outcome = project.up()
            assert (outcome.changes, outcome.calls) == ({"same": 4}, [])


@pytest.mark.parametrize("options", ["", ", module='ours', name='Hook'"])
def test_other_types_move_without_a_call(project: Project, options: str, tmp_path: Path) -> None:
    """A stack that holds a webhook under another type keeps it, and the commands know that webhook."""
    if project.provider_kind == "native":
        pytest.skip("only a dynamic resource gets its type from its class")
    project.program(OTHER_TYPE.format(options=options))
    project.up()
    id_ = project.outputs["id"]
    export = tmp_path / "stack.json"
    export.write_text(json.dumps({"version": 3, "deployment": json.loads(project.state)}))
    process = run_cli(project.sandbox, "orphans", "--stack-export", export)
    assert process.returncode == 0, process.stdout
    command = ("import-file", "--provider-kind", "dynamic", "--output", tmp_path / "file", "--stack-export", export)
    assert f"a stack has {id_}, as urn:" in run_cli(project.sandbox, *command, "--id", id_).stderr
    project.program(f"""
        class Derived(truto.Webhook{options}):
            pass
        pulumi.export("id", Derived("orders", URL).id)
    """)
    outcome = project.up()
    assert (outcome.changes, outcome.calls, project.outputs["id"]) == ({"same": 2}, [], id_)
    assert project.managed[0]["id"] == id_
