"""Records the state that a version leaves behind on the Pulumi CLI, and opens recorded states on either engine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pickle
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import dill  # type: ignore[import-untyped]
from pulumi.automation import Deployment

from pulumi_truto.sandbox import Sandbox
from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.testing import Engine, cli_version
from pulumi_truto.version import __version__
from tests.support.commands import REPOSITORY
from tests.support.project import Project, ProviderKind

__all__ = [
    "FOLDER",
    "WEBHOOKS",
    "RecordedState",
    "alternately_pickled",
    "open_recorded",
    "pickled_with",
    "program",
    "record",
]

FOLDER: Final = REPOSITORY / "tests" / "states"
#: When every webhook of a recording was created.
_START: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)
#: The tokens of the two environments.
_TOKENS: Final = ("recorded-token", "recorded-token-of-staging")
_BASE_URL: Final = "<base URL>"

#: The program whose state is recorded. It has a webhook of each kind that states can hold.
_PROGRAM: Final = """
class Receiver(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("app:index:Receiver", name)
        self.hook = truto.Webhook(
            f"{name}-hook", target_url=URL + "/component", is_active=ACTIVE, opts=pulumi.ResourceOptions(parent=self)
        )

orders = truto.Webhook(
    "orders", target_url=URL, event_types=["record:created", "integrated_account:active"], is_active=ACTIVE
)
truto.Webhook("every-event", target_url=URL + "/every-event", is_active=ACTIVE)
truto.Webhook("secret-url", target_url=pulumi.Output.secret(URL + "/secret"), is_active=ACTIVE)
staging = truto.Provider("staging", api_token=STAGING)
truto.Webhook("staging", target_url=URL, is_active=ACTIVE, opts=pulumi.ResourceOptions(provider=staging))
Receiver("component")
local = truto.Webhook("local", target_url=RECEIVER, is_active=ACTIVE)
truto.WebhookTest("local-is-accepted", webhook_id=local.id, triggers=["1"])
pulumi.export("id", orders.id)
pulumi.export("secret", orders.secret)
"""
#: How many webhooks that program declares.
WEBHOOKS: Final = 6


@dataclass(frozen=True)
class RecordedState:
    """A recording, connected to a sandbox that has the webhooks of the recording.

    Attributes:
        project: a project with the state and the program of the recording.
        recording: the content of the file.
        secrets: the secret of each webhook, by its id.
        recorded_outputs: the outputs of each webhook in the recording, by its id; see `outputs`.
    """

    project: Project
    recording: dict[str, Any]
    secrets: dict[str, str]
    recorded_outputs: dict[str, Any]

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of each webhook in the state now, by its id, with "[secret]" for secrets."""
        return _webhook_outputs(self.project.stack.export_stack().deployment)


def _webhook_outputs(deployment: Any) -> dict[str, Any]:
    return {
        resource["id"]: {
            name: "[secret]" if isinstance(value, dict) else value
            for name, value in resource["outputs"].items()
            if name != "__provider"
        }
        for resource in deployment["resources"]
        if resource["type"].endswith(":Webhook")
    }


def program(recording: dict[str, Any], *, is_active: bool) -> str:
    """The program of a recording, with active or inactive webhooks."""
    constants = f"ACTIVE = {is_active}\nSTAGING = {_TOKENS[1]!r}\nRECEIVER = {recording['receiver']!r}\n"
    return constants + str(recording["program"])


def record(kind: ProviderKind, folder: Path, receiver_url: str) -> Path:
    """Runs the program on the Pulumi CLI, and writes its state and the webhooks to a file. Returns its path."""
    with Sandbox(token=_TOKENS[0], clock=Clock(_START, frozen=True)) as sandbox:
        staging = sandbox.backend.add_environment("staging", _TOKENS[1])
        project = Project("cli", sandbox, folder, provider_kind=kind)
        recording = {"program": _PROGRAM, "receiver": receiver_url}
        project.program(program(recording, is_active=True))
        project.up()
        # Pulumi's automation API exports secrets in plain text. These are secrets of nothing.
        deployment = project.stack.export_stack().deployment
        for resource in deployment["resources"]:
            for key in ("sourcePosition", "stackTrace"):  # paths of this machine
                resource.pop(key, None)
        state = json.dumps(deployment).replace(sandbox.base_url, _BASE_URL)
        document = {
            "recorded_with": {
                "pulumi_truto": __version__,
                "pulumi": cli_version(),
                "python": platform.python_version(),
            },
            **recording,
            "base_url": sandbox.base_url,
            "environments": [sandbox.environment_id, staging.id],
            "webhooks": [
                [webhook.environment_id, webhook.id, webhook.secret, webhook.target_url, webhook.event_types]
                for webhook in sandbox.webhooks()
            ],
            "deployment": json.loads(state.replace(str(folder), "<folder>")),
        }
    file = FOLDER / f"{__version__}-{kind}.json"
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return file


def pickled_with(protocol: int) -> Callable[[int, str], str]:
    """A function that pickles the provider of the nth resource again, with this protocol."""

    def pickle_again(_number: int, text: str) -> str:
        provider = dill.loads(base64.b64decode(text))  # noqa: S301 - our own recording
        return base64.b64encode(dill.dumps(provider, protocol=protocol)).decode()

    return pickle_again


def alternately_pickled(number: int, text: str) -> str:
    """Pickles the providers of every second resource with the newest protocol, as after a change of Python."""
    return pickled_with((4, pickle.HIGHEST_PROTOCOL)[number % 2])(number, text)


def fingerprint(base_url: str, token: str, webhook_id: str) -> str:
    """The fingerprint of a credential in states. It depends on the port of the sandbox that is recorded."""
    return hmac.new(webhook_id.encode(), f"{base_url}\n{token}".encode(), hashlib.sha256).hexdigest()[:8]


@contextmanager
def open_recorded(
    file: Path, engine: Engine, folder: Path, pickle_again: Callable[[int, str], str] = lambda _, text: text
) -> Iterator[RecordedState]:
    """Opens a recording on an engine, with a sandbox that has its environments and webhooks.

    Args:
        file: the recording.
        engine: the engine.
        folder: an empty folder.
        pickle_again: replaces the pickled provider of the nth resource.
    """
    recording = json.loads(file.read_text(encoding="utf-8"))
    ids = [*recording["environments"]]
    for _, id_, secret, _, _ in recording["webhooks"]:
        ids += [id_, secret]
    clock, new_id = Clock(_START, frozen=True), iter(ids).__next__
    with Sandbox(token=_TOKENS[0], clock=clock, new_id=new_id) as sandbox:
        sandbox.backend.add_environment("staging", _TOKENS[1])
        for environment_id, _, _, target_url, event_types in recording["webhooks"]:
            sandbox.backend.create(environment_id, {"target_url": target_url, "event_types": event_types})
        kind: ProviderKind = "native" if file.stem.endswith("native") else "dynamic"
        project = Project(engine, sandbox, folder, provider_kind=kind)
        project.program(program(recording, is_active=True))
        state = json.dumps(recording["deployment"]).replace(_BASE_URL, sandbox.base_url)
        deployment = json.loads(state.replace("<folder>", str(folder)))
        tokens = dict(zip(recording["environments"], _TOKENS, strict=True))
        for number, resource in enumerate(deployment["resources"]):
            outputs = resource.get("outputs", {})
            if "__fingerprint" in outputs:
                environment_id = outputs.get("environment_id") or outputs["environmentId"]
                credential = (tokens[environment_id], resource["id"])
                assert outputs["__fingerprint"] == fingerprint(recording["base_url"], *credential)
                outputs["__fingerprint"] = fingerprint(sandbox.base_url, *credential)
            for properties in (resource.get("inputs", {}), resource.get("outputs", {})):
                if "__provider" in properties:
                    properties["__provider"] = pickle_again(number, properties["__provider"])
        project.stack.import_stack(Deployment(version=3, deployment=deployment))
        secrets = {id_: secret for _, id_, secret, _, _ in recording["webhooks"]}
        yield RecordedState(project, recording, secrets, _webhook_outputs(deployment))
