"""The plugin's gRPC service: translates Pulumi's provider protocol, and decides nothing.

The protocol is served directly and not through `pulumi.provider.experimental`, which appends a Python traceback to
every error, passes no old inputs to a diff, and runs every call in one event loop, which blocking HTTP would stop. Here
each call has its own thread, and an error is one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_truto import config
from pulumi_truto.errors import ConfigurationError, UpdateFailedError
from pulumi_truto.plugin.grpc_errors import InitFailed, single_line_errors, single_line_stream_errors, webhooks_only
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS, WEBHOOK
from pulumi_truto.plugin.translation import (
    from_pulumi,
    marshal_state,
    provider_settings,
    secret_names,
    to_inputs,
    to_pulumi,
    to_state,
)
from pulumi_truto.property_values import (
    UNKNOWN as PULUMI_UNKNOWN,
    Properties,
    marshal,
    secret_keys,
    unmarshal,
    unwrap_secrets,
    with_secrets,
)
from pulumi_truto.session import ProviderSession
from pulumi_truto.version import __version__
from pulumi_truto.webhook.diff import WebhookState, build_patch, has_changes, inputs_in_state
from pulumi_truto.webhook.inputs import UNKNOWN, unexpected
from pulumi_truto.webhook.properties import INPUTS, PROPERTIES, camel_case, is_camel, to_camel

if TYPE_CHECKING:
    from pulumi_truto.webhook.manager import WebhookManager

__all__ = ["TrutoProvider"]

#: The properties that a program may declare.
_DECLARABLE: Final = [camel_case(name) for name in INPUTS]
#: The outputs that are unknown in the preview of a create, and those in the preview of an update.
_NEW_OUTPUTS: Final = {each.name: UNKNOWN for each in PROPERTIES if not each.is_input}
_UPDATED_OUTPUTS: Final = {each.name: UNKNOWN for each in PROPERTIES if each.changes_on_update}


class TrutoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every `truto:index:Webhook` of one provider instance, on as many threads as the engine uses."""

    def __init__(self) -> None:
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

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._session.cancel()
        return empty_pb2.Empty()

    # --- the configuration ---

    @single_line_errors
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        inputs = unmarshal(request.news)
        if any(unwrap_secrets(value) == PULUMI_UNKNOWN for value in inputs.values()):
            errors: tuple[str, ...] = ()  # a preview whose token another resource will produce
        else:
            errors = provider_settings(inputs, request).errors
        failures = [provider_pb2.CheckFailure(property="", reason=error) for error in errors]
        # A token that was configured without --secret is encrypted in the state too.
        secrets = set() if inputs.get("apiToken") == PULUMI_UNKNOWN else {"apiToken"}
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
        self._session = ProviderSession(provider_settings(unmarshal(request.args), request))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # --- the webhook ---

    @webhooks_only
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared, old_inputs = unmarshal(request.news), unmarshal(request.olds)
        if "target_url" in old_inputs:
            # From the dynamic provider. Pulumi's `ignoreChanges` does not find its names, and drops what it should
            # keep.
            declared = {**to_camel({name: old_inputs[name] for name in INPUTS if name in old_inputs}), **declared}
        name = request.urn.rpartition("::")[2]
        inputs, messages = self._session.check(from_pulumi(declared), camel_case, f"{name}: " if name else "")
        messages += [error.message(error.property) for error in unexpected(declared.keys(), _DECLARABLE)]
        # Failures of the whole resource: for one of a property Pulumi shows the value, even if that is a secret.
        failures = [provider_pb2.CheckFailure(property="", reason=message) for message in messages]
        checked = declared if failures else to_pulumi(inputs, secret_keys(declared))
        return provider_pb2.CheckResponse(inputs=marshal(checked), failures=failures)

    @webhooks_only
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._session.known_ids.add(request.id)
        old_state = unmarshal(request.olds)
        state, inputs = to_state(old_state), to_inputs(unmarshal(request.news))
        old_inputs = from_pulumi(unmarshal(request.old_inputs))
        details = {
            camel_case(name): provider_pb2.PropertyDiff(
                kind=_kind_of_change(state.get(name), value),
                # Otherwise Pulumi shows the old value of the state: it changed at Truto.
                inputDiff=old_inputs.get(name) != value,
            )
            for name, value in build_patch(state, inputs).items()
        }
        # A state of the dynamic provider is written again, without an API call, as its outputs have other names.
        is_changed = bool(details) or not is_camel(old_state)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if is_changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(details),
            detailedDiff=details,
            hasDetailedDiff=True,
            stables=["id", "environmentId", "createdAt"],
        )

    @webhooks_only
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared = unmarshal(request.properties)
        inputs = to_inputs(declared)
        if request.preview:
            return provider_pb2.CreateResponse(properties=marshal_state({**_NEW_OUTPUTS, **inputs}, declared))
        id_, state = self._manager(declared).create(inputs)
        return provider_pb2.CreateResponse(id=id_, properties=marshal_state(state, declared))

    @webhooks_only
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        olds, inputs = unmarshal(request.properties), unmarshal(request.inputs)
        state = self._manager(olds, inputs).read(request.id, to_state(olds))
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=marshal_state(state, {**olds, **inputs}),
            inputs=marshal_state(inputs_in_state(state), inputs),
        )

    @webhooks_only
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared, olds = unmarshal(request.news), unmarshal(request.olds)
        state, inputs = to_state(olds), to_inputs(declared)
        if request.preview:
            outputs = _UPDATED_OUTPUTS if has_changes(state, inputs) else {}
            return provider_pb2.UpdateResponse(properties=marshal_state({**state, **inputs, **outputs}, declared))
        try:
            updated = self._manager(olds, declared).update(request.id, state, inputs)
        except UpdateFailedError as error:
            if error.state is None:
                raise
            # The engine keeps this state, fails the run, and tries an update the next time.
            now = cast(WebhookState, error.state)
            details = provider_pb2.ErrorResourceInitFailed(
                id=request.id,
                properties=marshal_state(now, {**olds, **declared}),
                inputs=marshal_state(inputs_in_state(now), declared),
                reasons=[str(error)],
            )
            raise InitFailed(str(error), details) from None
        return provider_pb2.UpdateResponse(properties=marshal_state(updated, declared))

    @webhooks_only
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        olds = unmarshal(request.properties)
        self._manager(olds).delete(request.id, to_state(olds))
        return empty_pb2.Empty()

    @single_line_stream_errors
    def List(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.token != WEBHOOK:
            raise ConfigurationError(f"there is no resource {request.token}: the only one is {WEBHOOK}")
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
            raise ConfigurationError(f"there is no function {request.tok}: only {GET_WEBHOOK} and {GET_WEBHOOKS}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(marshal(found))
        return response

    def _manager(self, *properties: Properties) -> WebhookManager:
        """The webhooks at Truto. No message contains what is secret in the properties."""
        for each in properties:
            self._session.protect(from_pulumi(each), secret_names(each))
        return self._session.manager


def _kind_of_change(old: Any, new: Any) -> Any:
    if old in (None, []):
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if new in (None, []) else provider_pb2.PropertyDiff.UPDATE
