"""Runs a sandbox as an HTTP server in a background thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from pulumi_truto.sandbox.admin_api import AdminApi
from pulumi_truto.sandbox.backend import Environment, TrutoBackend
from pulumi_truto.sandbox.call_log import Call, Record
from pulumi_truto.sandbox.clock import Clock
from pulumi_truto.sandbox.deliveries import Delivery, DeliveryWorker, Notification
from pulumi_truto.sandbox.faults import Fault, FaultPlan
from pulumi_truto.sandbox.holds import Hold
from pulumi_truto.sandbox.routes import OPERATIONS
from pulumi_truto.sandbox.truto_api import MAX_BODY_BYTES, TrutoApi
from pulumi_truto.sandbox.validation import check_choice
from pulumi_truto.sandbox.webhooks import Webhook

__all__ = ["Sandbox"]

# How long stop() waits for responses in flight, such as that of a "timeout" fault.
_SHUTDOWN_SECONDS = 0.1
# A client cannot connect to the wildcard address that a server listens on.
_CONNECTABLE_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # a key, not an address to listen on


class Sandbox:
    """A Truto API on this machine, with one environment.

    Use it as a context manager, or call `start` and `stop`. Its data outlives `stop`: after another `start` it
    serves the same webhooks on the same port.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one.
        token: the API token of the default environment; by default a random one.
        clock: the clock for all timestamps; by default the current time.
        new_id: returns each new id and secret; see `pulumi_truto.sandbox.backend.TrutoBackend`.
        **settings: fields of `pulumi_truto.sandbox.settings.SandboxSettings`.

    Attributes:
        backend (TrutoBackend): the state, which a test can inspect and change directly.
        faults (FaultPlan): the planned faults; see also `inject`.
        connections (int): the number of TCP connections that were ever accepted, including those to the admin API.
        environment_id (str): the default environment's id.
        token (str): the default environment's token.

    Raises:
        ValueError: a setting is unknown or invalid, or the token has invalid characters.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] | None = None,
        **settings: Any,
    ) -> None:
        self.backend = TrutoBackend(clock=clock, new_id=new_id, **settings)
        self.faults = FaultPlan()
        environment = self.backend.add_environment("default", token)
        self.environment_id = environment.id
        self.token = environment.token
        self._host = host
        self._port = port
        self._calls: Record[Call] = Record()
        self._worker = DeliveryWorker(self.backend, self.faults)
        self._holds: list[Hold] = []
        self.connections = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] = lambda: None

    def start(self) -> Sandbox:
        """Starts listening, and returns when the sandbox serves requests.

        Raises:
            OSError: the sandbox cannot listen on the address, for example because another program does.
            RuntimeError: the sandbox is already running.
        """
        if self._loop is not None:
            raise RuntimeError("the sandbox is already running")
        listener = self._listen()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="truto-sandbox", daemon=True)
        thread.start()
        close = asyncio.run_coroutine_threadsafe(self._open(listener), loop).result()

        def stop() -> None:
            asyncio.run_coroutine_threadsafe(close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

        self._loop, self._stop = loop, stop
        return self

    def stop(self) -> None:
        """Closes all connections, and returns when the background thread has ended. Does nothing if stopped."""
        if self._loop is not None:
            self._stop()
            self._loop = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The base URL, without a trailing slash.

        Raises:
            RuntimeError: the sandbox was never started.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no address before it is started")
        host = _CONNECTABLE_HOSTS.get(self._host, self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """The requests to the API, oldest first. Requests to the admin API are not recorded."""
        return self._calls.entries()

    @property
    def deliveries(self) -> list[Delivery]:
        """The completed deliveries, oldest first."""
        return self._worker.deliveries.entries()

    @property
    def notifications(self) -> list[Notification]:
        """The notifications of destinations, oldest first."""
        return self._worker.notifications.entries()

    def webhooks(self) -> list[Webhook]:
        """Returns copies of all webhooks of all environments, oldest first."""
        return self.backend.webhooks()

    def publish(self, event_type: str, payload: Any = None, environment_id: str | None = None) -> list[Delivery]:
        """Delivers an event to the subscribed webhooks of an environment, by default of the default one.

        Returns:
            The deliveries, after the last attempt of each.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        if self._loop is None:
            raise RuntimeError("the sandbox is not running")
        publishing = self._worker.publish(environment_id or self.environment_id, event_type, payload or {}, {})
        return asyncio.run_coroutine_threadsafe(publishing, self._loop).result()

    def add_environment(self, name: str) -> Environment:
        """Adds another environment, with its own token."""
        return self.backend.add_environment(name)

    def inject(self, kind: str, operation: str = "any", **fields: Any) -> None:
        """Plans a `pulumi_truto.sandbox.faults.Fault` with these fields.

        Raises:
            ValueError: a field is unknown or its value is invalid.
        """
        self.faults.add(Fault.from_json({"kind": kind, "operation": operation, **fields}))

    def hold(self, operation: str = "any", *, skip: int = 0) -> Hold:
        """Holds the requests for an operation, after the first `skip`, until `Hold.release`."""
        hold = Hold(operation, skip=skip)
        self._holds.append(hold)
        return hold

    def count(self, operation: str | None = None) -> int:
        """Returns the number of calls, of one operation or of all.

        Raises:
            ValueError: there is no such operation.
        """
        if operation:
            check_choice("operation", OPERATIONS, operation)
        return sum(operation in (None, call.operation) for call in self.calls)

    def reset_calls(self) -> None:
        """Removes all calls from the record."""
        self._calls.clear()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family)
        except OSError as error:
            message = f"the sandbox cannot listen on {self._host} port {self._port}: {error.strerror or error}"
            raise OSError(error.errno, message) from error
        self._port = listener.getsockname()[1]
        return listener

    async def _open(self, listener: socket.socket) -> Callable[[], Coroutine[Any, Any, None]]:
        """Starts serving, and returns a function that ends it."""
        loop = asyncio.get_running_loop()
        app = self._create_app()
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        protocol_factory = runner.server
        assert protocol_factory is not None

        def accept_connection() -> asyncio.BaseProtocol:
            self.connections += 1
            return protocol_factory()

        server = await loop.create_server(accept_connection, sock=listener)

        async def close() -> None:
            # A connection that was just accepted is lost if the server closes before the runner knows it.
            with contextlib.suppress(NotImplementedError):  # an event loop without readers, on Windows
                loop.remove_reader(listener)
            for _ in range(5):
                await asyncio.sleep(0)
            server.close()
            transports = [connection.transport for connection in protocol_factory.connections if connection.transport]
            await runner.cleanup()
            for transport in transports:
                transport.abort()  # one with data that its client does not read would stay open
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        return close

    def _create_app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        AdminApi(self, self._worker).add_routes(app)
        api = TrutoApi(self.backend, self.faults, self._worker, self._calls, self._holds)
        app.router.add_route("*", "/{path:.*}", api.handle)
        app.on_response_prepare.append(self._set_date_header)
        return app

    async def _set_date_header(self, _request: web.Request, response: web.StreamResponse) -> None:
        # The sandbox's clock, like the timestamps of webhooks, and not the machine's.
        response.headers["Date"] = format_datetime(self.backend.clock.now(), usegmt=True)
