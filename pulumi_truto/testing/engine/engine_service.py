"""Pulumi's gRPC service `Engine`, which programs and providers use for log messages."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_truto.testing.engine.display import Display

__all__ = ["EngineService"]

#: The start of the message that the SDK logs when a run is cancelled. The display has already shown the reason.
_CANCELLED_MESSAGE: Final = "Resource monitor has terminated"


class EngineService(engine_pb2_grpc.EngineServicer):
    """Shows log messages, and keeps the URN of the stack for the program."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._root_urn = ""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.severity == engine_pb2.ERROR:
            if not request.message.startswith(_CANCELLED_MESSAGE):
                self._display.logged_error(request.message)
        elif request.severity == engine_pb2.WARNING:
            self._display.warning(request.message)
        elif request.severity == engine_pb2.INFO and not request.ephemeral:
            self._display.info(request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return engine_pb2.GetRootResourceResponse(urn=self._root_urn)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._root_urn = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._display.warning(
            f"the program requires the Pulumi CLI {request.pulumi_version_range}; the local engine does not check this"
        )
        return engine_pb2.RequirePulumiVersionResponse()
