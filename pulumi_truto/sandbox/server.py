"""Runs a sandbox in a background thread; it must not decide anything about the API itself."""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.admin_api import AdminApi
from pulumi_truto.sandbox.api import MAX_BODY_BYTES, Api, Call, CallLog
from pulumi_truto.sandbox.backend import TrutoBackend
from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.sandbox.deliveries import Delivery, DeliveryWorker
from pulumi_truto.sandbox.faults import Fault, FaultPlan
from pulumi_truto.sandbox.holds import Hold
from pulumi_truto.sandbox.models import Environment

# How long stop() waits for answers that are being written, a silent "timeout" fault among them.
_SHUTDOWN_SECONDS = 0.1
_CONNECTABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what to connect to, not to listen on


class Sandbox:
    """A Truto on this machine, with one environment to begin with.

    Use it as a context manager, or call `start` and `stop`. What it holds outlives `stop`: after another
    `start` it goes on with the same webhooks on the same port.

    Args:
        host: the address to listen on.
        port: 0 takes a free one.
        token: the API token of the default environment; by default a random one.
        clock: the time to go by; by default the present.
        **settings: fields of `pulumi_truto.sandbox.settings.Settings`; a wrong name or value is a ValueError.

    Attributes:
        truto: the state, to look at and to change directly.
        faults: what is to go wrong; see also `inject`.
        environment_id: the default environment's id.
        token: the default environment's token.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        self.backend = TrutoBackend(clock=clock, **settings)
        self.faults = FaultPlan()
        environment = self.backend.add_environment("default", token)
        self.environment_id = environment.id
        self.token = environment.token
        self._host = host
        self._port = port
        self._log = CallLog()
        self._worker = DeliveryWorker(self.backend)
        self._holds: list[Hold] = []
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] | None = None

    def start(self) -> Sandbox:
        """Listens, and returns when requests are answered.

        Raises:
            OSError: the address cannot be listened on, for one because another program does.
            RuntimeError: it is running.
        """
        if self._thread is not None:
            raise RuntimeError("the sandbox is already running")
        listener = self._listen()
        ready: concurrent.futures.Future[Callable[[], None]] = concurrent.futures.Future()
        thread = threading.Thread(target=self._run_thread, args=(listener, ready), name="truto-sandbox", daemon=True)
        thread.start()
        self._stop = ready.result()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Ends all connections and returns when nothing of the sandbox runs; harmless when stopped."""
        if self._thread is None or self._stop is None:
            return
        self._stop()
        self._thread.join()
        self._thread = self._stop = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where it is reached, without a slash at the end; a RuntimeError before the first `start`."""
        if not self._port:
            raise RuntimeError("the sandbox has no address before it is started")
        host = _CONNECTABLE.get(self._host, self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """The requests to the API so far, oldest first; those for control are not among them."""
        return self._log.calls

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted, those for control included; `reset_calls` leaves it."""
        return self._log.connections

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries so far, oldest first."""
        return self._worker.deliveries

    def add_environment(self, name: str) -> Environment:
        """Makes another environment, with a token of its own."""
        return self.backend.add_environment(name)

    def inject(self, kind: str, operation: str = "any", **fields: Any) -> None:
        """Plans a `pulumi_truto.sandbox.faults.Fault`; anything unknown or out of range is a ValueError."""
        self.faults.add(Fault.from_json({"kind": kind, "operation": operation, **fields}))

    def hold(self, operation: str = "any", *, skip: int = 0) -> Hold:
        """Holds back the requests for an operation, after the first `skip`, until `Hold.release`."""
        hold = Hold(operation, skip=skip)
        self._holds.append(hold)
        return hold

    def count(self, operation: str | None = None) -> int:
        """How many calls there were, of one operation or of all."""
        return sum(operation in (None, call.operation) for call in self._log.calls)

    def reset_calls(self) -> None:
        """Forgets the calls."""
        self._log.reset()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family)
        except OSError as error:
            message = f"the sandbox cannot listen on {self._host} port {self._port}: {error.strerror or error}"
            raise OSError(error.errno, message) from error
        self._port = listener.getsockname()[1]
        return listener

    def _run_thread(self, listener: socket.socket, ready: concurrent.futures.Future[Callable[[], None]]) -> None:
        try:
            asyncio.run(self._run(listener, ready))
        except Exception as error:
            if ready.done():
                raise
            listener.close()
            ready.set_exception(error)  # for start(), which waits for it

    async def _run(self, listener: socket.socket, ready: concurrent.futures.Future[Callable[[], None]]) -> None:
        """The life of the background thread."""
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        runner = web.AppRunner(self._app(), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        await self._worker.start()
        protocol = runner.server
        assert protocol is not None

        def accepted() -> asyncio.BaseProtocol:
            self._log.add_connection()
            return protocol()

        server = await loop.create_server(accepted, sock=listener)

        def stop() -> None:
            loop.call_soon_threadsafe(stopped.set)

        ready.set_result(stop)
        await stopped.wait()
        server.close()
        await runner.cleanup()
        await self._worker.close()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        AdminApi(self.backend, self.faults, self._worker, self._log).add_to(app)
        api = Api(self.backend, self.faults, self._worker, self._log, self._holds)
        app.router.add_route("*", "/{path:.*}", api.handle)
        app.on_response_prepare.append(self._set_date)
        return app

    async def _set_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        # A client that measures against the server's clock must see the sandbox's, not the machine's.
        skew = timedelta(seconds=self.backend.settings.date_skew_seconds)
        response.headers["Date"] = format_datetime(self.backend.clock.now() + skew, usegmt=True)
