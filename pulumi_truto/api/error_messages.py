"""Turns an exception or an error status into a `TrutoError` whose one-line message has a remedy."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from pulumi_truto.api.models import ErrorEnvelope
from pulumi_truto.api.redaction import Redactor
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

if TYPE_CHECKING:
    from pulumi_truto.api.transport import Request

__all__ = ["ErrorMessages"]

_NO_REASON: Final = "Check the inputs: Truto gave no reason, and retrying will not help."


class ErrorMessages:
    """Builds the errors of one client. Each method takes the attempted action, as in "read webhook X".

    Args:
        settings: name the base URL and the source of the token.
        redactor: keeps secrets out.
    """

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        self._settings = settings
        self._base_url = settings.base_url
        self._sanitize = redactor.sanitize

    def invalid_response(self, attempted: str, reason: str) -> InvalidResponseError:
        """A response that does not match Truto's API."""
        return InvalidResponseError(
            f"cannot {attempted}: {reason}. Check that the base URL {self._base_url} is Truto's and that no proxy "
            "responds in its place; otherwise try again later"
        )

    def wrong_item(self, attempted: str, noun: str, id_: str) -> InvalidResponseError:
        """A response about another item than the requested one."""
        return InvalidResponseError(
            f"cannot {attempted}: Truto's response is about another {noun}, {self._sanitize(id_)}. Try again later"
        )

    def cancelled(self, attempted: str) -> ConnectError:
        """A request that was not sent because the run was cancelled."""
        return ConnectError(
            f"cannot {attempted}: the run was cancelled before the request was sent. Run `pulumi up` again"
        )

    def transport(self, request: Request, error: Exception, duration: str, *, has_proxy: bool) -> TrutoError:
        """A request without a whole response.

        Args:
            request: the request.
            error: the exception of requests or urllib3.
            duration: how long it took, with all retries.
            has_proxy: whether the environment names a proxy.
        """
        prefix, cause = f"cannot {request.attempted}", _cause(error)
        if isinstance(error, requests.exceptions.InvalidURL) or isinstance(cause, LocationValueError):
            proxy = ", or the URL of the proxy in the environment," if has_proxy else ""
            check = "Check truto:baseUrl, HTTPS_PROXY and ALL_PROXY" if has_proxy else "Set truto:baseUrl"
            return ConfigurationError(
                f"{prefix}: the base URL {self._base_url}{proxy} has a host that cannot exist. {check}"
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            untrusted = ConnectError(
                f"{prefix}: the certificate of {self._base_url} is not trusted ({cause.verify_message}). If a proxy "
                "inspects TLS, set REQUESTS_CA_BUNDLE to a file with its CA certificate"
            )
            untrusted.is_transient = False
            return untrusted
        if isinstance(cause, ConnectTimeoutError) or isinstance(error, requests.exceptions.ProxyError):
            reason = f"no connection to {self._base_url}: {self._connect_failure(cause)} ({duration})"
            if request.unknown_outcomes:
                return TransportError(f"{prefix}: {reason}. Try again later")
            return ConnectError(
                f"{prefix}: {reason}; nothing was sent. Check the network, the proxy settings and truto:baseUrl"
                f"{self._settings.base_url_hint}"
            )
        if isinstance(error, requests.Timeout) or isinstance(cause, (ReadTimeoutError, TimeoutError)):
            reason = f"no response from {self._base_url} in time"
        else:
            reason = f"the connection to {self._base_url} was lost ({self._sanitize(type(cause).__name__)})"
        return TransportError(f"{prefix}: {reason} ({duration}). Try again later")

    def status(self, request: Request, response: requests.Response, body: bytes, duration: str) -> TrutoError:
        """An error status, or a redirect."""
        status, attempted, path = response.status_code, request.attempted, request.path
        if status < 400:
            target = self._sanitize(response.headers.get("Location", "elsewhere"))
            redirect = InvalidResponseError(
                f"cannot {attempted}: {self._base_url} redirects to {target} ({status}), which must not get the API "
                "token. Set truto:baseUrl to Truto's own address"
            )
            redirect.may_have_succeeded = False
            return redirect
        kind, detail = error_class(status), self._detail(body)
        reply = (f': "{detail}"' if detail else "") + (f" ({duration})" if kind.is_transient else "")
        phrase = f"{status} {self._sanitize(response.reason or '')}".rstrip()
        whole_path = urlsplit(self._base_url).path + path
        remedy = kind.remedy if detail or kind is not BadRequestError else _NO_REASON
        if status == 405 or (status == 404 and path == "/webhook"):  # Truto has this endpoint
            remedy = f"Check truto:baseUrl, {self._base_url}: Truto's API is not there"
        elif status == 404 and path.count("/") == 1:
            remedy = f"Check truto:baseUrl, {self._base_url}, or ask Truto whether your plan has this endpoint"
        elif status in (401, 404):
            remedy = f"{remedy.rstrip('.')} {self._settings.token_hint}"
        message = f"cannot {attempted}: Truto returned {phrase} to {request.method} {whole_path}{reply}. {remedy}"
        return kind(message, status=status, detail=detail)

    def _detail(self, body: bytes) -> str:
        """The message in the body of an error; empty for a proxy's HTML page or a broken body."""
        try:
            envelope = ErrorEnvelope.parse(body)
        except ValueError:
            return ""
        message = envelope.message or envelope.error or ""
        return self._sanitize("; ".join(message) if isinstance(message, list) else message)

    def _connect_failure(self, error: BaseException) -> str:
        if isinstance(error, NameResolutionError):
            return "the DNS lookup failed"
        if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
            return "the connection timed out"
        reason = error.__cause__
        if isinstance(reason, OSError) and reason.strerror and not isinstance(reason, ssl.SSLError):
            return reason.strerror
        return self._sanitize(str(error).rpartition(": ")[2] or type(error).__name__)


def _cause(error: BaseException) -> BaseException:
    """The innermost exception that requests and urllib3 wrapped."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        return _cause(error.reason)
    if isinstance(error, ConnectTimeoutError):
        return error
    causes = [argument for argument in error.args if isinstance(argument, BaseException)]
    original = getattr(error, "original_error", None)  # of a proxy's error
    if isinstance(original, BaseException):
        causes.append(original)
    return _cause(causes[-1]) if causes else error
