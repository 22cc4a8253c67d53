"""The plugin's gRPC service: translates Pulumi's provider protocol to the rules and the life cycle. Holds no rule.

The protocol is served directly, not through `pulumi.provider.experimental`: that one appends a Python stack to every
error, hands no old inputs to a diff, and runs every call in one event loop, which blocking HTTP would stop. Here each
call has a thread of its own, and its error is one line.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from pulumi_truto import rules, settings
from pulumi_truto.errors import ConfigurationError, TrutoError
from pulumi_truto.notices import Notices
from pulumi_truto.plugin.names import CAMEL, GET_WEBHOOK, GET_WEBHOOKS, from_camel, to_camel
from pulumi_truto.values import UNKNOWN, Properties, from_struct, reveal, secret, secret_keys, to_struct, with_secrets
from pulumi_truto.version import __version__

if TYPE_CHECKING:
    from pulumi_truto.client import TrutoClient
    from pulumi_truto.lifecycle import Webhooks

__all__ = ["TrutoProvider"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

#: What is always a secret, whatever the program says of it.
_SECRETS = {"secret", "knownSecret"}
#: What an update can change beside the inputs; everything else stays known in its preview.
_MOVING = {"updated_at": rules.UNKNOWN}


def _clean(method: _Method) -> _Method:
    """An expected error becomes the one line of its message; any other one names itself, without a stack."""

    @functools.wraps(method)
    def wrapper(self: TrutoProvider, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except TrutoError as error:
            message = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one line
            message = f"pulumi_truto failed unexpectedly, please report it: {type(error).__name__}: {error}"
        context.abort(grpc.StatusCode.UNKNOWN, message)

    return wrapper  # type: ignore[return-value]


class TrutoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every `truto:index:Webhook` of one provider instance, on as many threads as the engine asks with."""

    def __init__(self) -> None:
        self._settings = settings.resolve(lambda _: None, {})
        self._notices = Notices()
        self._lock = threading.Lock()
        self._client: TrutoClient | None = None
        self._webhooks: Webhooks | None = None

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
        # A request under way is left to end: what Truto has done for it must get into the state.
        return empty_pb2.Empty()

    # --- the configuration ---

    @_clean
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        inputs = from_struct(request.news)
        if any(reveal(value) == UNKNOWN for value in inputs.values()):
            problems: tuple[str, ...] = ()  # a preview whose token another resource will produce
        else:
            problems = _resolve(inputs).problems
        failures = [provider_pb2.CheckFailure(property="", reason=problem) for problem in problems]
        # Also a token that was configured without --secret is encrypted in the state.
        secrets = set() if inputs.get("apiToken") == UNKNOWN else {"apiToken"}
        return provider_pb2.CheckResponse(inputs=to_struct(with_secrets(inputs, secrets)), failures=failures)

    @_clean
    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Never a replacement: another token or base URL touches no webhook.
        # A message is always true, so an engine that sends no old inputs has to be asked for.
        old_inputs = request.old_inputs if request.HasField("old_inputs") else request.olds
        olds, news = reveal(from_struct(old_inputs)), reveal(from_struct(request.news))
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed)

    @_clean
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._settings = _resolve(from_struct(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # --- the webhook ---

    @_clean
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared = from_struct(request.news)
        checked = rules.check(_to_rules(declared), api_on_loopback=self._settings.is_loopback)
        failures = [
            provider_pb2.CheckFailure(property="", reason=fault.text(CAMEL[fault.property])) for fault in checked.faults
        ]
        for warning in checked.warnings:
            self._notices.warn(warning)
        inputs = declared if failures else _from_rules(checked.inputs, secret_keys(declared))
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @_clean
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        state, inputs = _to_rules(from_struct(request.olds)), _to_rules(from_struct(request.news))
        changed = rules.changes(state, inputs)
        if rules.learn(state, inputs) is not None:
            changed["known_secret"] = None
        olds = _to_rules(from_struct(request.old_inputs))
        details = {
            CAMEL[name]: provider_pb2.PropertyDiff(
                kind=_kind_of_change(state.get(name), inputs.get(name)),
                # Otherwise the value that Pulumi shows as the old one is that of the state: it changed at Truto.
                inputDiff=olds.get(name) != inputs.get(name),
            )
            for name in changed
        }
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            diffs=sorted(details),
            detailedDiff=details,
            hasDetailedDiff=True,
            stables=["id", "environmentId", "createdAt"],
        )

    @_clean
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared = from_struct(request.properties)
        inputs = _to_rules(declared)
        if request.preview:
            unknown = dict.fromkeys(("secret", "environment_id", "created_at", "updated_at"), rules.UNKNOWN)
            return provider_pb2.CreateResponse(properties=_state(unknown | inputs, declared))
        id_, state = self._api().create(inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_state(state, declared))

    @_clean
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        olds, inputs = from_struct(request.properties), from_struct(request.inputs)
        state = self._api().read(request.id, _to_rules(olds))
        if state is None:
            return provider_pb2.ReadResponse()
        fresh = {name: state[name] for name in rules.INPUTS}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=_state(state, {**olds, **inputs}),
            inputs=to_struct(_from_rules(fresh, secret_keys(inputs))),
        )

    @_clean
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        declared = from_struct(request.news)
        state, inputs = _to_rules(from_struct(request.olds)), _to_rules(declared)
        if request.preview:
            learned = {"secret": state.get("secret") or rules.learn(state, inputs)}
            return provider_pb2.UpdateResponse(properties=_state({**state, **inputs, **learned, **_MOVING}, declared))
        return provider_pb2.UpdateResponse(properties=_state(self._api().update(request.id, state, inputs), declared))

    @_clean
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._api().delete(request.id, _to_rules(from_struct(request.properties)))
        return empty_pb2.Empty()

    # --- the functions ---

    @_clean
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        from dataclasses import asdict

        from pulumi_truto.queries import find_webhook, find_webhooks

        arguments = _to_rules(from_struct(request.args))
        self._api()
        assert self._client is not None
        if request.tok == GET_WEBHOOK:
            found = to_camel(asdict(find_webhook(self._client, str(arguments.get("id") or ""))))
        elif request.tok == GET_WEBHOOKS:
            filters = {name: arguments.get(name) for name in ("is_active", "target_url", "event_type")}
            found = {"webhooks": [to_camel(asdict(each)) for each in find_webhooks(self._client, **filters)]}
        else:
            raise ConfigurationError(f"there is no function {request.tok}: only {GET_WEBHOOK} and {GET_WEBHOOKS}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(found))
        return response

    def _api(self) -> Webhooks:
        """The way to Truto, made on first use: a run that changes nothing never loads requests or pydantic."""
        with self._lock:
            if self._webhooks is None:
                from pulumi_truto.client import TrutoClient
                from pulumi_truto.lifecycle import Webhooks

                self._client = TrutoClient(self._settings)
                self._webhooks = Webhooks(self._client, self._notices.warn)
            return self._webhooks


def _resolve(inputs: Properties) -> settings.Settings:
    """The settings from the provider's inputs, which have no namespace here."""
    plain = reveal(inputs)
    return settings.resolve(lambda key: plain.get(key.removeprefix("truto:")), os.environ)


def _to_rules(properties: Properties) -> dict[str, Any]:
    """Pulumi's properties as the rules know them: the API's spelling, no secrets' wrapping, their own unknown."""
    return {name: _unknowns(reveal(value), UNKNOWN, rules.UNKNOWN) for name, value in from_camel(properties).items()}


def _from_rules(values: Mapping[str, Any], secrets: set[str]) -> Properties:
    """The opposite of `_to_rules`, with these properties, and those that always are, made secrets."""
    plain = to_camel({name: _unknowns(value, rules.UNKNOWN, UNKNOWN) for name, value in values.items()})
    return with_secrets({name: value for name, value in plain.items() if value is not None}, secrets | _SECRETS)


def _state(values: Mapping[str, Any], declared: Properties) -> Any:
    """The outputs for the engine: what the program declared as a secret is one there too."""
    known_secret = {"knownSecret": secret(reveal(declared["knownSecret"]))} if "knownSecret" in declared else {}
    return to_struct({**_from_rules(values, secret_keys(declared)), **known_secret})


def _unknowns(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, list):
        return [_unknowns(each, old, new) for each in value]
    return new if value is old or (isinstance(value, str) and value == old) else value


def _kind_of_change(old: Any, new: Any) -> Any:
    if old in (None, []):
        return provider_pb2.PropertyDiff.ADD
    return provider_pb2.PropertyDiff.DELETE if new in (None, []) else provider_pb2.PropertyDiff.UPDATE
