"""Sends one request, retries it until its deadline, and returns the parsed response or raises a `TrutoError`.

=========================================  ===================  =======================
failure                                    create               every other call
=========================================  ===================  =======================
no connection, 429                         retried              retried
connection lost, no response in time       retried (5 attempts)  retried
408, 425, 499, 5xx                         retried (5 attempts)  retried
409, a response that cannot be used        retried (5 attempts)  not retried
every other status, untrusted certificate  not retried          not retried
=========================================  ===================  =======================

After each of those five attempts Truto may have an item more. Their waits are so long that they outlast an outage of
60 seconds. A test of a webhook and the delivery log are not retried where the outcome is unknown.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from pulumi_truto.api.adapter import Adapter
from pulumi_truto.api.deadline import OPERATION_SECONDS, Deadline, current_deadline
from pulumi_truto.api.error_messages import ErrorMessages
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.config import Settings
from pulumi_truto.errors import RateLimitedError, TrutoError
from pulumi_truto.version import __version__

__all__ = ["Request", "RequestPolicy", "Transport"]

_Result = TypeVar("_Result")

#: The waits of a create after attempts with an unknown outcome, in multiples of the first one: 0.5, 3, 15 and 45 s.
_CREATE_WAITS: Final = (1, 6, 30, 90)
#: A longer ``Retry-After`` is only believed after a 429.
_MAX_RETRY_AFTER_SECONDS: Final = 30.0
#: A shorter attempt would only time out, and hide why the attempt before it failed.
_SHORTEST_ATTEMPT_SECONDS: Final = 0.5
#: A timeout of 0 would make a socket non-blocking.
_SHORTEST_TIMEOUT_SECONDS: Final = 0.001


@dataclass(frozen=True)
class RequestPolicy:
    """The limits of time, attempts and sizes.

    Attributes:
        connect_seconds: for a connection to one address of the host.
        read_seconds: from the request to the last byte of its response.
        create_seconds: the same for a create: giving up early only makes its outcome unknown.
        total_seconds: for a call outside of an operation, with all its attempts and waits.
        max_creates: the maximum number of attempts of a create with an unknown outcome.
        backoff_seconds: the first wait. It doubles with each retry, up to twenty times its length.
        max_body_bytes: the maximum size of a response.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    create_seconds: float = 60.0
    total_seconds: float = OPERATION_SECONDS
    max_creates: int = 5
    backoff_seconds: float = 0.5
    max_body_bytes: int = 8 * 1024 * 1024

    def wait_seconds(self, retry: int) -> float:
        """The wait before a retry, without jitter; the first retry is 1."""
        return self.backoff_seconds * min(20.0, 2.0 ** min(retry - 1, 30))

    def create_wait_seconds(self, unknown_outcomes: int) -> float:
        """The wait of a create after that many attempts with an unknown outcome."""
        return self.backoff_seconds * _CREATE_WAITS[min(unknown_outcomes, len(_CREATE_WAITS)) - 1]


@dataclass(frozen=True)
class Request:
    """One request, with all its attempts.

    Attributes:
        attempted: the action, for messages, as in "read webhook X".
        method: the HTTP method.
        path: the path below the base URL.
        is_repeatable: whether it is retried after an attempt with an unknown outcome.
        is_create: whether it creates an item.
        options: arguments of `requests.Session.request`.
        unknown_outcomes: receives the error of each attempt that Truto may have processed.
    """

    attempted: str
    method: str
    path: str
    is_repeatable: bool = True
    is_create: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    unknown_outcomes: list[TrutoError] = field(default_factory=list)


class Transport:
    """The HTTP side of a client. Thread-safe.

    Args:
        settings: the token and the base URL.
        policy: the limits of time, attempts and sizes.
        redactor: keeps secrets out of errors.
        cancelled: once set, no new attempt starts.
    """

    def __init__(
        self, settings: Settings, policy: RequestPolicy, redactor: Redactor, cancelled: threading.Event
    ) -> None:
        self.policy = policy
        self.cancelled = cancelled
        self.errors = ErrorMessages(settings, redactor)
        self._base_url = settings.base_url
        self._session = requests.Session()
        # An auth object and no plain header: requests would let an entry of ~/.netrc override the header.
        self._session.auth = _Bearer(settings.api_token)
        self._session.headers.update(
            {
                "Accept": "application/json",
                # A response that is not compressed cannot exceed the size limit by being unpacked.
                "Accept-Encoding": "identity",
                "User-Agent": f"pulumi-truto/{__version__}",
            }
        )
        # Ignore proxy variables when the API is on loopback.
        self._session.trust_env = not settings.is_loopback
        adapter = Adapter()
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(self, request: Request, parse: Callable[[int, bytes], _Result]) -> _Result:
        """Sends a request, retries it by the table above, and returns its parsed response.

        Args:
            request: the request.
            parse: turns a 2xx status and its body into the result. Raises `InvalidResponseError` if it cannot.
        """
        deadline, started = current_deadline(self.policy.total_seconds), time.monotonic()
        attempts = 0
        while not self.cancelled.is_set():
            if deadline.remaining_seconds < _SHORTEST_TIMEOUT_SECONDS:
                raise deadline.no_time_left(request.attempted)
            attempts += 1
            try:
                return self._attempt(request, parse, deadline, started)
            except TrutoError as error:
                failure = error
            if failure.may_have_succeeded:
                request.unknown_outcomes.append(failure)
            wait_seconds = self._wait_seconds(request, failure, attempts)
            is_over = wait_seconds is None or wait_seconds > deadline.remaining_seconds - _SHORTEST_ATTEMPT_SECONDS
            if is_over or self.cancelled.wait(wait_seconds):
                # An earlier attempt may have succeeded too.
                failure.may_have_succeeded = bool(request.unknown_outcomes)
                raise failure from None
        raise self.errors.cancelled(request.attempted)

    def _attempt(
        self, request: Request, parse: Callable[[int, bytes], _Result], deadline: Deadline, started: float
    ) -> _Result:
        policy = self.policy
        read_seconds = policy.create_seconds if request.is_create else policy.read_seconds
        remaining_seconds = max(deadline.remaining_seconds, _SHORTEST_TIMEOUT_SECONDS)
        read_seconds = min(read_seconds, remaining_seconds)
        end = time.monotonic() + read_seconds
        try:
            response = self._session.request(
                request.method,
                self._base_url + request.path,
                timeout=(min(policy.connect_seconds, remaining_seconds), read_seconds),
                allow_redirects=False,
                stream=True,
                **request.options,
            )
            with response:
                body = self._read(response, end)
        except _UnusableBodyError as error:
            raise self.errors.invalid_response(request.attempted, str(error)) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            duration = f"gave up after {time.monotonic() - started:.1f} s{deadline.describe()}"
            raise self.errors.transport(request, error, duration, has_proxy=self._has_proxy) from None
        if 200 <= response.status_code < 300:
            return parse(response.status_code, body)
        duration = f"gave up after {time.monotonic() - started:.1f} s{deadline.describe()}"
        failure = self.errors.status(request, response, body, duration)
        failure.retry_after_seconds = _retry_after_seconds(response)
        raise failure

    def _read(self, response: requests.Response, end: float) -> bytes:
        """The body, which a slow server could otherwise send for ever: a socket's timeout restarts with every byte."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _UnusableBodyError("the response is compressed, which was not requested")
        body = bytearray()
        while chunk := response.raw.read1(1 << 16):
            body += chunk
            if len(body) > self.policy.max_body_bytes:
                raise _UnusableBodyError(f"the response is larger than {self.policy.max_body_bytes:,} bytes")
            if time.monotonic() > end:
                raise TimeoutError("no whole response in time")
        return bytes(body)

    def _wait_seconds(self, request: Request, failure: TrutoError, attempts: int) -> float | None:
        """The wait before the next attempt; ``None`` if there is none."""
        unknown_outcomes = len(request.unknown_outcomes)
        if request.is_create and failure.may_have_succeeded:
            if unknown_outcomes >= self.policy.max_creates:
                return None
            wait_seconds = self.policy.create_wait_seconds(unknown_outcomes)
        elif failure.is_transient and (request.is_repeatable or not failure.may_have_succeeded):
            wait_seconds = self.policy.wait_seconds(attempts)
        else:
            return None
        requested = failure.retry_after_seconds or 0.0
        if not isinstance(failure, RateLimitedError):
            requested = min(requested, _MAX_RETRY_AFTER_SECONDS)
        # A Retry-After of 0, or of a time in the past, must not cause a storm of requests.
        return max(requested, wait_seconds * (1.0 + random.random() / 4))  # noqa: S311

    @property
    def _has_proxy(self) -> bool:
        return bool(self._session.trust_env and requests.utils.get_environ_proxies(self._base_url))


class _UnusableBodyError(Exception):
    """The body of a response is not used; the message says why."""


class _Bearer(AuthBase):
    """Adds the token to each request, and shows it nowhere else."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "_Bearer()"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _retry_after_seconds(response: requests.Response) -> float | None:
    """The wait that a response asks for; a header that makes no sense counts as missing.

    After a 429 that is until the window of the rate limit ends: Truto's ``Retry-After`` is always a whole window.
    """
    retry_after, reset = response.headers.get("Retry-After", "").strip(), response.headers.get("ratelimit-reset", "")
    if retry_after.isascii() and retry_after.isdigit():
        seconds = float(retry_after[:9])
    else:
        try:
            moment = parsedate_to_datetime(retry_after)
            seconds = (moment.astimezone(timezone.utc) - datetime.now(timezone.utc)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    if response.status_code == 429 and reset.isascii() and reset.isdigit():
        return min(seconds, float(reset[:9]))
    return seconds
