"""A stack whose program declares webhooks or notification destinations, beside equal ones of a stranger, and what must
be true of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from pulumi_truto import cli
from pulumi_truto.notification_destination import NOTIFICATION_DESTINATION
from pulumi_truto.rest.rest_type import RestType
from pulumi_truto.sandbox.backend import Environment
from pulumi_truto.webhook.webhook_type import WEBHOOK
from tests.support.project import URL, Project

__all__ = ["DeclaredDestinations", "DeclaredStack", "DeclaredWebhook"]


@dataclass
class DeclaredWebhook:
    """A webhook or a destination that the program declares.

    Attributes:
        path: The last part of its URL.
        event_types: Its event types.
        is_active: Whether it is active.
        trigger: Its replacement trigger.
        in_second_environment: Whether it uses the provider of the second environment.
        is_tested: Whether the program has a `WebhookTest` for it.
    """

    path: str = "1"
    event_types: list[str] = field(default_factory=list)
    is_active: bool = True
    trigger: int = 0
    in_second_environment: bool = False
    is_tested: bool = False


class DeclaredStack:
    """A project, the webhooks that its program declares, and the oracle for both.

    Args:
        project: The project.
        base_url: What every target URL starts with.
        second_environment: The environment of the webhooks with `DeclaredWebhook.in_second_environment`.
    """

    #: The resource type.
    kind: RestType = WEBHOOK

    def __init__(self, project: Project, base_url: str = URL, second_environment: Environment | None = None) -> None:
        self.project = project
        self.declared: dict[str, DeclaredWebhook] = {}
        self._base_url = base_url
        self._second = second_environment
        self._strangers: dict[str, str] = {}

    def add_stranger(self, name: str, webhook: DeclaredWebhook) -> None:
        """Adds a webhook of somebody else to every environment, equal to a declared one. Nobody may change it."""
        sandbox = self.project.sandbox
        for environment in sandbox.backend.environments():
            self.collection.create(environment.id, self._inputs(name, webhook))
            created = self.collection.items()[-1]
            self._strangers[created.id] = repr(created)

    def declare(self, webhooks: dict[str, DeclaredWebhook]) -> None:
        """Writes a program that declares these webhooks and exports their outputs."""
        self.declared = webhooks
        outputs, lines = ["id", *self.kind.inputs, *self.kind.outputs], []
        if self._second is not None:
            lines.append(f"second = truto.Provider('second', api_token={self._second.token!r})")
        for name, webhook in self.declared.items():
            provider = ", provider=second" if webhook.in_second_environment else ""
            opts = f"pulumi.ResourceOptions(replacement_trigger={webhook.trigger + 1}{provider})"
            lines.append(f"hook = truto.{self.kind.name}({name!r}, **{self._inputs(name, webhook)!r}, opts={opts})")
            if webhook.is_tested:
                lines.append(f"truto.WebhookTest('{name}-test', webhook_id=hook.id)")
            lines.append(f"pulumi.export({name!r}, {{name: getattr(hook, name) for name in {outputs}}})")
        self.project.program("\n".join(lines))

    def check(self, may_be_on: Set[str] = frozenset()) -> int:
        """Asserts, after an `up` without faults, that the API, the state and the program agree.

        Args:
            may_be_on: The ids of webhooks that may be switched on although no stack knows them.

        Returns:
            The number of webhooks that no stack knows, without those of the stranger.
        """
        project, sandbox = self.project, self.project.sandbox
        webhooks = {item.id: item for item in self.collection.items()}
        for webhook_id, before in self._strangers.items():
            assert repr(webhooks.pop(webhook_id, None)) == before, "a webhook of a stranger was changed"
            named = [call for call in sandbox.calls if webhook_id in f"{call.path} {call.query} {call.body}"]
            assert not named, f"a call names a webhook of a stranger: {named}"
        outputs = project.outputs
        assert set(outputs) == set(self.declared)
        for name, declared in self.declared.items():
            webhook = webhooks.pop(outputs[name]["id"])
            second = self._second if declared.in_second_environment else None
            expected = {
                **self._inputs(name, declared),
                "event_types": sorted(set(declared.event_types)),
                "environment_id": second.id if second else sandbox.environment_id,
            }
            actual = {field: getattr(webhook, field) for field in expected}
            actual["event_types"] = sorted(webhook.event_types)
            assert actual == expected, f"{name} is {actual}, but the program declares {expected}"
            in_state = {**outputs[name], **self.kind.pick_state(outputs[name])}
            in_state["event_types"] = sorted(in_state["event_types"])
            expected |= {"id": webhook.id, **self._secret(webhook)}
            expected["created_at"] = sandbox.backend.timestamp(webhook.created_at)
            assert expected.items() <= in_state.items(), f"the state of {name} is {in_state}, and it is {expected}"
        state = json.loads(project.state)
        managed = [each["id"] for each in state.get("resources", []) if each["type"] in self._types]
        assert sorted(managed) == sorted(output["id"] for output in outputs.values()), "the state has other webhooks"
        assert not state.get("pending_operations")
        on = {webhook.id for webhook in webhooks.values() if webhook.is_active}
        assert on <= may_be_on, f"webhooks that no stack knows are switched on: {on - may_be_on}"
        found = self._find_orphans(state)
        assert found == {*webhooks, *self._strangers}, f"`orphans` finds {found} instead of {sorted(webhooks)}"
        assert sandbox.token not in project.output_text
        outcome = project.up()
        assert outcome.calls == [], f"an up of an unchanged program made the calls {outcome.calls}"
        assert set(outcome.changes) <= {"same"}, f"an up of an unchanged program had {outcome.changes}"
        return len(webhooks)

    @property
    def collection(self) -> Any:
        """The items at Truto."""
        collections = self.project.sandbox.backend.collections.values()
        return next(collection for collection in collections if collection.plural == self.kind.collection)

    @property
    def _types(self) -> tuple[str, str]:
        return self.kind.token, self.kind.dynamic_token

    def _inputs(self, name: str, declared: DeclaredWebhook) -> dict[str, Any]:
        url = f"{self._base_url}/{name}/{declared.path}"
        return {"target_url": url, "event_types": declared.event_types, "is_active": declared.is_active}

    def _secret(self, webhook: Any) -> dict[str, Any]:
        return {"secret": webhook.secret}

    def _find_orphans(self, state: dict[str, Any]) -> set[str]:
        """What `pulumi-truto orphans` finds in all environments."""
        sandbox = self.project.sandbox
        file = self.project.folder / "export.json"
        file.write_text(json.dumps({"version": 3, "deployment": state}), encoding="utf-8")
        found = set()
        for token in sandbox.backend.tokens():
            variables = {"TRUTO_API_TOKEN": token, "TRUTO_BASE_URL": sandbox.base_url}
            with patch.dict(os.environ, variables), contextlib.redirect_stdout(io.StringIO()) as output:
                code = cli.main(["orphans", "--stack-export", str(file), "--format", "json"])
            report = json.loads(output.getvalue())
            assert code == (3 if any(report.values()) else 0)
            found |= {orphan["id"] for orphan in report["orphans"]}
        return found


class DeclaredDestinations(DeclaredStack):
    """The same for Slack destinations."""

    kind = NOTIFICATION_DESTINATION

    def _inputs(self, name: str, declared: DeclaredWebhook) -> dict[str, Any]:
        inputs = super()._inputs(name, declared)
        return {"type": "slack", "config": {"webhook_url": inputs.pop("target_url")}, **inputs}

    def _secret(self, _: Any) -> dict[str, Any]:
        return {}
