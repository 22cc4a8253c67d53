"""The plugin's gRPC service: translates Pulumi's provider protocol, and decides nothing.

The protocol is served directly and not through `pulumi.provider.experimental`, which appends a Python traceback to
every error, passes no old inputs to a diff, and runs every call in one event loop, which blocking HTTP would stop. Here
each call has its own thread, and an error is one line.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_truto import config
from pulumi_truto.api.deadline import deadline_in
from pulumi_truto.errors import ConfigurationError
from pulumi_truto.plugin.grpc_errors import single_line_errors, single_line_stream_errors
from pulumi_truto.plugin.tester import WebhookTestResource
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS, WEBHOOK, WEBHOOK_TEST
from pulumi_truto.plugin.translation import from_pulumi, provider_settings
from pulumi_truto.plugin.webhook import WebhookResource
from pulumi_truto.property_values import contains_unknown, marshal, unmarshal, unwrap_secrets, with_secrets
from pulumi_truto.session import ProviderSession
from pulumi_truto.version import __version__
from pulumi_truto.webhook.inputs import UNKNOWN
from pulumi_truto.webhook.properties import to_camel

__all__ = ["TrutoProvider"]

_RESOURCES: Final[dict[str, type[WebhookResource] | type[WebhookTestResource]]] = {
    WEBHOOK: WebhookResource,
    WEBHOOK_TEST: WebhookTestResource,
}


class TrutoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the resources and functions of one provider instance, on as many threads as the engine uses."""

    def __init__(self) -> None:
        self._engine_address: str | None = None
        self._session = ProviderSession(config.resolve_settings(lambda _: None, {}))

    # --- the plugin ---

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Requested to generate an SDK, never in a run.
        import json

        from pulumi_truto.plugin.schema import schema

        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema()))

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Instead of an argument, from an engine that did not start this process (PULUMI_DEBUG_PROVIDERS).
        self._engine_address = request.address
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.cancel()
        return empty_pb2.Empty()

    def cancel(self) -> None:
        """Starts no new attempt of any request."""
        self._session.cancel()

    # --- the configuration ---

    @single_line_errors
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        inputs = unmarshal(request.news)
        if any(contains_unknown(value) for value in inputs.values()):
            errors: tuple[str, ...] = ()  # a preview whose token another resource will produce
        else:
            errors = provider_settings(inputs, request).errors
        failures = [provider_pb2.CheckFailure(property="", reason=error) for error in errors]
        # A token that was configured without --secret is encrypted in the state too.
        secrets = set() if contains_unknown(inputs.get("apiToken")) else {"apiToken"}
        return provider_pb2.CheckResponse(inputs=marshal(with_secrets(inputs, secrets)), failures=failures)

    @single_line_errors
    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Never a replacement: another token or base URL touches no webhook.
        # A message is always true: only HasField says whether an engine sent old inputs.
        old_inputs = request.old_inputs if request.HasField("old_inputs") else request.olds
        olds, news = unwrap_secrets(unmarshal(old_inputs)), unwrap_secrets(unmarshal(request.news))
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    @single_line_errors
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._session = ProviderSession(provider_settings(unmarshal(request.args), request), self._engine_address)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # --- the resources ---

    @single_line_errors
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return self._resource(request).check(request)

    @single_line_errors
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return self._resource(request).diff(request)

    @single_line_errors
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        with deadline_in(custom_seconds=request.timeout):
            return self._resource(request).create(request)

    @single_line_errors
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        with deadline_in(custom_seconds=request.timeout):
            return self._resource(request).read(request)

    @single_line_errors
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        with deadline_in(custom_seconds=request.timeout):
            return self._resource(request).update(request)

    @single_line_errors
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        with deadline_in(custom_seconds=request.timeout):
            self._resource(request).delete(request)
        return empty_pb2.Empty()

    @single_line_stream_errors
    def List(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.token != WEBHOOK:
            raise ConfigurationError(f"the only resource that can be listed is {WEBHOOK}, not {request.token}")
        from pulumi_truto.webhook.lookup import find_page

        filters = from_pulumi(unmarshal(request.query))
        if any(value is UNKNOWN for value in filters.values()):
            yield provider_pb2.ListResponse(computed=provider_pb2.ListResponse.Computed())
            return
        client = self._session.manager.client
        found, cursor = find_page(client, request.continuation_token, request.page_size, request.limit, filters)
        for each in found:
            yield provider_pb2.ListResponse(result=provider_pb2.ListResponse.Result(id=each.id, name=each.target_url))
        if cursor:
            continuation = provider_pb2.ListResponse.Continuation(continuation_token=cursor)
            yield provider_pb2.ListResponse(continuation=continuation)

    # --- the functions ---

    @single_line_errors
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        from dataclasses import asdict

        from pulumi_truto.webhook.lookup import find_webhook, find_webhooks

        arguments = from_pulumi(unmarshal(request.args))
        client = self._session.manager.client
        if request.tok == GET_WEBHOOK:
            found = to_camel(asdict(find_webhook(client, str(arguments.get("id") or ""))))
        elif request.tok == GET_WEBHOOKS:
            filters = {name: arguments.get(name) for name in ("is_active", "target_url", "event_type")}
            found = {"webhooks": [to_camel(asdict(each)) for each in find_webhooks(client, **filters)]}
        else:
            raise ConfigurationError(f"unknown function {request.tok}: there are {GET_WEBHOOK} and {GET_WEBHOOKS}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(marshal(found))
        return response

    def _resource(self, request: Any) -> WebhookResource | WebhookTestResource:
        # In a URN the types of the parents come first: "a$b$truto:index:Webhook".
        type_ = request.urn.split("::")[2].rpartition("$")[2] if request.urn.count("::") >= 3 else WEBHOOK
        if type_ not in _RESOURCES:
            raise ConfigurationError(f"there is no resource {type_}: only {' and '.join(_RESOURCES)}")
        return _RESOURCES[type_](self._session)
