"""Turns an exception or an error status into a `TrutoError` whose one-line message says what to do."""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from pulumi_truto.api.custom_timeout import current_timeout
from pulumi_truto.api.models import ErrorEnvelope
from pulumi_truto.api.redaction import Redactor
from pulumi_truto.api.retry import RETRYABLE_STATUSES, NoTimeLeftError, current_call
from pulumi_truto.config import Settings
from pulumi_truto.errors import (
    BadRequestError,
    ConfigurationError,
    ConnectError,
    InvalidResponseError,
    TransportError,
    TrutoError,
    error_class,
)

__all__ = ["ErrorMessages"]

_NO_REASON: Final = "Truto gave no reason. Check target_url and event_types; retrying will not help."


class ErrorMessages:
    """Builds the errors of one client. Each method takes what was attempted, as in "read webhook X".

    Args:
        settings: name the base URL and the source of the token.
        redactor: keeps secrets out.
    """

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        self._settings = settings
        self._base_url = settings.base_url
        self._sanitize = redactor.sanitize

    def invalid_response(self, attempted: str, reason: str) -> InvalidResponseError:
        """A response that is not what the API promises."""
        return InvalidResponseError(
            f"cannot {attempted}: {reason}. Check that the base URL {self._base_url} is Truto's and that no proxy "
            "responds in its place; otherwise try again later"
        )

    def wrong_webhook(self, attempted: str, id_: str) -> InvalidResponseError:
        """A response about another webhook than the requested one."""
        return InvalidResponseError(
            f"cannot {attempted}: Truto's response is about another webhook, {self._sanitize(id_)}. Try again later"
        )

    def no_such_host(self, attempted: str, *, has_proxy: bool) -> ConfigurationError:
        """A base URL, or the URL of a proxy, that no host can have."""
        if has_proxy:
            return ConfigurationError(
                f"cannot {attempted}: the base URL {self._base_url}, or the URL of the proxy in the environment, has "
                "a host that cannot exist. Check truto:baseUrl, HTTPS_PROXY and ALL_PROXY"
            )
        return ConfigurationError(
            f"cannot {attempted}: the base URL {self._base_url} has a host that cannot exist. Set truto:baseUrl"
        )

    def cancelled(self, attempted: str) -> ConnectError:
        """A request that was not sent, as the run was cancelled."""
        return ConnectError(
            f"cannot {attempted}: the run was cancelled before the request was sent. Run `pulumi up` again"
        )

    def transport(self, attempted: str, error: Exception, seconds: float, *, is_sent: bool) -> TrutoError:
        """A request without a whole response.

        Args:
            attempted: what was attempted.
            error: the exception of requests or urllib3.
            seconds: how long it took, with all retries.
            is_sent: whether an attempt was sent that Truto may have processed.
        """
        after = _gave_up(seconds)
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectError(
                f"cannot {attempted}: the certificate of {self._base_url} is not trusted ({cause.verify_message}). "
                "If a "
                "proxy inspects TLS, set REQUESTS_CA_BUNDLE to a file with its CA certificate"
            )
        if not is_sent:
            if isinstance(cause, NoTimeLeftError) and current_timeout().is_set:
                return ConnectError(
                    f"cannot {attempted}: no time was left ({after}); nothing was sent. Raise `customTimeouts`, then "
                    "run `pulumi up` again"
                )
            if isinstance(cause, ConnectTimeoutError):
                reason = _connect_failure_reason(cause)
            else:
                reason = self._sanitize(str(cause) or type(cause).__name__)
            return ConnectError(
                f"cannot {attempted}: no connection to {self._base_url}: {reason} ({after}). Check the network, the "
                f"proxy settings and truto:baseUrl; nothing was sent.{self._settings.base_url_hint}"
            )
        if isinstance(cause, ConnectTimeoutError):
            reason = f"no connection to {self._base_url} for a retry: {_connect_failure_reason(cause)}"
        elif isinstance(error, requests.Timeout) or isinstance(cause, (ReadTimeoutError, TimeoutError)):
            reason = f"no response from {self._base_url} in time"
        else:
            reason = f"the connection to {self._base_url} was lost ({self._sanitize(type(cause).__name__)})"
        return TransportError(f"cannot {attempted}: {reason} ({after}). Try again later")

    def status(self, attempted: str, method: str, path: str, response: requests.Response, seconds: float) -> TrutoError:
        """An error status, or a redirect."""
        status = response.status_code
        if status < 400:
            target = self._sanitize(response.headers.get("Location", "elsewhere"))
            return InvalidResponseError(
                f"cannot {attempted}: {self._base_url} redirects to {target} ({status}). Redirects are not followed, "
                "because the target would receive the API token. Set truto:baseUrl to Truto's own address"
            )
        detail = self._detail(response)
        said = f': "{detail}"' if detail else ""
        if status in RETRYABLE_STATUSES[method]:
            said += f" ({_gave_up(seconds)})"
        kind = error_class(status)
        phrase = f"{status} {self._sanitize(response.reason or '')}".rstrip()
        whole_path = urlsplit(self._base_url).path + path
        remedy = kind.remedy if detail or kind is not BadRequestError else _NO_REASON
        if status == 404 and path == "/webhook":  # a list, which always exists
            remedy = f"Check truto:baseUrl, {self._base_url}: Truto's API is not there"
        elif status in (401, 404):
            remedy += f" {self._settings.token_hint}"
        message = f"cannot {attempted}: Truto returned {phrase} to {method} {whole_path}{said}. {remedy}"
        return kind(message, status=status, detail=detail)

    def _detail(self, response: requests.Response) -> str:
        """What the body of an error says; nothing of a proxy's HTML page or of a broken body."""
        try:
            envelope = ErrorEnvelope.of(response.content)
        except ValueError:
            return ""
        message = envelope.message or envelope.error or ""
        return self._sanitize("; ".join(message) if isinstance(message, list) else message)


def _gave_up(seconds: float) -> str:
    limits = current_timeout().describe(current_call().policy.total_seconds)
    return f"gave up after {seconds:.1f} s{limits}"


def _connect_failure_reason(error: ConnectTimeoutError) -> str:
    if isinstance(error, NameResolutionError):
        return "the DNS lookup failed"
    if not isinstance(error, NewConnectionError):
        return "the connection timed out"
    reason = error.__cause__
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(error).rpartition(": ")[2]


def _cause(error: BaseException) -> BaseException:
    """The innermost exception that requests and urllib3 wrapped."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        return _cause(error.reason)
    if isinstance(error, ConnectTimeoutError):
        return error
    inner = [each for each in error.args if isinstance(each, BaseException)]
    original = getattr(error, "original_error", None)  # of a proxy's error
    if isinstance(original, BaseException):
        inner.append(original)
    return _cause(inner[-1]) if inner else error
