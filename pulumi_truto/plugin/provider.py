"""The plugin's gRPC service: translates Pulumi's provider protocol to the rules and the life cycle. Holds no rule.

The protocol is served directly, not through `pulumi.provider.experimental`: that one appends a Python stack to every
error, hands no old inputs to a diff, and runs every call in one event loop, which blocking HTTP would stop. Here each
call has a thread of its own, and its error is one line.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_truto import config as settings
from pulumi_truto.errors import ConfigurationError, TrutoError, UpdateFailedError
from pulumi_truto.plugin.tokens import GET_WEBHOOK, GET_WEBHOOKS, WEBHOOK
from pulumi_truto.property_values import (
    UNKNOWN,
    Properties,
    marshal,
    secret_keys,
    unmarshal,
    unwrap_secrets,
    with_secrets,
)
from pulumi_truto.session import ProviderSession
from pulumi_truto.version import __version__
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook.properties import CAMEL, from_camel, is_camel, to_camel

if TYPE_CHECKING:
    from pulumi_truto.webhook.manager import WebhookManager

__all__ = ["TrutoProvider"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

#: What is always a secret, whatever the program says of it.
_SECRETS = {"secret"}
#: What a program may declare.
_INPUTS = [CAMEL[name] for name in rules.INPUTS]
#: What an update can change beside the inputs; everything else stays known in its preview.
_UPDATED_OUTPUTS = {"updated_at": rules.UNKNOWN}


class _UpdateFailed(Exception):
    """An update failed, and the engine gets the state of the resource all the same."""

    def __init__(self, message: str, failed: provider_pb2.ErrorResourceInitFailed) -> None:
        super().__init__(message)
        self.failed = failed

    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The details that Pulumi's engine looks for in the status of the call."""
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(self.failed)
        return (("grpc-status-details-bin", status.SerializeToString()),)


def _single_line_errors(method: _Method) -> _Method:
    """An expected error becomes the one line of its message; any other one names itself, without a stack."""

    @functools.wraps(method)
    def wrapper(self: TrutoProvider, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except TrutoError as error:
            message = str(error)
        except _UpdateFailed as error:
            message = str(error)
            context.set_trailing_metadata(error.metadata())
        except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one line
            message = f"pulumi_truto failed unexpectedly, please report it: {type(error).__name__}: {error}"
        context.abort(grpc.StatusCode.UNKNOWN, message)

    return wrapper  # type: ignore[return-value]


def _single_line_stream(method: _Method) -> _Method:
    """`_single_line_errors` for a call whose response is a stream: a short one, so that it can be made first."""

    def collect(self: TrutoProvider, request: Any, context: Any) -> Any:
        return list(method(self, request, context))

    whole: Any = _single_line_errors(collect)

    @functools.wraps(method)
    def wrapper(self: TrutoProvider, request: Any, context: Any) -> Any:
        yield from whole(self, request, context)

    return wrapper  # type: ignore[return-value]


def _webhooks_only(method: _Method) -> _Method:
    """`_single_line_errors`, and an error for a resource of another type."""

    @functools.wraps(method)
    def wrapper(self: TrutoProvider, request: Any, context: Any) -> Any:
        # The type in a URN is behind those of its parents: "a$b$truto:index:Webhook".
        type_ = request.urn.split("::")[2].rpartition("$")[2] if request.urn.count("::") >= 3 else WEBHOOK
        if type_ != WEBHOOK:
            raise ConfigurationError(f"there is no resource {type_}: the only one is {WEBHOOK}")
        return method(self, request, context)

    return _single_line_errors(wrapper)  # type: ignore[return-value]


class TrutoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every `truto:index:Webhook` of one provider instance, on as many threads as the engine asks with."""

    def __init__(self) -> None:
        self._session = ProviderSession(settings.resolve(lambda _: None, {}))

    # --- the plugin ---

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Asked for when an SDK is made, never in a run.
        import json

        from pulumi_truto.plugin.schema import schema

        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema()))

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # A request in flight is left to end: what Truto has done for it must get into the state.
        self._session.cancel()
        return empty_pb2.Empty()

    # --- the configuration ---

    @_single_line_errors
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        inputs = unmarshal(request.news)
        if any(unwrap_secrets(value) == UNKNOWN for value in inputs.values()):
            problems: tuple[str, ...] = ()  # a preview whose token another resource will produce
        else:
            problems = _resolve(inputs, request).problems
        failures = [provider_pb2.CheckFailure(property="", reason=problem) for problem in problems]
        # Also a token that was configured without --secret is encrypted in the state.
        secrets = set() if inputs.get("apiToken") == UNKNOWN else {"apiToken"}
        return provider_pb2.CheckResponse(inputs=marshal(with_secrets(inputs, secrets)), failures=failures)

    @_single_line_errors
    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Never a replacement: another token or base URL touches no webhook.
        # A message is always true, so an engine that sends no old inputs has to be asked for.
        old_inputs = request.old_inputs if request.HasField("old_inputs") else request.olds
        olds, news = unwrap_secrets(unmarshal(old_inputs)), unwrap_secrets(unmarshal(request.news))
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    @_single_line_errors
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._session = ProviderSession(_resolve(unmarshal(request.args), request))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # --- the webhook ---

    @_webhooks_only
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared, old_inputs = unmarshal(request.news), unmarshal(request.olds)
        if "target_url" in old_inputs:
            # Of the dynamic provider. Pulumi's `ignoreChanges` does not find its names, and drops what it should keep.
            declared = {**to_camel({name: old_inputs[name] for name in rules.INPUTS if name in old_inputs}), **declared}
        name = request.urn.rpartition("::")[2]
        where = f"{name}: " if name else ""
        inputs, reasons = self._session.check(_to_rules(declared), CAMEL.__getitem__, where)
        reasons += [fault.text(fault.property) for fault in rules.unexpected(declared.keys(), _INPUTS)]
        # Failures of the whole resource: with one of a property Pulumi shows its value, also where that is a secret.
        failures = [provider_pb2.CheckFailure(property="", reason=reason) for reason in reasons]
        checked = declared if failures else _from_rules(inputs, secret_keys(declared))
        return provider_pb2.CheckResponse(inputs=marshal(checked), failures=failures)

    @_webhooks_only
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._session.known_ids.add(request.id)
        old_state = unmarshal(request.olds)
        state, inputs = _to_rules(old_state), _to_rules(unmarshal(request.news))
        changed = rules.changes(state, inputs)
        olds = _to_rules(unmarshal(request.old_inputs))
        details = {
            CAMEL[name]: provider_pb2.PropertyDiff(
                kind=_kind_of_change(state.get(name), inputs.get(name)),
                # Otherwise the value that Pulumi shows as the old one is that of the state: it changed at Truto.
                inputDiff=olds.get(name) != inputs.get(name),
            )
            for name in changed
        }
        # What came from the dynamic provider is written anew, without a call: its outputs have other names.
        is_changed = changed or not is_camel(old_state)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if is_changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(details),
            detailedDiff=details,
            hasDetailedDiff=True,
            stables=["id", "environmentId", "createdAt"],
        )

    @_webhooks_only
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared = unmarshal(request.properties)
        inputs = _to_rules(declared)
        if request.preview:
            unknown = dict.fromkeys(("secret", "environment_id", "created_at", "updated_at"), rules.UNKNOWN)
            return provider_pb2.CreateResponse(properties=_state(unknown | inputs, declared))
        id_, state = self._manager(declared).create(inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_state(state, declared))

    @_webhooks_only
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        olds, inputs = unmarshal(request.properties), unmarshal(request.inputs)
        state = self._manager(olds, inputs).read(request.id, _to_rules(olds))
        if state is None:
            return provider_pb2.ReadResponse()
        fresh = {name: state[name] for name in rules.INPUTS}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=_state(state, {**olds, **inputs}),
            inputs=marshal(_from_rules(fresh, secret_keys(inputs))),
        )

    @_webhooks_only
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared, olds = unmarshal(request.news), unmarshal(request.olds)
        state, inputs = _to_rules(olds), _to_rules(declared)
        if request.preview:
            updated = _UPDATED_OUTPUTS if rules.changes(state, inputs) else {}
            return provider_pb2.UpdateResponse(properties=_state({**state, **inputs, **updated}, declared))
        try:
            updated = self._manager(olds, declared).update(request.id, state, inputs)
        except UpdateFailedError as error:
            if error.state is None:
                raise
            # The engine keeps what is read back here, fails the run, and tries an update the next time.
            fresh = {name: error.state[name] for name in rules.INPUTS}
            failed = provider_pb2.ErrorResourceInitFailed(
                id=request.id,
                properties=_state(error.state, {**olds, **declared}),
                inputs=marshal(_from_rules(fresh, secret_keys(declared))),
                reasons=[str(error)],
            )
            raise _UpdateFailed(str(error), failed) from None
        return provider_pb2.UpdateResponse(properties=_state(updated, declared))

    @_webhooks_only
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        olds = unmarshal(request.properties)
        self._manager(olds).delete(request.id, _to_rules(olds))
        return empty_pb2.Empty()

    @_single_line_stream
    def List(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.token != WEBHOOK:
            raise ConfigurationError(f"there is no resource {request.token}: the only one is {WEBHOOK}")
        from pulumi_truto.webhook.lookup import find_page

        filters = _to_rules(unmarshal(request.query))
        if any(value is rules.UNKNOWN for value in filters.values()):
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

    @_single_line_errors
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        from dataclasses import asdict

        from pulumi_truto.webhook.lookup import find_webhook, find_webhooks

        arguments = _to_rules(unmarshal(request.args))
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
        """The way to Truto, which repeats nothing that is secret in the properties."""
        for each in properties:
            names = {name for name, camel in CAMEL.items() if camel in secret_keys(each)}
            self._session.protect(_to_rules(each), names)
        return self._session.manager


def _resolve(inputs: Properties, request: Any) -> settings.Settings:
    """The settings from the provider's inputs, which have no namespace here."""
    plain = unwrap_secrets(inputs)
    name = request.name or request.urn.rpartition("::")[2]
    # The engine calls its own ones "default", or "default_1_2_3" with a version in it.
    explicit = "" if name == "default" or re.fullmatch(r"default_[0-9_a-z]+", name) else name
    return settings.resolve(lambda key: plain.get(key.removeprefix("truto:")), os.environ, provider=explicit)


def _to_rules(properties: Properties) -> dict[str, Any]:
    """Pulumi's properties as the rules know them: the API's spelling, no secrets' wrapping, their own unknown."""
    return {
        name: _unknowns(unwrap_secrets(value), UNKNOWN, rules.UNKNOWN) for name, value in from_camel(properties).items()
    }


def _from_rules(values: Mapping[str, Any], secrets: set[str]) -> Properties:
    """The opposite of `_to_rules`, with these properties, and those that always are, made secrets."""
    plain = to_camel({name: _unknowns(value, rules.UNKNOWN, UNKNOWN) for name, value in values.items()})
    return with_secrets({name: value for name, value in plain.items() if value is not None}, secrets | _SECRETS)


def _state(values: Mapping[str, Any], declared: Properties) -> Any:
    """The outputs for the engine: what the program declared as a secret is one there too."""
    return marshal(_from_rules(values, secret_keys(declared)))


def _unknowns(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, list):
        return [_unknowns(each, old, new) for each in value]
    return new if value is old or (isinstance(value, str) and value == old) else value


def _kind_of_change(old: Any, new: Any) -> Any:
    if old in (None, []):
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if new in (None, []) else provider_pb2.PropertyDiff.UPDATE
