"""The gRPC server for programs and providers, with Pulumi's services `ResourceMonitor` and `Engine`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from pulumi_truto.property_values import UNKNOWN, marshal, unmarshal
from pulumi_truto.testing.engine.deployment import Cancelled, Deployment
from pulumi_truto.testing.engine.display import Display
from pulumi_truto.testing.engine.engine_service import EngineService
from pulumi_truto.testing.engine.grpc_options import GRPC_OPTIONS
from pulumi_truto.testing.engine.provider import SUPPORTED_PACKAGES
from pulumi_truto.testing.engine.registration import goal_of_read, goal_of_registration, unsupported_options
from pulumi_truto.testing.engine.run_settings import ORGANIZATION, RunSettings

__all__ = ["REGISTRATIONS_PER_OPERATION", "MonitorServer"]

#: The features that programs may ask for, with their numbers. Some are features that this engine refuses: its own
#: message is better than the SDK's "please update the Pulumi CLI".
_FEATURES: Final = {
    "secrets": 0,
    "aliasSpecs": 3,
    "replacementTrigger": 4,
    "deletedWith": 5,
    "replaceWith": 6,
    "transforms": 7,
    "invokeTransforms": 8,
    "resourceHooks": 10,
    "errorHooks": 11,
    "stateMigrations": 16,
}
#: The number of registrations that a program may have in flight for each parallel operation, as in Pulumi's language
#: host (sdk/python/cmd/pulumi-language-python-exec). Each registration occupies a thread until its resource is done.
REGISTRATIONS_PER_OPERATION: Final = 4
#: Threads for all other calls, such as a provider's warnings.
_SPARE_THREADS: Final = 64

_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
#: SDKs before 3.272 lack this field, and use the id from their request.
_HAS_READ_ID: Final = "id" in resource_pb2.ReadResourceResponse.DESCRIPTOR.fields_by_name


class MonitorServer:
    """Serves both services on a loopback port until it is closed.

    Args:
        display: shows log messages.
        parallel: the maximum number of operations in flight.
    """

    def __init__(self, display: Display, parallel: int) -> None:
        threads = futures.ThreadPoolExecutor(REGISTRATIONS_PER_OPERATION * parallel + _SPARE_THREADS)
        self._server = grpc.server(threads, options=GRPC_OPTIONS)
        self._monitor = _ResourceMonitor(display)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self._monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(EngineService(display), self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def serve(self, deployment: Deployment, settings: RunSettings) -> None:
        """Passes the requests of a program to the deployment from now on."""
        self._monitor.deployment = deployment
        self._monitor.settings = settings

    def close(self) -> None:
        """Stops at once; calls in flight fail."""
        self._server.stop(0).wait(5)


class _ResourceMonitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, display: Display) -> None:
        self._display = display
        self.deployment: Deployment | None = None
        self.settings: RunSettings | None = None

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        settings = self.settings
        assert settings is not None
        return resource_pb2.DeploymentInfo(
            project=settings.project,
            stack=settings.stack,
            organization=ORGANIZATION,
            config=settings.config_values,
            configSecretKeys=settings.config_secret_keys,
            dryRun=settings.dry_run,
            parallel=settings.parallel,
            supportedFeatures=[*_FEATURES.values()],  # type: ignore[list-item]  # plain numbers
        )

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def register(deployment: Deployment) -> Any:
            resource = deployment.register(goal_of_registration(request))
            # As in Pulumi, a component's outputs come from its own program.
            outputs = resource.outputs if resource.custom else {}
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=marshal(outputs))

        self._refuse_unsupported_options(request, context)
        return self._respond(register, context)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        def set_outputs(deployment: Deployment) -> Any:
            deployment.set_outputs(request.urn, unmarshal(request.outputs))
            return empty_pb2.Empty()

        return self._respond(set_outputs, context)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def read(deployment: Deployment) -> Any:
            resource = deployment.read(goal_of_read(request), request.id)
            response = resource_pb2.ReadResourceResponse(urn=resource.urn, properties=marshal(resource.outputs))
            if _HAS_READ_ID and resource.id != UNKNOWN:
                response.id = resource.id
            return response

        if request.type == _STACK_REFERENCE:
            self._refuse(f"the StackReference {request.name!r}", context)
        self._refuse_unsupported_options(request, context)
        return self._respond(read, context)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def invoke(deployment: Deployment) -> Any:
            response = resource_pb2.ResourceInvokeResponse()
            result = deployment.invoke(request.tok, unmarshal(request.args), request.provider)
            getattr(response, "return").CopyFrom(marshal(result))
            return response

        return self._respond(invoke, context)

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(f"the method {request.tok}", context)

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._refuse("transforms of a whole stack", context)

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._refuse("transforms of invokes", context)

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(f"the hook {request.name}", context)

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(f"the hook {request.name}", context)

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(f"the package {request.name}", context)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def _respond(self, operation: Callable[[Deployment], Any], context: Any) -> Any:
        assert self.deployment is not None
        try:
            return operation(self.deployment)
        except Cancelled:
            # Pulumi's engine uses this status too when a run is over.
            context.abort(grpc.StatusCode.UNAVAILABLE, "the run was cancelled")

    def _refuse_unsupported_options(self, request: Any, context: Any) -> None:
        package = request.type.removeprefix("pulumi:providers:").split(":")[0]
        is_mocked = self.settings is not None and self.settings.has_mocks and package not in SUPPORTED_PACKAGES
        options = unsupported_options(request, is_mocked=is_mocked)
        if options:
            self._refuse(f"the option {', '.join(options)} of the resource {request.name!r}", context)

    def _refuse(self, feature: str, context: Any) -> None:
        assert self.deployment is not None
        self._display.error(
            f"the local engine does not support {feature}. It is meant for trying out and testing pulumi_truto: use "
            "the Pulumi CLI for this program"
        )
        self.deployment.cancel()
        context.abort(grpc.StatusCode.UNAVAILABLE, "not supported")
