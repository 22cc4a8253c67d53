"""The plugin's process: prints its port, as Pulumi expects, and serves until it is stopped."""

from __future__ import annotations

import os
import signal
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_truto.api.deadline import OPERATION_SECONDS
from pulumi_truto.plugin.provider import TrutoProvider

__all__ = ["serve"]

#: The maximum number of calls at once. More than any engine's parallelism, so that a cancel always gets a response.
_THREADS = 4096
#: How long a stopped plugin waits for requests in flight: their outcome must get into the state.
_GRACE_SECONDS = OPERATION_SECONDS + 10


def serve() -> None:
    """Serves the provider on a loopback port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(_THREADS), options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)]
    )
    provider = TrutoProvider()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    print(port, flush=True)
    # Not one long wait: a signal that the system delivers to another thread does not wake this one.
    while not stopped.wait(timeout=0.5):
        pass
    provider.cancel()
    server.stop(_GRACE_SECONDS).wait()
    os._exit(0)  # not sys.exit, which waits for threads: nobody receives an outcome that is not known by now
