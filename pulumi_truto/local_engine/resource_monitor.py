"""The engine's two gRPC services for the program, `ResourceMonitor` and `Engine`. Translates, decides nothing.

The services and messages are Pulumi's own, from `pulumi.runtime.proto`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.automation import ConfigValue
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from pulumi_truto.local_engine.deployment import Cancelled, Deployment
from pulumi_truto.local_engine.display import Display
from pulumi_truto.local_engine.goal import Goal
from pulumi_truto.local_engine.urns import Alias
from pulumi_truto.property_values import UNKNOWN, marshal, unmarshal, unmarshal_value

__all__ = ["REGISTRATIONS", "MonitorServer"]

#: What this engine can do beyond the basics, and what it refuses with a message of its own, better than the SDK's
#: "please update the Pulumi CLI": by the name and by the number that programs ask with.
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
#: So many resources Pulumi's host lets a program register at once, for each operation under way
#: (sdk/python/cmd/pulumi-language-python-exec). Each call waits for its resource.
REGISTRATIONS: Final = 4
#: For everything else, as a provider's warnings.
_SPARE_THREADS: Final = 64
_OPTIONS: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]

_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
#: SDKs before 3.272 have no such field, and take the id that they asked with.
_HAS_READ_ID: Final = "id" in resource_pb2.ReadResourceResponse.DESCRIPTOR.fields_by_name
#: Options of a resource that this engine does not have. A program that uses one is told so, not misled.
_UNSUPPORTED: Final = {
    "customTimeouts": "custom_timeouts",
    "deletedWith": "deleted_with",
    "replace_with": "replace_with",
    "transforms": "transforms",
    "hooks": "hooks",
    "state_migrations": "state_migrations",
    "envVarMappings": "env_var_mappings",
    "hideDiffs": "hide_diffs",
    "remote": "remote components",
    "version": "version",
    "pluginDownloadURL": "plugin_download_url",
    "packageRef": "packages with parameters",
}


class MonitorServer:
    """Serves both services on a loopback port until it is closed."""

    def __init__(self, display: Display, parallel: int) -> None:
        threads = futures.ThreadPoolExecutor(REGISTRATIONS * parallel + _SPARE_THREADS)
        self._server = grpc.server(threads, options=_OPTIONS)
        self._monitor = _Monitor(display)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self._monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(_Engine(display), self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    @property
    def drained(self) -> threading.Event:
        """Set when the program has said that it asks for nothing more."""
        return self._monitor.drained

    def serve(self, deployment: Deployment, info: Mapping[str, Any]) -> None:
        """Hands what the program asks for to the deployment from now on."""
        self._monitor.deployment = deployment
        self._monitor.info = info

    def close(self) -> None:
        """Stops at once: whoever still waits for an answer gets an error."""
        self._server.stop(0).wait(5)


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, display: Display) -> None:
        self._display = display
        self.deployment: Deployment | None = None
        self.info: Mapping[str, Any] = {}
        self.drained = threading.Event()

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        config: Mapping[str, ConfigValue] = self.info["config"]
        return resource_pb2.DeploymentInfo(
            project=self.info["project"],
            stack=self.info["stack"],
            organization="organization",
            config={key: each.value for key, each in config.items()},
            configSecretKeys=[key for key, each in config.items() if each.secret],
            dryRun=self.info["dry_run"],
            parallel=self.info["parallel"],
            supportedFeatures=[*_FEATURES.values()],  # type: ignore[list-item]
        )

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def run(deployment: Deployment) -> Any:
            resource = deployment.register(_goal(request))
            # As Pulumi's engine: the outputs of a component are for its own program to say.
            outputs = resource.outputs if resource.custom else {}
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=resource.id, object=marshal(outputs))

        self._refuse_unsupported(request, context)
        return self._answer(run, context)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        def run(deployment: Deployment) -> Any:
            deployment.set_outputs(request.urn, unmarshal(request.outputs))
            return empty_pb2.Empty()

        return self._answer(run, context)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def run(deployment: Deployment) -> Any:
            goal = Goal(
                type=request.type,
                name=request.name,
                custom=True,
                inputs=unmarshal(request.properties),
                parent=request.parent,
                provider=request.provider,
                dependencies=list(request.dependencies),
                additional_secret_outputs=list(request.additionalSecretOutputs),
            )
            resource = deployment.read(goal, request.id)
            response = resource_pb2.ReadResourceResponse(urn=resource.urn, properties=marshal(resource.outputs))
            if _HAS_READ_ID and resource.id != UNKNOWN:
                response.id = resource.id
            return response

        if request.type == _STACK_REFERENCE:
            self._refuse(f"the StackReference {request.name!r}", context)
        self._refuse_unsupported(request, context)
        return self._answer(run, context)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def run(deployment: Deployment) -> Any:
            response = resource_pb2.ResourceInvokeResponse()
            found = deployment.invoke(request.tok, unmarshal(request.args), request.provider)
            getattr(response, "return").CopyFrom(marshal(found))
            return response

        return self._answer(run, context)

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
        self.drained.set()
        return empty_pb2.Empty()

    def _answer(self, run: Callable[[Deployment], Any], context: Any) -> Any:
        assert self.deployment is not None
        try:
            return run(self.deployment)
        except Cancelled:
            # The status with which Pulumi's own engine tells a program that the run is over.
            context.abort(grpc.StatusCode.UNAVAILABLE, "the run was stopped")

    def _refuse_unsupported(self, request: Any, context: Any) -> None:
        used = {_UNSUPPORTED[field.name] for field, value in request.ListFields() if _is_used(field, value)}
        used |= {f"a path in ignore_changes: {each}" for each in _paths(request, "ignoreChanges")}
        used |= {f"a path in replace_on_changes: {each}" for each in _paths(request, "replaceOnChanges") if each != "*"}
        if used:
            self._refuse(f"the option {', '.join(sorted(used))} of the resource {request.name!r}", context)

    def _refuse(self, what: str, context: Any) -> None:
        assert self.deployment is not None
        self._display.error(
            f"the local engine does not support {what}. It is made for trying and testing pulumi_truto: use the "
            "Pulumi CLI for this program"
        )
        self.deployment.stop()
        context.abort(grpc.StatusCode.UNAVAILABLE, "not supported")


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self, display: Display) -> None:
        self._display = display
        self._root = ""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.severity == engine_pb2.ERROR:
            # How a program takes it when a run is stopped; what stopped the run has been shown already.
            if not request.message.startswith("Resource monitor has terminated"):
                self._display.logged_error(request.message)
        elif request.severity == engine_pb2.WARNING:
            self._display.warning(request.message)
        elif request.severity == engine_pb2.INFO and not request.ephemeral:
            self._display.info(request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._display.warning(
            f"the program requires a Pulumi CLI {request.pulumi_version_range}, which the local engine does not check"
        )
        return engine_pb2.RequirePulumiVersionResponse()


def _paths(request: Any, field: str) -> list[str]:
    """What goes deeper than a property's name."""
    return [each for each in getattr(request, field, []) if not each.isidentifier()]


def _is_used(field: Any, value: Any) -> bool:
    """Whether a field asks for something unsupported; programs send some of these messages empty."""
    return field.name in _UNSUPPORTED and not (hasattr(value, "ByteSize") and value.ByteSize() == 0)


def _alias(message: Any) -> Alias:
    if message.WhichOneof("alias") == "urn":
        return Alias(urn=message.urn)
    spec = message.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


def _goal(request: Any) -> Goal:
    trigger = unmarshal_value(request.replacement_trigger) if request.HasField("replacement_trigger") else None
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=unmarshal(request.object),
        parent=request.parent,
        provider=request.provider,
        providers=dict(request.providers),
        dependencies=list(request.dependencies),
        property_dependencies={name: list(each.urns) for name, each in request.propertyDependencies.items()},
        aliases=[*(Alias(urn=each) for each in request.aliasURNs), *(_alias(each) for each in request.aliases)],
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        replacement_trigger=trigger,
        import_id=request.importId,
    )
