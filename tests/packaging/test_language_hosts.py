"""The example projects, and the examples in the schema, run on the Pulumi CLI with its language hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto import __version__
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS, SIGNING_SECRETS, WEBHOOK, WEBHOOK_TEST
from pulumi_truto.sandbox import Sandbox
from tests.support.language_hosts import PROGRAMS, Checkout, skip_without
from tests.support.project import URL, create_unmanaged
from tests.support.sandbox_client import running_receiver
from tests.support.schema_examples import code_block

#: The first test of a language downloads its program's dependencies and compiles them, which takes minutes.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the repository for all tests of this file, because installing takes long."""
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def checkout(installed: Checkout, sandbox: Sandbox) -> Iterator[Checkout]:
    """The copy of the repository, with the sandbox of this test."""
    installed.sandbox = sandbox
    yield installed
    installed.sandbox = None


class SchemaExamples:
    """Runs the examples of the schema in one language, one after the other in one stack."""

    def __init__(self, checkout: Checkout, language: str) -> None:
        self.language = language
        self.checkout = checkout
        self.project = checkout.install(language)
        checkout.pulumi(language, "stack", "init", "schema")

    def up(self, token: str, replacements: dict[str, str] | None = None) -> dict[str, Any]:
        """Deploys an example and returns the stack's outputs, with secrets in plain text."""
        code = code_block(token, self.language)
        for old, new in (replacements or {}).items():
            assert old in code
            code = code.replace(old, new)
        header = "name: truto-yaml\nruntime: yaml\npackages: {truto: ../..}\n" if self.language == "yaml" else ""
        (self.project / PROGRAMS[self.language]).write_text(header + code)
        self.checkout.pulumi(self.language, "up", "--yes", "--skip-preview")
        outputs = self.checkout.pulumi(self.language, "stack", "output", "--json", "--show-secrets")
        return dict(json.loads(outputs))


@pytest.mark.parametrize("language", ["yaml", "typescript", "go", "uv"])
def test_example_project_runs(language: str, checkout: Checkout, sandbox: Sandbox) -> None:
    """The example installs, creates a webhook, is unchanged in the next preview, and deletes the webhook."""
    skip_without(language)
    checkout.install(language)
    checkout.pulumi(language, "stack", "init", "dev")
    checkout.pulumi(language, "up", "--yes", "--skip-preview")
    [webhook] = sandbox.backend.webhooks()
    assert webhook.event_types == ["integrated_account:active", "record:created"]
    secret = checkout.pulumi(language, "stack", "output", "webhookSecret", "--show-secrets").strip()
    assert secret == webhook.secret
    assert webhook.secret not in checkout.pulumi(language, "stack", "export")
    sandbox.reset_calls()
    checkout.pulumi(language, "preview", "--expect-no-changes")
    assert sandbox.count() == 0
    checkout.pulumi(language, "destroy", "--yes")
    assert sandbox.backend.webhooks() == []


@pytest.mark.parametrize("language", PROGRAMS)
def test_examples_of_the_schema_run(language: str, checkout: Checkout, sandbox: Sandbox) -> None:
    """Every example in the schema's descriptions deploys as it is; only the URL and the id are those of the test."""
    skip_without(language)
    examples = SchemaExamples(checkout, language)

    outputs = examples.up(WEBHOOK)
    [webhook] = sandbox.backend.webhooks()
    assert outputs == {"webhookId": webhook.id, "webhookSecret": webhook.secret}
    assert (webhook.target_url, webhook.event_types) == (URL, ["integrated_account:active", "record:created"])

    with running_receiver() as receiver:
        outputs = examples.up(WEBHOOK_TEST, {URL: receiver.url})
        assert len(receiver.received) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", outputs["testedAt"])

    outputs = examples.up(SIGNING_SECRETS)
    assert outputs == {"acceptedSecrets": [each.secret for each in sandbox.backend.webhooks()]}

    [example_id] = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", code_block(GET_WEBHOOK, language))
    existing = create_unmanaged(sandbox)
    assert examples.up(GET_WEBHOOK, {example_id: existing["id"]}) == {"targetUrl": URL}

    inactive = create_unmanaged(sandbox, is_active=False)
    [webhook_id] = examples.up(GET_WEBHOOKS)["inactiveWebhooks"]
    assert webhook_id["id"] == inactive["id"]
    checkout.pulumi(language, "destroy", "--yes")
    assert {webhook.id for webhook in sandbox.backend.webhooks()} == {existing["id"], inactive["id"]}


def test_packages_added_to_projects_have_name_and_version(checkout: Checkout) -> None:
    """`pulumi install` and `pulumi package add` give each project an SDK with the name and version of the schema."""
    for language in ("python", "typescript", "go"):
        skip_without(language)
    python, typescript, go = (
        checkout.install(language) / "sdks" / "truto" for language in ("python", "typescript", "go")
    )
    assert project_of(python / "pyproject.toml") == {"name": "pulumi_truto_native", "version": __version__}
    package = json.loads((typescript / "package.json").read_text())
    assert (package["name"], package["version"]) == ("pulumi-truto", __version__)
    plugin = json.loads((go / "truto" / "pulumi-plugin.json").read_text())
    assert (plugin["name"], plugin["version"]) == ("truto", __version__)
    assert (go / "go.mod").read_text().startswith("module example.com/pulumi-truto/sdk/go\n")


def project_of(pyproject: Path) -> dict[str, str]:
    """The name and the version in a generated pyproject.toml."""
    return dict(re.findall(r'^ *(name|version) = "(.*)"$', pyproject.read_text(), re.MULTILINE))
