"""Sends requests to Truto with `requests` alone, at a limited rate."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests

from pulumi_truto.urls import is_loopback

__all__ = ["SIGNALS", "Client", "Pace", "RequestFailed", "Response"]

#: The signals that end a live run: Ctrl-C, the end of a job, a closed terminal. Windows has no SIGHUP.
SIGNALS: Final = tuple(number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP"))
#: Truto allows 500 requests in 10 seconds. Others may use the same token.
_PAUSE_SECONDS: Final = 0.05
#: To connect, and to read: Truto delivers the test event before it responds to a test.
_TIMEOUT_SECONDS: Final = (10.0, 60.0)


class RequestFailed(Exception):
    """A request had no response, or one that says nothing about Truto's rules. Another run may have one."""


class Pace:
    """Limits the rate of requests, and ends a stopped run between two of them.

    A signal raises nothing by itself, so that the response to a create in flight is not lost.

    Args:
        pause_seconds: the wait before each request.
    """

    def __init__(self, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self.is_stopped = False
        self.is_cleaning_up = False
        self.pause_seconds = pause_seconds

    @contextlib.contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Within the block a signal ends the run after the request in flight."""

        def stop(_number: int, _frame: object) -> None:
            self.is_stopped = True

        # nohup has the terminal's end ignored.
        handled = [
            number for number in SIGNALS if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN
        ]
        handlers = [signal.signal(number, stop) for number in handled]
        try:
            yield
        finally:
            for number, handler in zip(handled, handlers, strict=True):
                signal.signal(number, handler)

    def sleep(self, seconds: float) -> None:
        """Waits. Raises KeyboardInterrupt once the run is stopped, unless it cleans up."""
        deadline = time.monotonic() + seconds
        while True:
            if self.is_stopped and not self.is_cleaning_up:
                raise KeyboardInterrupt
            if (remaining := deadline - time.monotonic()) <= 0:
                return
            time.sleep(min(remaining, 0.1))


@dataclass(frozen=True, repr=False)
class Response:
    """A response. Failures show its request, status and message only.

    Attributes:
        request: method and path, without an id.
        body: the JSON; None if there is none.
    """

    request: str
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """The message of an error; "" if there is none that can be read."""
        message = self.body.get("message") if isinstance(self.body, dict) else None
        parts = message if isinstance(message, list) else [message]
        return "; ".join(part for part in parts if isinstance(part, str))

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object of a success."""
        assert self.is_success, self
        assert isinstance(self.body, dict), f"{self}, without a JSON object"
        return self.body

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks in a response to a create, read, update or list."""
        return self.items("/webhook")

    def items(self, path: str) -> list[dict[str, Any]]:
        """The same for the resource with this path."""
        items: object = []
        if self.is_success and isinstance(self.body, dict):
            if self.request == f"GET {path}":
                items = self.body.get("result", self.body.get("results"))
            elif self.request in (f"POST {path}", f"GET {path}/{{id}}", f"PATCH {path}/{{id}}"):
                items = [self.body]
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def __repr__(self) -> str:
        return f"{self.request} returned {self.status}" + (f': "{self.message[:80]}"' if self.message else "")


class Client:
    """The API as one token sees it.

    Attributes:
        responses: all of them, oldest first.
    """

    def __init__(self, base_url: str, token: str, pace: Pace) -> None:
        self.base_url = base_url
        self.pace = pace
        self.responses: list[Response] = []
        self._token = token
        self._session = requests.Session()
        self._session.auth = self._authorize  # not a header, which an entry of ~/.netrc would replace
        # As in the provider: an API on this machine needs no proxy, and no response should be compressed.
        self._session.trust_env = not is_loopback(urlsplit(base_url).hostname)
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def send(self, method: str, path: str, id_: str = "", **options: Any) -> Response:
        """Sends a request, and again after a wait if the rate limit refuses it.

        Args:
            method: the HTTP method.
            path: the path, with "{id}" for an id.
            id_: the id.
            **options: ``json``, ``params`` or ``headers``, as for `requests.request`.

        Raises:
            RequestFailed: the outcome says nothing about Truto's rules.
        """
        for _ in range(5):
            response = self._send_once(f"{method} {path}", path.replace("{id}", quote(id_, safe="")), options)
            if response.status != 429:
                break
            wait = response.headers.get("Retry-After", "")
            self.pace.sleep(min(int(wait), 30) if wait.isascii() and wait.isdigit() else 10)
        # For a test a 5xx can be the response of the target.
        if response.status in (408, 425, 429) or (response.status >= 500 and not path.endswith("/test")):
            raise RequestFailed(f"{response}: run it again")
        return response

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _send_once(self, request: str, path: str, options: dict[str, Any]) -> Response:
        method, url = request.split()[0], self.base_url + path
        self.pace.sleep(self.pace.pause_seconds)
        try:
            received = self._session.request(method, url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise RequestFailed(f"{request}: no whole response ({type(error).__name__}): run it again") from None
        try:
            body = json.loads(received.text.replace(self._token, "[token]"), object_hook=_hide_secrets)
        except (ValueError, RecursionError):
            body = None
        response = Response(request, received.status_code, received.headers, body)
        self.responses.append(response)
        return response


class _Secret(str):
    """A signing secret or the URL of a Slack channel, which no failure shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secret]'"


def _hide_secrets(json_object: dict[str, Any]) -> dict[str, Any]:
    for name in ("secret", "webhook_url"):
        if isinstance(json_object.get(name), str) and json_object[name]:
            json_object[name] = _Secret(json_object[name])
    return json_object
