"""Decorators that turn exceptions into gRPC errors of one line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from pulumi_truto.errors import TrutoError

__all__ = ["InitFailed", "single_line_errors", "single_line_stream_errors"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


class InitFailed(Exception):
    """An operation failed, but the engine gets the state of the resource (``ErrorResourceInitFailed``)."""

    def __init__(self, message: str, details: provider_pb2.ErrorResourceInitFailed) -> None:
        super().__init__(message)
        self.details = details

    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The details where Pulumi's engine looks for them: in the status of the call."""
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(self.details)
        return (("grpc-status-details-bin", status.SerializeToString()),)


def single_line_errors(method: _Method) -> _Method:
    """An expected error becomes its message. Any other one names its type, without a traceback."""

    @functools.wraps(method)
    def wrapper(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except TrutoError as error:
            message = str(error)
        except InitFailed as error:
            message = str(error)
            context.set_trailing_metadata(error.metadata())
        except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one line
            message = f"pulumi_truto failed unexpectedly, please report it: {type(error).__name__}: {error}"
        context.abort(grpc.StatusCode.UNKNOWN, message)

    return wrapper  # type: ignore[return-value]  # its type is that of the method


def single_line_stream_errors(method: _Method) -> _Method:
    """`single_line_errors` for a call whose response is a stream, which is collected first."""

    def collect(self: Any, request: Any, context: Any) -> Any:
        return list(method(self, request, context))

    collected: Any = single_line_errors(collect)

    @functools.wraps(method)
    def wrapper(self: Any, request: Any, context: Any) -> Any:
        yield from collected(self, request, context)

    return wrapper  # type: ignore[return-value]  # its type is that of the method
