"""Sends requests to Truto with `requests` alone, and records what comes back."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from pulumi_truto.urls import is_loopback
from tests.contract.control import Control
from tests.contract.fact import RequestFailed
from tests.contract.journal import Exchange, Journal

__all__ = ["Api"]

_CONNECT_SECONDS: Final = 10.0
#: For a whole response. Before Truto responds to a test it has to deliver the test event.
_READ_SECONDS: Final = 30.0
_TEST_SECONDS: Final = 60.0
_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
_MAX_MESSAGE_LENGTH: Final = 80
_MAX_RATE_LIMIT_WAITS: Final = 5
_MAX_WAIT_SECONDS: Final = 30


class Api:
    """The API as one token sees it.

    Args:
        base_url: without a trailing slash.
        token: the API token.
        journal: records the exchanges.
        control: decides when a request may be sent.
        is_own: whether this is the token that is verified.
    """

    def __init__(self, base_url: str, token: str, journal: Journal, control: Control, *, is_own: bool = True) -> None:
        self._base_url = base_url
        self._journal = journal
        self._control = control
        self._is_own = is_own
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        # As the client does: no proxy is used for an API on this machine, and no response should be compressed.
        self._session.trust_env = not is_loopback(urlsplit(base_url).hostname)
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "pulumi-truto-contract",
            }
        )

    def send(self, method: str, path: str, **options: Any) -> Exchange:
        """Sends a request, and again after a wait if the rate limit refuses it.

        Args:
            method: the HTTP method.
            path: the path below the base URL.
            **options: ``json``, ``params`` or ``headers``, as for `requests.request`.

        Raises:
            RequestFailed: there is no whole response, or the rate limit refuses it for too long.
            Stopped: the run was interrupted.
        """
        for _ in range(_MAX_RATE_LIMIT_WAITS):
            exchange = self._send_once(method, path, options)
            if exchange.status != 429:
                return exchange
            wait = exchange.headers.get("Retry-After", "")
            self._control.sleep(min(int(wait), _MAX_WAIT_SECONDS) if wait.isascii() and wait.isdigit() else 10)
        raise RequestFailed(f"{exchange}, in spite of {_MAX_RATE_LIMIT_WAITS} waits")

    def _send_once(self, method: str, path: str, options: dict[str, Any]) -> Exchange:
        operation, request, webhook_id = _describe(method, path)
        self._control.before_request()
        # Until its response shows what it made.
        self._journal.unresolved_creates += operation == "create"
        sent_on, sent_at = datetime.now(timezone.utc), time.monotonic()
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                timeout=(_CONNECT_SECONDS, _TEST_SECONDS if operation == "test" else _READ_SECONDS),
                allow_redirects=False,
                stream=True,
                **options,
            )
            responded_at = time.monotonic()
            body = _read(response, responded_at + _READ_SECONDS)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise RequestFailed(f"{request}: no whole response ({type(error).__name__})") from None
        finally:
            self._control.after_request()
        exchange = Exchange(
            operation=operation,
            request=request,
            webhook_id=webhook_id,
            status=response.status_code,
            headers=response.headers,
            body=body,
            message=self._journal.shorten(_message(body), _MAX_MESSAGE_LENGTH),
            sent_at=sent_at,
            responded_at=responded_at,
            sent_on=sent_on,
            is_own=self._is_own,
        )
        self._journal.add(exchange, self)
        return exchange


def _describe(method: str, path: str) -> tuple[str, str, str]:
    """The operation, the request without the id, and the id."""
    known = {"POST /webhook": "create", "GET /webhook": "list", "POST /webhook/test": "test", "GET /log": "log"}
    request = f"{method} {path}"
    if request in known:
        return known[request], request, ""
    match = re.fullmatch(r"/webhook/([^/]+)", path)
    assert match, f"no request of the suite: {request}"
    return {"GET": "read", "PATCH": "update", "DELETE": "delete"}[method], f"{method} /webhook/{{id}}", match[1]


def _message(body: Any) -> str:
    message = body.get("message") if isinstance(body, dict) else None
    if isinstance(message, list):
        return "; ".join(map(str, message))
    return message if isinstance(message, str) else ""


def _read(response: requests.Response, deadline: float) -> Any:
    """The JSON of a response, None if there is none. A timeout of requests would restart with every byte."""
    body = b""
    with response:
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > _MAX_BODY_BYTES or time.monotonic() > deadline:
                raise OSError("too large or too slow")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


class _Bearer(AuthBase):
    """Adds the token to each request, and shows it nowhere else."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
