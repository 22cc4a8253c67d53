"""The plugin's gRPC service: translates Pulumi's provider protocol, and decides nothing.

The protocol is served directly and not through `pulumi.provider.experimental`, which appends a Python traceback to
every error, passes no old inputs to a diff, and runs every call in one event loop, which blocking HTTP would stop. Here
each call has its own thread, and an error is one line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_truto import config
from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.plugin.codec import decode
from pulumi_truto.plugin.grpc_errors import single_line_errors, single_line_stream_errors
from pulumi_truto.plugin.resource_server import ResourceServer
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS, WEBHOOK
from pulumi_truto.property_names import to_camel
from pulumi_truto.property_values import Properties, contains_unknown, marshal, unmarshal, unwrap_secrets, with_secrets
from pulumi_truto.resource_type import UNKNOWN
from pulumi_truto.resource_types import RESOURCE_TYPES, REST_TYPES
from pulumi_truto.session import ProviderSession
from pulumi_truto.urn import name_of, type_of
from pulumi_truto.version import __version__

__all__ = ["TrutoProvider"]

Context: TypeAlias = grpc.ServicerContext


class TrutoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the resources and functions of one provider instance, on as many threads as the engine uses."""

    def __init__(self) -> None:
        self._engine_address: str | None = None
        self._session = ProviderSession(config.resolve_settings(lambda _: None, {}))

    # --- the plugin ---

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: Context) -> provider_pb2.GetSchemaResponse:
        # Requested to generate an SDK, never in a run.
        import json

        from pulumi_truto.plugin.schema import schema

        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema()))

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        # Instead of an argument, from an engine that did not start this process (PULUMI_DEBUG_PROVIDERS).
        self._engine_address = request.address
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Starts no new attempt of any request."""
        self._session.cancel()

    # --- the configuration ---

    @single_line_errors
    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        inputs = unmarshal(request.news)
        if any(contains_unknown(value) for value in inputs.values()):
            errors: tuple[str, ...] = ()  # a preview whose token another resource will produce
        else:
            errors = _provider_settings(inputs, request).errors
        failures = [provider_pb2.CheckFailure(property="", reason=error) for error in errors]
        # A token that was configured without --secret is encrypted in the state too.
        secrets = set() if contains_unknown(inputs.get("apiToken")) else {"apiToken"}
        return provider_pb2.CheckResponse(inputs=marshal(with_secrets(inputs, secrets)), failures=failures)

    @single_line_errors
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        # Never a replacement: another token or base URL touches no webhook.
        # A message is always true: only HasField says whether an engine sent old inputs.
        old_inputs = request.old_inputs if request.HasField("old_inputs") else request.olds
        olds, news = unwrap_secrets(unmarshal(old_inputs)), unwrap_secrets(unmarshal(request.news))
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=changed)

    @single_line_errors
    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:
        self._session = ProviderSession(_provider_settings(unmarshal(request.args), request), self._engine_address)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # --- the resources ---

    @single_line_errors
    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        return self._server(request.urn).check(request)

    @single_line_errors
    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        return self._server(request.urn).diff(request)

    @single_line_errors
    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        with deadline_in(custom_seconds=request.timeout):
            return self._server(request.urn).create(request)

    @single_line_errors
    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        with deadline_in(custom_seconds=request.timeout):
            return self._server(request.urn).read(request)

    @single_line_errors
    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        with deadline_in(custom_seconds=request.timeout):
            return self._server(request.urn).update(request)

    @single_line_errors
    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        with deadline_in(custom_seconds=request.timeout):
            self._server(request.urn).delete(request)
        return empty_pb2.Empty()

    @single_line_stream_errors
    def List(self, request: provider_pb2.ListRequest, context: Context) -> Iterator[provider_pb2.ListResponse]:
        if request.token not in REST_TYPES:
            raise ConfigurationError(f"{request.token} cannot be listed, only {' and '.join(REST_TYPES)}")
        kind = REST_TYPES[request.token]
        from pulumi_truto.webhook.lookup import find_page, matches

        filters = decode(unmarshal(request.query))
        if any(value is UNKNOWN for value in filters.values()):
            yield provider_pb2.ListResponse(computed=provider_pb2.ListResponse.Computed())
            return
        collection = getattr(self._session.client, kind.collection)
        is_match = (lambda item: matches(item, **filters)) if filters else (lambda _: True)
        items, cursor = find_page(collection, request.continuation_token, request.page_size, request.limit, is_match)
        for item in items:
            result = provider_pb2.ListResponse.Result(id=item.id, name=item.display_name)
            yield provider_pb2.ListResponse(result=result)
        if cursor:
            continuation = provider_pb2.ListResponse.Continuation(continuation_token=cursor)
            yield provider_pb2.ListResponse(continuation=continuation)

    # --- the functions ---

    @single_line_errors
    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        from dataclasses import asdict

        from pulumi_truto.webhook.lookup import find_webhook, find_webhooks

        arguments = decode(unmarshal(request.args))
        client = self._session.client
        if request.tok == GET_WEBHOOK:
            result = to_camel(asdict(find_webhook(client, str(arguments.get("id") or ""))))
        elif request.tok == GET_WEBHOOKS:
            filters = {name: arguments.get(name) for name in ("is_active", "target_url", "event_type")}
            result = {"webhooks": [to_camel(asdict(webhook)) for webhook in find_webhooks(client, **filters)]}
        else:
            raise ConfigurationError(f"unknown function {request.tok}: there are {GET_WEBHOOK} and {GET_WEBHOOKS}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(marshal(result))
        return response

    def _server(self, urn: str) -> ResourceServer:
        type_ = type_of(urn) or WEBHOOK
        if type_ not in RESOURCE_TYPES:
            raise ConfigurationError(f"there is no resource {type_}: only {', '.join(RESOURCE_TYPES)}")
        return ResourceServer(RESOURCE_TYPES[type_], self._session)


def _provider_settings(
    inputs: Properties, request: provider_pb2.CheckRequest | provider_pb2.ConfigureRequest
) -> config.Settings:
    """The settings from a provider's inputs, whose names have no namespace."""
    values = unwrap_secrets(inputs)
    name = request.name or name_of(request.urn)
    # The engine names default providers "default", or "default_1_2_3" with a version.
    explicit = "" if name == "default" or re.fullmatch(r"default_[0-9_a-z]+", name) else name
    return config.resolve_settings(
        lambda key: values.get(key.removeprefix("truto:")),
        os.environ,
        provider=explicit,
        keys=[f"truto:{key}" for key in values],
    )
