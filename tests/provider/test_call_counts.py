"""Counts the costs of a run: API calls, connections and loaded modules. `make bench` measures times."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator

import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.commands import REPOSITORY, run
from tests.support.project import ProviderKind
from tests.support.provider_process import ProviderProcess, Webhook

#: The libraries for HTTP and for the API's models. Only the first API call may load them.
HEAVY_MODULES = {"requests", "urllib3", "pydantic", "pydantic_core", "aiohttp", "cryptography"}
MANY = 200


@pytest.fixture
def slow_sandbox() -> Iterator[Sandbox]:
    """A sandbox without a rate limit that is slow enough for calls to overlap."""
    with Sandbox(rate_limit=10**9, latency_seconds=0.005) as sandbox:
        yield sandbox


@pytest.fixture
def process(provider_kind: ProviderKind, slow_sandbox: Sandbox) -> Iterator[ProviderProcess]:
    """A provider process without an engine."""
    with ProviderProcess(provider_kind, slow_sandbox.base_url, slow_sandbox.token) as process:
        yield process


def take_operations(sandbox: Sandbox) -> list[str]:
    """The operations requested since the previous call of this function."""
    operations = [call.operation for call in sandbox.calls]
    sandbox.reset_calls()
    return operations


def loaded_modules(code: str) -> set[str]:
    """Runs a program in a new process and returns the names of the modules that it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return set(run(*command, cwd=REPOSITORY).stdout.split())


def assert_loaded_only_by_a_call(loaded: set[str], sandbox: Sandbox, dry_run: bool) -> None:
    """Without an API call no heavy module may be loaded. With one, requests and pydantic must be."""
    if dry_run:
        assert loaded & HEAVY_MODULES == set()
        assert sandbox.calls == []
    else:
        assert loaded >= {"requests", "pydantic"}
        assert [call.operation for call in sandbox.calls] == ["create", "update"]


def test_each_change_takes_few_calls(process: ProviderProcess, slow_sandbox: Sandbox) -> None:
    """A create takes two calls, an update and a delete one each. The first delete also lists the cron triggers."""
    webhook = process.create(0)
    assert take_operations(slow_sandbox) == ["create", "update"]
    process.same(webhook)
    assert take_operations(slow_sandbox) == []
    webhook = process.update(webhook)
    assert take_operations(slow_sandbox) == ["update"]
    process.delete(webhook)
    assert take_operations(slow_sandbox) == ["list_triggers", "delete"]


def test_refresh_of_many_webhooks_takes_few_calls(
    process: ProviderProcess, slow_sandbox: Sandbox, provider_kind: ProviderKind
) -> None:
    """Creating 200 webhooks takes two calls each, with one connection per thread. Refreshing them takes 5 at most."""
    created, failed, _ = process.run_all(process.create, range(MANY))
    assert (len(created), failed) == (MANY, 0)
    assert sorted(take_operations(slow_sandbox)) == ["create"] * MANY + ["update"] * MANY
    # `pulumi.dynamic` serves with four threads. The plugin serves with as many as the engine uses.
    assert slow_sandbox.connections <= (4 if provider_kind == "dynamic" else 16)

    with ProviderProcess(provider_kind, slow_sandbox.base_url, slow_sandbox.token) as new_process:
        webhooks, failed, _ = new_process.run_all(new_process.read, created)
    assert [webhook.id for webhook in webhooks] == [webhook.id for webhook in created]
    assert failed == 0
    operations = take_operations(slow_sandbox)
    assert len(operations) <= 5
    assert set(operations) <= {"read", "list"}


def test_state_size_does_not_depend_on_the_number_of_webhooks(process: ProviderProcess) -> None:
    """The state of each of 50 webhooks has the same size."""

    def state_size(webhook: Webhook) -> int:
        return len(json.dumps([webhook.inputs, webhook.outputs]))

    sizes = {state_size(process.create(number)) for number in range(100, 150)}
    assert len(sizes) == 1


def test_declaring_a_webhook_loads_few_modules() -> None:
    """A program that declares a webhook loads a dozen small modules, and none for HTTP or for models."""
    loaded = loaded_modules("""
        import sys
        import pulumi, pulumi.dynamic
        initial_modules = set(sys.modules)
        import pulumi_truto
        pulumi_truto.Webhook
        print(*(name for name in set(sys.modules) - initial_modules if name not in sys.stdlib_module_names))
    """)
    lines_above = (
        "api",
        "config",
        "diagnostics",
        "dynamic",
        "errors",
        "event_types",
        "input_errors",
        "notification_destination",
        "property_names",
        "resource",
        "resource_type",
        "resources",
        "rest",
        "session",
        "times",
        "urls",
        "webhook",
    )
    submodules = (
        *lines_above,
        "api.deadline",
        "rest.rest_type",
        *(f"webhook.{name}" for name in ("delivery_log", "inputs", "signing_secrets", "tester", "webhook_type")),
    )
    assert loaded <= {"pulumi_truto", *(f"pulumi_truto.{name}" for name in submodules)}


@pytest.mark.parametrize("dry_run", [True, False])
def test_dynamic_provider_loads_http_with_its_first_call(sandbox: Sandbox, dry_run: bool) -> None:
    """Check and diff of the dynamic provider load no HTTP library. The first API call does."""
    first_call = "" if dry_run else "provider.create(inputs)"
    loaded = loaded_modules(f"""
        import sys
        import pulumi_truto.dynamic
        from pulumi.dynamic import Config, ConfigureRequest
        provider = pulumi_truto.dynamic.WebhookProvider()
        config = {{"truto:apiToken": {sandbox.token!r}, "truto:baseUrl": {sandbox.base_url!r}}}
        provider.configure(ConfigureRequest(Config(config, "project")))
        inputs = provider.check({{}}, {{"target_url": "https://example.com/", "event_types": ["a:b"]}}).inputs
        assert not provider.diff("id", inputs, inputs).changes
        {first_call}
        print(*sys.modules)
    """)
    assert_loaded_only_by_a_call(loaded, sandbox, dry_run)


@pytest.mark.parametrize("dry_run", [True, False])
def test_plugin_loads_http_with_its_first_call(sandbox: Sandbox, dry_run: bool) -> None:
    """Check and diff of the plugin, and the preview of a create, load no HTTP library. The first API call does."""
    first_call = "" if dry_run else "provider.Create(provider_pb2.CreateRequest(properties=checked), None)"
    loaded = loaded_modules(f"""
        import sys
        import pulumi_truto.plugin.server
        from pulumi.runtime.proto import provider_pb2
        from pulumi_truto.plugin.provider import TrutoProvider
        from pulumi_truto.property_values import marshal
        provider = TrutoProvider()
        config = {{"apiToken": {sandbox.token!r}, "baseUrl": {sandbox.base_url!r}}}
        provider.Configure(provider_pb2.ConfigureRequest(args=marshal(config)), None)
        news = marshal({{"targetUrl": "https://example.com/", "eventTypes": ["a:b"]}})
        checked = provider.Check(provider_pb2.CheckRequest(news=news), None).inputs
        provider.Create(provider_pb2.CreateRequest(properties=checked, preview=True), None)
        changes = provider.Diff(provider_pb2.DiffRequest(olds=checked, news=checked), None).changes
        assert changes == provider_pb2.DiffResponse.DIFF_NONE
        {first_call}
        print(*sys.modules)
    """)
    assert_loaded_only_by_a_call(loaded, sandbox, dry_run)


def test_signing_secrets_load_no_http_in_the_dynamic_provider() -> None:
    """No operation on the accepted secrets makes an API call, or loads what one needs."""
    loaded = loaded_modules("""
        import sys
        import pulumi_truto.dynamic
        from pulumi.dynamic import Config, ConfigureRequest
        provider = pulumi_truto.dynamic.SigningSecretsProvider()
        provider.configure(ConfigureRequest(Config({"truto:apiToken": "unused"}, "project")))
        old, new = (provider.check({}, {"current": secret}).inputs for secret in "ab")
        created = provider.create(old)
        assert provider.diff(created.id, created.outs, new).changes
        updated = provider.update(created.id, created.outs, new).outs
        assert provider.read(created.id, updated).outs == updated
        assert updated["accepted"] == ["b", "a"]
        provider.delete(created.id, updated)
        print(*sys.modules)
    """)
    assert loaded & HEAVY_MODULES == set()


def test_signing_secrets_load_no_http_in_the_plugin() -> None:
    """The same in the plugin."""
    loaded = loaded_modules("""
        import sys
        import pulumi_truto.plugin.server
        from pulumi.runtime.proto import provider_pb2
        from pulumi_truto.plugin.provider import TrutoProvider
        from pulumi_truto.property_values import marshal, unmarshal, unwrap_secrets
        provider = TrutoProvider()
        provider.Configure(provider_pb2.ConfigureRequest(args=marshal({"apiToken": "unused"})), None)
        of = {"urn": "urn:pulumi:dev::project::truto:index:SigningSecrets::orders"}
        check = lambda secret: provider.Check(provider_pb2.CheckRequest(news=marshal({"current": secret}), **of), None)
        old, new = (check(secret).inputs for secret in "ab")
        provider.Create(provider_pb2.CreateRequest(properties=old, preview=True, **of), None)
        state = provider.Create(provider_pb2.CreateRequest(properties=old, **of), None).properties
        assert provider.Diff(provider_pb2.DiffRequest(olds=state, news=new, **of), None).diffs == ["current"]
        provider.Update(provider_pb2.UpdateRequest(olds=state, news=new, preview=True, **of), None)
        state = provider.Update(provider_pb2.UpdateRequest(olds=state, news=new, **of), None).properties
        read = provider.Read(provider_pb2.ReadRequest(id="x", properties=state, inputs=new, **of), None).properties
        assert unwrap_secrets(unmarshal(read))["accepted"] == ["b", "a"]
        provider.Delete(provider_pb2.DeleteRequest(id="x", properties=state, **of), None)
        print(*sys.modules)
    """)
    assert loaded & HEAVY_MODULES == set()
