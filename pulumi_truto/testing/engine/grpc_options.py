"""The gRPC options of every server and channel of the local engine."""

from __future__ import annotations

from typing import Final

__all__ = ["GRPC_OPTIONS"]

#: Pulumi's own limit for a message.
GRPC_OPTIONS: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
