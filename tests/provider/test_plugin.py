"""What the native plugin does beyond the scenarios: schema, detailed diffs, previews, import, functions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_truto import EventType
from pulumi_truto.local_engine.open_stack import Engine
from pulumi_truto.plugin.schema import schema
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, GET_WEBHOOKS, WEBHOOK
from pulumi_truto.property_values import marshal, unmarshal, unwrap_secrets
from pulumi_truto.sandbox import Sandbox
from pulumi_truto.version import __version__
from pulumi_truto.webhook.inputs import check
from pulumi_truto.webhook.properties import INPUTS, camel_case
from tests.support.commands import run
from tests.support.project import URL, Project

ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def native(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that uses the native plugin, on each engine."""
    return Project(engine, sandbox, tmp_path, provider_kind="native")


@pytest.fixture
def plugin(sandbox: Sandbox) -> Any:
    """The plugin as a process, spoken to over gRPC as the engine does."""
    environment = {**os.environ, "TRUTO_API_TOKEN": sandbox.token, "TRUTO_BASE_URL": sandbox.base_url}
    with subprocess.Popen(
        [sys.executable, "-m", "pulumi_truto", "127.0.0.1:1"], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
                yield stub
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0, "the plugin ends by itself on SIGTERM"
        finally:
            process.kill()


def state(**properties: Any) -> dict[str, Any]:
    """A webhook's state as the engine keeps it."""
    return {"targetUrl": URL, "eventTypes": [], "isActive": True, "secret": "s", **properties}


# --- the schema ---


def test_schema_and_code_agree() -> None:
    """The schema has exactly the inputs that the rules check and the outputs that they keep."""
    webhook = schema()["resources"][WEBHOOK]
    assert set(webhook["inputProperties"]) == {camel_case(name) for name in INPUTS}
    checked = check({"target_url": URL}).inputs
    assert {camel_case(name) for name in checked} == set(webhook["inputProperties"])
    kept = {"environment_id", "created_at", "updated_at", "secret", *INPUTS}
    assert set(webhook["properties"]) == {camel_case(name) for name in kept}
    assert webhook["aliases"] == [{"type": DYNAMIC_WEBHOOK}]
    assert webhook["inputProperties"]["isActive"]["default"] is True
    assert check({"target_url": URL}).inputs["is_active"] is True


def test_schema_lists_the_event_types() -> None:
    """The schema has every known event type for completion, and any other string passes."""
    types = schema()["types"]["truto:index:EventType"]["enum"]
    assert [each["value"] for each in types] == [str(each.value) for each in EventType]
    assert len({each["name"] for each in types}) == len(types)
    items = schema()["resources"][WEBHOOK]["inputProperties"]["eventTypes"]["items"]
    assert {"type": "string"} in items["oneOf"]


def test_schema_for_the_registry() -> None:
    """The schema has what Pulumi's registry shows, a secret token and secret, and its own Python package name."""
    document = schema()
    assert document["version"] == __version__
    for name in ("displayName", "description", "license", "keywords"):
        assert document[name]
    assert document["config"]["variables"]["apiToken"]["secret"] is True
    # An SDK would take the variable's value into the state, and not every one of them as a secret.
    assert "defaultInfo" not in document["config"]["variables"]["apiToken"]
    assert document["resources"][WEBHOOK]["properties"]["secret"]["secret"] is True
    assert document["language"]["python"]["packageName"] != "pulumi_truto"
    _every_reference_is_there(document, document)


def _every_reference_is_there(part: Any, document: Any) -> None:
    if isinstance(part, dict):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/types/") in document["types"]
        for each in part.values():
            _every_reference_is_there(each, document)
    elif isinstance(part, list):
        for each in part:
            _every_reference_is_there(each, document)


# --- the protocol ---


def test_plugin_serves_its_schema(plugin: Any) -> None:
    """The running plugin gives the schema and the version of the code."""
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
def test_detailed_diff(plugin: Any, old: Any, new: Any, expected: dict[str, str]) -> None:
    """A diff names each changed property with its kind, never a replacement, and what stays the same."""
    inputs = {name: state()[name] for name in ("targetUrl", "eventTypes", "isActive")}
    request = provider_pb2.DiffRequest(id=ID, olds=marshal(state(**old)), news=marshal({**inputs, **new}))
    response = plugin.Diff(request)
    kinds = {name: provider_pb2.PropertyDiff.Kind.Name(each.kind) for name, each in response.detailedDiff.items()}
    assert kinds == expected
    assert response.changes == (2 if expected else 1)
    assert not response.replaces
    assert "id" in response.stables


def test_preview_of_an_update_keeps_what_stays(plugin: Any) -> None:
    """In the preview of an update the secret and everything else that stays is known, and secret."""
    request = provider_pb2.UpdateRequest(
        id=ID,
        olds=marshal(state(environmentId="e", createdAt="c", updatedAt="u")),
        news=marshal({"targetUrl": URL + "/2", "eventTypes": [], "isActive": True}),
        preview=True,
    )
    found = unmarshal(plugin.Update(request).properties)
    assert found["secret"] != "s", "it has to be wrapped as a secret"
    plain = unwrap_secrets(found)
    assert plain["secret"] == "s"
    assert (plain["environmentId"], plain["createdAt"], plain["targetUrl"]) == ("e", "c", URL + "/2")
    assert plain["updatedAt"] == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_configuration_never_replaces(plugin: Any) -> None:
    """Another token or base URL is a change of the provider that replaces nothing."""
    request = provider_pb2.DiffRequest(
        old_inputs=marshal({"apiToken": "a", "baseUrl": "https://one.example"}),
        olds=marshal({"apiToken": "a", "baseUrl": "https://one.example"}),
        news=marshal({"apiToken": "b", "baseUrl": "https://two.example"}),
    )
    response = plugin.DiffConfig(request)
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not response.replaces
    assert not response.detailedDiff


def test_errors_are_one_line(plugin: Any, sandbox: Sandbox) -> None:
    """An error reaches the engine as one line with the remedy, without any Python stack."""
    sandbox.inject("status", "create", status=401, message="no")
    request = provider_pb2.CreateRequest(properties=marshal({"targetUrl": URL, "eventTypes": [], "isActive": True}))
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Create(request)
    message = str(caught.value.details())
    assert "401" in message
    assert "\n" not in message
    assert "Traceback" not in message


def test_many_calls_at_once(plugin: Any, sandbox: Sandbox) -> None:
    """Calls run side by side, as many as the engine makes, and a slow one stops no other."""

    def create(number: int) -> None:
        properties = marshal({"targetUrl": f"{URL}/{number}", "eventTypes": [], "isActive": True})
        plugin.Create(provider_pb2.CreateRequest(properties=properties))

    with ThreadPoolExecutor(32) as pool, sandbox.hold("create") as hold:
        creating = pool.map(create, range(32))
        hold.wait_for(32)
        hold.release()
        list(creating)
    assert sandbox.connections <= 32


def test_cancel(plugin: Any, sandbox: Sandbox) -> None:
    """A cancel lets what is under way end, so that its outcome gets into the state."""
    properties = marshal({"targetUrl": URL, "eventTypes": [], "isActive": True})
    with sandbox.hold("create") as hold:
        creating = plugin.Create.future(provider_pb2.CreateRequest(properties=properties))
        hold.wait_for(1)
        plugin.Cancel(empty_pb2.Empty())
    assert creating.result(timeout=30).id == sandbox.backend.webhooks()[0].id


def test_no_attempt_begins_after_a_cancel(plugin: Any, sandbox: Sandbox) -> None:
    """Ctrl-C while an update hangs ends with the attempt that is in flight: no other one is begun."""
    created = plugin.Create(
        provider_pb2.CreateRequest(properties=marshal({"targetUrl": URL, "eventTypes": [], "isActive": True}))
    )
    sandbox.inject("reset", "update", times=0)
    request = provider_pb2.UpdateRequest(
        id=created.id, olds=created.properties, news=marshal({"targetUrl": URL, "eventTypes": [], "isActive": False})
    )
    with sandbox.hold("update") as hold:
        updating = plugin.Update.future(request)
        hold.wait_for(1)
        plugin.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError):
        updating.result(timeout=60)
    assert sandbox.count("update") == 1


def test_a_function_takes_only_what_it_has(plugin: Any) -> None:
    """An argument that a function does not have is left aside, and one of a wrong type is a clear error."""
    args = marshal({"id": ID, "isActive": True})
    plugin.Invoke(provider_pb2.InvokeRequest(tok=GET_WEBHOOKS, args=args))
    with pytest.raises(grpc.RpcError) as caught:
        plugin.Invoke(provider_pb2.InvokeRequest(tok=GET_WEBHOOKS, args=marshal({"isActive": "true"})))
    assert "cannot find webhooks by is_active: it must be a boolean, not a string" in str(caught.value)


def test_list(plugin: Any, sandbox: Sandbox) -> None:
    """The plugin lists the webhooks that match, page by page, no more than are asked for."""
    made = [
        sandbox.backend.create(sandbox.environment_id, {"target_url": f"{URL}/{n}", "is_active": n % 2 == 0})["id"]
        for n in range(7)
    ]

    def listed(query: dict[str, Any], **request: Any) -> tuple[list[list[str]], list[str]]:
        pages, token = [], ""
        while True:
            responses = list(
                plugin.List(
                    provider_pb2.ListRequest(token=WEBHOOK, query=marshal(query), continuation_token=token, **request)
                )
            )
            pages.append([each.result.id for each in responses if each.HasField("result")])
            token = responses[-1].continuation.continuation_token if responses else ""
            if not token:
                return pages, [id_ for page in pages for id_ in page]

    assert listed({})[1] == made
    pages, ids = listed({}, page_size=3)
    assert ids == made
    assert [len(page) for page in pages] == [3, 3, 1]
    assert listed({}, limit=3)[1] == made[:3]
    assert listed({"isActive": True})[1] == made[::2]
    with pytest.raises(grpc.RpcError, match="there is no resource truto:index:Other"):
        list(plugin.List(provider_pb2.ListRequest(token="truto:index:Other")))


# --- with an engine ---


def test_preview_of_an_update_downstream(native: Project) -> None:
    """In the preview of an update what depends on the secret or the id stays known, and is no change."""
    body = """
        first = truto.Webhook("first", target_url=URL, is_active={active})
        second = truto.Webhook("second", target_url=pulumi.Output.concat(URL, "/", first.id))
    """
    native.program(body.format(active=True))
    native.up()
    native.program(body.format(active=False))
    assert native.preview().changes == {"same": 2, "update": 1}


def test_import(native: Project) -> None:
    """A webhook made by hand is imported, is then no change, and is managed; its secret is null, with a warning."""
    made = native.sandbox.backend.create(
        native.sandbox.environment_id, {"target_url": URL, "event_types": ["record:*"]}
    )
    arguments = 'target_url=URL, event_types=["record:*"]'
    native.webhook(arguments, opts=f'pulumi.ResourceOptions(import_="{made["id"]}")')
    outcome = native.up()
    assert outcome.changes == {"create": 1, "import": 1}
    assert "pulumi-truto import-file" in outcome.text
    native.webhook(arguments)
    assert native.up().calls == []
    assert native.outputs.get("secret") is None
    native.destroy()
    assert native.sandbox.backend.webhooks() == []


def test_pulumi_import(native: Project) -> None:
    """`pulumi import` takes a webhook into the state, and the code that it prints is then no change."""
    if native.engine != "cli":
        pytest.skip("the local engine has no such command")
    made = native.sandbox.backend.create(
        native.sandbox.environment_id, {"target_url": URL, "event_types": ["record:*"]}
    )
    native.program("")
    native.up()
    code = native.folder / "code.json"
    command = ["pulumi", "import", WEBHOOK, "orders", made["id"], "--stack", "dev", "--yes", "--protect=false"]
    env = {**os.environ, **native.stack.workspace.env_vars}
    more = ["--generate-code=false", "--out", str(code)]
    run(*command, *more, cwd=native.work_dir, env=env)
    [webhook] = native.managed
    assert webhook["id"] == made["id"]
    native.webhook('target_url=URL, event_types=["record:*"]')
    assert native.preview().changes == {"same": 2}


def test_import_of_nothing(native: Project) -> None:
    """Importing a webhook that does not exist fails, and names the id."""
    native.webhook(opts=f'pulumi.ResourceOptions(import_="{ID}")')
    assert ID in native.fails(native.up).text


def test_import_of_another_shape(native: Project) -> None:
    """A webhook that differs from what is declared is imported and then updated, as the preview says."""
    made = native.sandbox.backend.create(native.sandbox.environment_id, {"target_url": URL})
    native.webhook('target_url=URL + "/2"', opts=f'pulumi.ResourceOptions(import_="{made["id"]}")')
    expected = {"create": 1, "import": 1, "update": 1}
    assert native.preview().changes == expected
    assert native.sandbox.backend.webhooks()[0].target_url == URL
    outcome = native.up()
    assert outcome.changes == expected
    assert outcome.calls == ["read", "update"]
    assert native.outputs["id"] == made["id"]
    assert native.up().changes == {"same": 2}


def test_functions(native: Project) -> None:
    """The functions find one webhook by its id, and all that match the filters, over all pages."""
    create: Callable[..., Any] = native.sandbox.backend.create
    for number in range(120):
        create(native.sandbox.environment_id, {"target_url": f"{URL}/{number}", "is_active": number != 7})
    wanted = create(native.sandbox.environment_id, {"target_url": URL, "event_types": ["record:*"]})
    native.program(f"""
        one = pulumi.runtime.invoke("truto:index:getWebhook", {{"id": {wanted["id"]!r}}}).value
        pulumi.export("one", one)
        for name, filters in {{
            "all": {{}},
            "inactive": {{"isActive": False}},
            "url": {{"targetUrl": URL}},
            "event": {{"eventType": "sync_job_run:failed", "isActive": True}},
        }}.items():
            found = pulumi.runtime.invoke("truto:index:getWebhooks", filters).value
            pulumi.export(name, len(found["webhooks"]))
    """)
    native.up()
    outputs = native.outputs
    assert outputs["one"]["targetUrl"] == URL
    assert outputs["one"]["eventTypes"] == ["record:*"]
    assert "secret" not in outputs["one"]
    assert (outputs["all"], outputs["inactive"], outputs["url"], outputs["event"]) == (121, 1, 1, 119)
