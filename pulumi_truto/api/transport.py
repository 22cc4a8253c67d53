"""Sends one request, with retries within its deadline, and returns a successful response or raises a `TrutoError`."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any, TypeVar

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, LocationValueError

from pulumi_truto.api.connection import Adapter
from pulumi_truto.api.custom_timeout import current_timeout
from pulumi_truto.api.error_messages import ErrorMessages
from pulumi_truto.api.models import Response
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.api.retry import Call, RequestPolicy, call_deadline
from pulumi_truto.config import Settings
from pulumi_truto.errors import InvalidResponseError, TrutoError
from pulumi_truto.version import __version__

__all__ = ["Transport"]

_Model = TypeVar("_Model", bound=Response)


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
        self._is_follow_up = False
        self.errors = ErrorMessages(settings, redactor)
        self._redactor = redactor
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
        adapter = Adapter(policy)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def uncancelled(self) -> Transport:
        """The same transport for a read that is needed even after a cancel, or when the custom timeout is over.

        Such a read may take as long as the custom timeout once more.
        """
        other = copy.copy(self)
        other.cancelled = threading.Event()
        other._is_follow_up = True
        return other

    def deadline(self) -> float:
        """The deadline of a call that starts now, in seconds of `time.monotonic`."""
        deadline = time.monotonic() + self.policy.call_seconds
        return deadline if self._is_follow_up else min(deadline, current_timeout().deadline)

    def send(
        self,
        attempted: str,
        method: str,
        path: str,
        *,
        deadline: float | None = None,
        may_retry: bool = True,
        **kwargs: Any,
    ) -> tuple[requests.Response, Call]:
        """Sends a request, retries it as `pulumi_truto.api.retry` says, and returns a response with a 2xx status.

        Args:
            attempted: what this is, for messages, as in "read webhook X".
            method: the HTTP method.
            path: the path below the base URL.
            deadline: when it has to end, in seconds of `time.monotonic`.
            may_retry: whether a failed attempt is retried at all.
            **kwargs: arguments of `requests.Session.request`.
        """
        started = time.monotonic()
        deadline = deadline or self.deadline()
        with call_deadline(self.policy, deadline, self.cancelled, may_retry=may_retry) as call:
            try:
                response = self._request(method, path, kwargs)
            except (InvalidResponseError, requests.RequestException, HTTPError, OSError, ValueError) as error:
                failure = self._failure(attempted, error, time.monotonic() - started, call)
            else:
                if 200 <= response.status_code < 300:
                    return response, call
                failure = self.errors.status(attempted, method, path, response, time.monotonic() - started)
            failure.sent_at = call.sent_at
            raise failure

    def _request(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        policy = self.policy
        # A create that is given up early only has an unknown outcome.
        read_seconds = policy.call_seconds if method == "POST" else policy.read_seconds
        response = self._session.request(
            method,
            self._base_url + path,
            timeout=(policy.connect_seconds, read_seconds),
            allow_redirects=False,
            **options,
        )
        response.close()  # the body has been read: this returns the connection to the pool
        return response

    def _failure(self, attempted: str, error: Exception, seconds: float, call: Call) -> TrutoError:
        if isinstance(error, InvalidResponseError):
            return self.errors.invalid_response(attempted, str(error))
        if isinstance(error, (requests.exceptions.InvalidURL, LocationValueError)):
            return self.errors.no_such_host(attempted, has_proxy=self._has_proxy)
        is_sent = call.sent_at is not None or call.has_ambiguous_attempt
        if self.cancelled.is_set() and not is_sent:
            return self.errors.cancelled(attempted)
        return self.errors.transport(attempted, error, seconds, is_sent=is_sent)

    def parse(self, attempted: str, response: requests.Response, model: type[_Model]) -> _Model:
        """The body of a response.

        Raises:
            InvalidResponseError: it is not what the API promises.
        """
        try:
            return model.of(response.content)
        except ValueError as error:
            reason = self._redactor.sanitize(str(error))
            raise self.errors.invalid_response(
                attempted, f"Truto's response ({response.status_code}) is not what its API promises: {reason}"
            ) from None

    @property
    def _has_proxy(self) -> bool:
        return bool(self._session.trust_env and requests.utils.get_environ_proxies(self._base_url))


class _Bearer(AuthBase):
    """Adds the token to each request, and shows it nowhere else."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "_Bearer()"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
