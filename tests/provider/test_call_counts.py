"""What a user pays: calls, connections and loaded modules, as counts. Times are for `make bench`."""

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

#: HTTP and models: loaded by the first API call and not before.
HEAVY = {"requests", "urllib3", "pydantic", "pydantic_core", "aiohttp", "cryptography"}
MANY = 200


@pytest.fixture
def busy() -> Iterator[Sandbox]:
    """A sandbox without a rate limit, slow enough that calls overlap."""
    with Sandbox(rate_limit=10**9, latency_seconds=0.005) as sandbox:
        yield sandbox


@pytest.fixture
def process(provider_kind: ProviderKind, busy: Sandbox) -> Iterator[ProviderProcess]:
    """A provider process, with no engine around it."""
    with ProviderProcess(provider_kind, busy.base_url, busy.token) as driven:
        yield driven


def operations(sandbox: Sandbox) -> list[str]:
    """What was asked for since the last time."""
    calls = [call.operation for call in sandbox.calls]
    sandbox.reset_calls()
    return calls


def test_one_call_for_each_change_and_none_without_one(process: ProviderProcess, busy: Sandbox) -> None:
    """Create, update and delete take one call each; a run in which nothing changes takes none."""
    webhook = process.create(0)
    assert operations(busy) == ["create"]
    process.same(webhook)
    assert operations(busy) == []
    webhook = process.update(webhook)
    assert operations(busy) == ["update"]
    process.delete(webhook)
    assert operations(busy) == ["delete"]


def test_many_webhooks(process: ProviderProcess, busy: Sandbox, provider_kind: ProviderKind) -> None:
    """Creating 200 takes a call each over one connection a thread; a refresh of all of them takes at most 5 calls."""
    created, failed, _ = process.each(process.create, range(MANY))
    assert (len(created), failed) == (MANY, 0)
    assert operations(busy) == ["create"] * MANY
    # `pulumi.dynamic` serves with four threads, the native plugin with as many as the engine asks with.
    assert busy.connections <= (4 if provider_kind == "dynamic" else 16)

    with ProviderProcess(provider_kind, busy.base_url, busy.token) as fresh:
        read, failed, _ = fresh.each(fresh.read, created)
    assert [each.id for each in read] == [each.id for each in created]
    assert failed == 0
    calls = operations(busy)
    assert len(calls) <= 5
    assert set(calls) <= {"read", "list"}


def test_the_state_of_a_webhook_does_not_grow_with_their_number(process: ProviderProcess) -> None:
    """The last of 50 webhooks takes as much state as the first one."""

    def size(webhook: Webhook) -> int:
        return len(json.dumps([webhook.inputs, webhook.outputs]))

    sizes = {size(process.create(number)) for number in range(100, 150)}
    assert len(sizes) == 1


def test_declaring_a_webhook_loads_little() -> None:
    """`import pulumi_truto` and Webhook load a dozen small modules beyond pulumi, and nothing of HTTP or models."""
    loaded = _python("""
        import sys
        import pulumi, pulumi.dynamic
        before = set(sys.modules)
        import pulumi_truto
        pulumi_truto.Webhook
        print(*(name for name in set(sys.modules) - before if name not in sys.stdlib_module_names))
    """)
    top = ("config", "diagnostics", "dynamic", "errors", "event_types", "resources", "session", "urls", "webhook")
    parts = (*top, *(f"webhook.{part}" for part in ("diff", "inputs", "properties")))
    assert loaded <= {"pulumi_truto", *(f"pulumi_truto.{part}" for part in parts)}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_dynamic_provider_loads_http_with_its_first_call(dry_run: bool) -> None:
    """In the provider process check and diff, and so a preview and a run without a change, load no HTTP."""
    then = "" if dry_run else "provider._session.manager"
    loaded = _python(f"""
        import sys
        import pulumi_truto.dynamic
        from pulumi.dynamic import Config, ConfigureRequest
        provider = pulumi_truto.dynamic.WebhookProvider()
        provider.configure(ConfigureRequest(Config({{"truto:apiToken": "t"}}, "project")))
        inputs = provider.check({{}}, {{"target_url": "https://example.com/", "event_types": ["a:b"]}}).inputs
        assert not provider.diff("id", inputs, inputs).changes
        {then}
        print(*sys.modules)
    """)
    assert (loaded & HEAVY == set()) is dry_run


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_native_plugin_loads_http_with_its_first_call(dry_run: bool) -> None:
    """The same for the native plugin, a preview of a create included."""
    then = "" if dry_run else "provider._session.manager"
    loaded = _python(f"""
        import sys
        import pulumi_truto.__main__
        from pulumi.runtime.proto import provider_pb2
        from pulumi_truto.plugin.provider import TrutoProvider
        from pulumi_truto.property_values import marshal
        provider = TrutoProvider()
        provider.Configure(provider_pb2.ConfigureRequest(args=marshal({{"apiToken": "t"}})), None)
        news = marshal({{"targetUrl": "https://example.com/", "eventTypes": ["a:b"]}})
        checked = provider.Check(provider_pb2.CheckRequest(news=news), None).inputs
        provider.Create(provider_pb2.CreateRequest(properties=checked, preview=True), None)
        changes = provider.Diff(provider_pb2.DiffRequest(olds=checked, news=checked), None).changes
        assert changes == provider_pb2.DiffResponse.DIFF_NONE
        {then}
        print(*sys.modules)
    """)
    assert (loaded & HEAVY == set()) is dry_run


def _python(code: str) -> set[str]:
    """The modules that a program of its own prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return set(run(*command, cwd=REPOSITORY).stdout.split())
