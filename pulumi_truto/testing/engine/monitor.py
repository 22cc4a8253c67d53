"""The gRPC server for programs and providers, with Pulumi's services `ResourceMonitor` and `Engine`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from pulumi_truto.property_values import UNKNOWN, contains_asset, marshal, unmarshal
from pulumi_truto.testing.engine.deployment import Cancelled, Deployment
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.program import THREADS_PER_OPERATION
from pulumi_truto.testing.engine.provider import GRPC_OPTIONS
from pulumi_truto.testing.engine.resource import Resource, seconds
from pulumi_truto.testing.engine.settings import ORGANIZATION, RunSettings

__all__ = ["MonitorServer"]

#: The features that programs may use, by their numbers in Pulumi's protocol: secrets; from alias specs to error hooks;
#: state migrations. Some are features that this engine refuses: its own message is better than the SDK's "please update
#: the Pulumi CLI".
_FEATURES: Final = [0, *range(3, 12), 16]
#: The options that this engine does not support, by the name of their field in a request.
_UNSUPPORTED_FIELDS: Final = {
    "deletedWith": "deleted_with",
    "replace_with": "replace_with",
    "transforms": "transforms",
    "hooks": "hooks",
    "state_migrations": "state_migrations",
    "envVarMappings": "env_var_mappings",
    "hideDiffs": "hide_diffs",
}
#: Threads for all other calls than registrations, such as a provider's warnings.
_SPARE_THREADS: Final = 64
#: The start of the message that the SDK logs when a run is cancelled. The display has already shown the reason.
_CANCELLED_MESSAGE: Final = "Resource monitor has terminated"
#: SDKs before 3.272 lack this field, and use the id from their request.
_HAS_READ_ID: Final = "id" in resource_pb2.ReadResourceResponse.DESCRIPTOR.fields_by_name


class MonitorServer:
    """Serves both services on a loopback port until it is closed.

    Args:
        settings: the settings of the run.
        display: shows log messages.
    """

    def __init__(self, settings: RunSettings, display: Display) -> None:
        threads = futures.ThreadPoolExecutor(THREADS_PER_OPERATION * settings.parallel + _SPARE_THREADS)
        self._server = grpc.server(threads, options=GRPC_OPTIONS)
        self._monitor = _ResourceMonitor(settings, display)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self._monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(display), self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def serve(self, deployment: Deployment) -> None:
        """Passes the requests of a program to the deployment from now on."""
        self._monitor.deployment = deployment

    def close(self) -> None:
        """Stops at once; calls in flight fail."""
        self._server.stop(0).wait(5)


class _Engine(engine_pb2_grpc.EngineServicer):
    """Shows log messages."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.severity == engine_pb2.ERROR:
            if not request.message.startswith(_CANCELLED_MESSAGE):
                self._display.log("error", request.message)
        elif request.severity == engine_pb2.WARNING:
            self._display.log("warning", request.message)
        elif request.severity == engine_pb2.INFO and not request.ephemeral:
            self._display.info(request.message)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        version = request.pulumi_version_range
        message = f"the program requires the Pulumi CLI {version}; the local engine does not check this"
        self._display.log("warning", message)
        return engine_pb2.RequirePulumiVersionResponse()


def _refusal(feature: str) -> Any:
    """A method that refuses a feature; its name may have fields of the request."""

    def refuse(self: _ResourceMonitor, request: Any, context: Any) -> None:
        self._refuse(feature.format(request), context)

    return refuse


class _ResourceMonitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, settings: RunSettings, display: Display) -> None:
        self._settings = settings
        self._display = display
        self.deployment: Deployment | None = None

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        settings = self._settings
        return resource_pb2.DeploymentInfo(
            project=settings.project,
            stack=settings.stack,
            organization=ORGANIZATION,
            config=settings.config_values,
            configSecretKeys=settings.config_secret_keys,
            dryRun=settings.dry_run,
            parallel=settings.parallel,
            supportedFeatures=_FEATURES,
        )

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        new = self._declared(request, context, inputs=unmarshal(request.object))
        resource = self._run(lambda deployment: deployment.register(new, request.name), context)
        # As in Pulumi, a component's outputs come from its own program, unless its package creates it.
        outputs = resource.outputs if resource.custom or new.remote else {}
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=marshal(outputs))

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        outputs = unmarshal(request.outputs)
        if contains_asset(outputs):
            self._refuse("assets and archives in outputs", context)
        self._run(lambda deployment: deployment.set_outputs(request.urn, outputs), context)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        new = self._declared(request, context, inputs=unmarshal(request.properties), custom=True, external=True)
        resource = self._run(lambda deployment: deployment.register(new, request.name), context)
        response = resource_pb2.ReadResourceResponse(urn=resource.urn, properties=marshal(resource.outputs))
        if _HAS_READ_ID and resource.id != UNKNOWN:
            response.id = resource.id
        return response

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        call = (request.tok, unmarshal(request.args), request.provider, request.version)
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(marshal(self._run(lambda deployment: deployment.invoke(*call), context)))
        return response

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    Call = _refusal("the method {0.tok}")
    RegisterStackTransform = _refusal("transforms of a whole stack")
    RegisterStackInvokeTransform = _refusal("transforms of invokes")
    RegisterResourceHook = _refusal("the hook {0.name}")
    RegisterErrorHook = _refusal("the hook {0.name}")

    def _run(self, operation: Callable[[Deployment], Any], context: Any) -> Any:
        assert self.deployment is not None
        try:
            return operation(self.deployment)
        except Cancelled:
            # Pulumi's engine uses this status too when a run is over.
            context.abort(grpc.StatusCode.UNAVAILABLE, "the run was cancelled")

    def _declared(self, request: Any, context: Any, **values: Any) -> Resource:
        """Returns the resource that a request declares; refuses what this engine does not support."""
        new = Resource.from_request(request, **values)
        needs_provider = new.custom or new.remote
        if needs_provider and not self._settings.serves(new.package):
            return new  # the run fails for that reason, which matters more
        if options := _unsupported_options(request):
            self._refuse(f"the option {', '.join(options)} of the resource {request.name!r}", context)
        is_mocked = needs_provider and self._settings.providers.module(new.package) is None
        if contains_asset(new.inputs) and not is_mocked:
            self._refuse(f"assets and archives in the resource {request.name!r}", context)
        return new

    def _refuse(self, feature: str, context: Any) -> None:
        assert self.deployment is not None
        self._display.error(f"the local engine does not support {feature}. Use the Pulumi CLI for this program")
        self.deployment.cancel()
        context.abort(grpc.StatusCode.UNAVAILABLE, "not supported")


def _unsupported_options(request: Any) -> list[str]:
    """Returns the options in a registration or a read that this engine does not support."""
    options = {
        _UNSUPPORTED_FIELDS[field.name]
        for field, value in request.ListFields()
        if field.name in _UNSUPPORTED_FIELDS
        and not (hasattr(value, "ByteSize") and value.ByteSize() == 0)  # programs send some messages without content
    }
    if isinstance(request, resource_pb2.RegisterResourceRequest):
        durations = {value for _, value in request.customTimeouts.ListFields()}
        options |= {f"a custom timeout of {value!r}" for value in durations if seconds(value) is None}
    return sorted(options)
