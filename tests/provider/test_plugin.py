"""The plugin serves Pulumi's provider protocol over gRPC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import GET_WEBHOOKS, WEBHOOK
from pulumi_truto.property_values import UNKNOWNS, marshal, unmarshal, unwrap_secrets
from pulumi_truto.sandbox import Sandbox
from tests.support.commands import run
from tests.support.project import URL, create_unmanaged

WEBHOOK_ID = "00000000-0000-4000-8000-000000000000"
URN = f"urn:pulumi:dev::project::{WEBHOOK}::orders"
#: The canonical inputs of a webhook that is subscribed to every event.
INPUTS = {"targetUrl": URL, "eventTypes": [], "isActive": True}


@pytest.fixture
def plugin(sandbox: Sandbox) -> Iterator[Any]:
    """A gRPC stub of a running plugin process."""
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
    with subprocess.Popen(
        [sys.executable, "-m", "pulumi_truto", "127.0.0.1:1"], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
                stub.pid = process.pid  # type: ignore[attr-defined]  # for the tests
                yield stub
            process.terminate()
            # Windows has no SIGTERM: there this kills the process.
            assert process.wait(timeout=30) == 0 or sys.platform == "win32", "the plugin must exit on SIGTERM"
        finally:
            process.kill()


def webhook_state(**properties: Any) -> dict[str, Any]:
    """A webhook's state as the engine stores it."""
    return {**INPUTS, "secret": "s", **properties}


def create_request(**inputs: Any) -> provider_pb2.CreateRequest:
    """A request to create a webhook."""
    return provider_pb2.CreateRequest(properties=marshal({**INPUTS, **inputs}))


def test_plugin_serves_its_schema(plugin: Any) -> None:
    """The running plugin returns the schema of the code."""
    served = plugin.GetSchema(provider_pb2.GetSchemaRequest(version=0)).schema
    assert json.loads(served) == json.loads(json.dumps(schema()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, {}),
        ({}, {"targetUrl": URL + "/2"}, {"targetUrl": "UPDATE"}),
        ({}, {"isActive": False}, {"isActive": "UPDATE"}),
        ({}, {"eventTypes": ["a:b"]}, {"eventTypes": "ADD"}),
        ({"eventTypes": ["a:b"]}, {"eventTypes": []}, {"eventTypes": "DELETE"}),
        ({"eventTypes": ["a:b"]}, {"eventTypes": ["a:c"]}, {"eventTypes": "UPDATE"}),
        ({"eventTypes": ["a:b", "a:c"]}, {"eventTypes": ["a:c", "a:b"]}, {}),
    ],
)
def test_diff_names_each_changed_property(plugin: Any, old: Any, new: Any, expected: dict[str, str]) -> None:
    """A diff names each changed property and how it changed. It never asks for a replacement."""
    olds, news = marshal(webhook_state(**old)), marshal({**INPUTS, **new})
    response = plugin.Diff(provider_pb2.DiffRequest(id=WEBHOOK_ID, olds=olds, news=news))
    kinds = {name: provider_pb2.PropertyDiff.Kind.Name(diff.kind) for name, diff in response.detailedDiff.items()}
    assert kinds == expected
    changed, unchanged = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert response.changes == (changed if expected else unchanged)
    assert not response.replaces
    assert "id" in response.stables


def test_preview_of_an_update_keeps_unchanged_outputs(plugin: Any) -> None:
    """In the preview of an update, the secret and all other unchanged outputs are known, and the secret is marked."""
    request = provider_pb2.UpdateRequest(
        id=WEBHOOK_ID,
        olds=marshal(webhook_state(environmentId="e", createdAt="c", updatedAt="u")),
        news=marshal({**INPUTS, "targetUrl": URL + "/2"}),
        preview=True,
    )
    outputs = unmarshal(plugin.Update(request).properties)
    assert outputs["secret"] != "s", "the output must be marked as a secret"
    values = unwrap_secrets(outputs)
    assert values["secret"] == "s"
    assert (values["environmentId"], values["createdAt"], values["targetUrl"]) == ("e", "c", URL + "/2")
    assert values["updatedAt"] == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # Pulumi's placeholder for an unknown value


def test_changed_configuration_replaces_nothing(plugin: Any) -> None:
    """Another token or base URL changes the provider, and replaces neither the provider nor a webhook."""
    old_config = marshal({"apiToken": "a", "baseUrl": "https://one.example"})
    new_config = marshal({"apiToken": "b", "baseUrl": "https://two.example"})
    response = plugin.DiffConfig(provider_pb2.DiffRequest(old_inputs=old_config, olds=old_config, news=new_config))
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not response.replaces
    assert not response.detailedDiff


def test_errors_are_one_line(plugin: Any, sandbox: Sandbox) -> None:
    """An error reaches the engine as one line without a traceback."""
    sandbox.inject("status", "create", status=401, message="no")
    with pytest.raises(grpc.RpcError) as error_info:
        plugin.Create(create_request())
    message = str(error_info.value.details())
    assert "401" in message
    assert "\n" not in message
    assert "Traceback" not in message


def test_calls_run_in_parallel(plugin: Any, sandbox: Sandbox) -> None:
    """The plugin runs as many calls in parallel as the engine makes, and a slow call does not block the others."""

    def create(number: int) -> None:
        plugin.Create(create_request(targetUrl=f"{URL}/{number}"))

    with ThreadPoolExecutor(32) as pool, sandbox.hold("create") as hold:
        creates = pool.map(create, range(32))
        hold.wait_for(32)
        hold.release()
        list(creates)
    assert sandbox.connections <= 32


def test_cancel_lets_a_create_in_flight_finish(plugin: Any, sandbox: Sandbox) -> None:
    """A cancel lets a create in flight finish. It is not switched on any more, and the state contains it."""
    with sandbox.hold("create") as hold:
        create = plugin.Create.future(create_request())
        hold.wait_for(1)
        plugin.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError) as error_info:  # the state has it, and the next up switches it on
        create.result(timeout=30)
    [webhook] = sandbox.backend.webhooks()
    metadata = str(error_info.value.trailing_metadata())
    assert webhook.id in metadata
    assert webhook.secret in metadata


def test_cancel_is_answered_while_many_operations_wait(plugin: Any, sandbox: Sandbox) -> None:
    """However many operations wait, a cancel is answered at once, and no new attempt starts after it."""
    sandbox.inject("rate_limited", times=0, retry_after="60")
    creates = [plugin.Create.future(create_request(targetUrl=f"{URL}/{number}")) for number in range(150)]
    while sandbox.count("create") < 150:
        time.sleep(0.01)
    plugin.Cancel(empty_pb2.Empty(), timeout=20)
    for create in creates:
        with pytest.raises(grpc.RpcError):
            create.result(timeout=20)
    assert sandbox.count() == 150


@pytest.mark.parametrize("name", ["isActive", "eventTypes", "targetUrl"])
@pytest.mark.parametrize("mark", sorted(UNKNOWNS))
def test_unknown_value_of_any_type_passes_the_check(plugin: Any, name: str, mark: str) -> None:
    """The engine marks unknown values by their type; each passes the check, and comes back as unknown."""
    news = {"targetUrl": URL, name: mark}
    response = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=marshal(news)))
    assert not response.failures
    assert unmarshal(response.inputs)[name] in UNKNOWNS


def test_warning_that_nobody_can_receive_fails_nothing(sandbox: Sandbox) -> None:
    """With neither the engine's log nor stderr, a create that has to warn succeeds."""
    sandbox.inject("reset", "create", processed=True)
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
    command = f"exec {sys.executable} -m pulumi_truto 127.0.0.1:1 2>&-"
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
                assert stub.Create(create_request()).id
        finally:
            process.kill()


def test_stopped_plugin_waits_for_a_create_in_flight(plugin: Any, sandbox: Sandbox) -> None:
    """After SIGTERM a create in flight ends, and its outcome is returned."""
    with sandbox.hold("create") as hold:
        create = plugin.Create.future(create_request(isActive=False))
        hold.wait_for(1)
        os.kill(plugin.pid, signal.SIGTERM)
        time.sleep(1)
    assert create.result(timeout=30).id == sandbox.backend.webhooks()[0].id


def test_debugged_plugin_is_attached(plugin: Any, sandbox: Sandbox) -> None:
    """An engine that did not start the plugin (PULUMI_DEBUG_PROVIDERS) attaches itself, and works with it."""
    plugin.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
    plugin.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
    assert plugin.Create(create_request()).id == sandbox.backend.webhooks()[0].id


def test_old_python_is_named_in_one_line() -> None:
    """A Python that is too old for the plugin gets one line, and not a traceback of a missing module."""
    as_old = "import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_module('pulumi_truto', run_name='__main__')"
    process = run(sys.executable, "-c", as_old, check=False)
    assert process.returncode == 1
    [line] = process.stderr.splitlines()
    assert f"needs Python 3.10 or later, and {sys.executable} is 3.9.18" in line


def test_cancel_prevents_further_attempts(plugin: Any, sandbox: Sandbox) -> None:
    """After a cancel, a failing update ends with the attempt in flight and is not retried."""
    created = plugin.Create(create_request())
    sandbox.reset_calls()
    sandbox.inject("reset", "update", times=0)
    request = provider_pb2.UpdateRequest(
        id=created.id, olds=created.properties, news=marshal({**INPUTS, "isActive": False})
    )
    with sandbox.hold("update") as hold:
        update = plugin.Update.future(request)
        hold.wait_for(1)
        plugin.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError):
        update.result(timeout=60)
    assert sandbox.count("update") == 1


def test_functions_check_their_arguments(plugin: Any) -> None:
    """A function ignores an unknown argument and rejects an argument of the wrong type."""
    args = marshal({"id": WEBHOOK_ID, "isActive": True})
    plugin.Invoke(provider_pb2.InvokeRequest(tok=GET_WEBHOOKS, args=args))
    with pytest.raises(grpc.RpcError) as error_info:
        plugin.Invoke(provider_pb2.InvokeRequest(tok=GET_WEBHOOKS, args=marshal({"isActive": "true"})))
    assert "cannot find webhooks by is_active: it must be a boolean, not a string" in str(error_info.value)


def list_pages(plugin: Any, query: dict[str, Any], **fields: Any) -> list[list[str]]:
    """Requests all pages of a list and returns the webhook ids on each page."""
    pages, token = [], ""
    while True:
        request = provider_pb2.ListRequest(token=WEBHOOK, query=marshal(query), continuation_token=token, **fields)
        responses = list(plugin.List(request))
        pages.append([response.result.id for response in responses if response.HasField("result")])
        token = responses[-1].continuation.continuation_token if responses else ""
        if not token:
            return pages


def test_list_filters_and_paginates(plugin: Any, sandbox: Sandbox) -> None:
    """A list returns the webhooks that match a query, in pages, and no more than the limit."""
    ids = [
        create_unmanaged(sandbox, target_url=f"{URL}/{number}", is_active=number % 2 == 0)["id"] for number in range(7)
    ]

    def listed(query: dict[str, Any], **fields: Any) -> list[str]:
        return [id_ for page in list_pages(plugin, query, **fields) for id_ in page]

    assert listed({}) == ids
    assert list_pages(plugin, {}, page_size=3) == [ids[:3], ids[3:6], ids[6:]]
    assert listed({}, limit=3) == ids[:3]
    assert listed({"isActive": True}) == ids[::2]
    with pytest.raises(grpc.RpcError, match="truto:index:Other"):
        list(plugin.List(provider_pb2.ListRequest(token="truto:index:Other")))
