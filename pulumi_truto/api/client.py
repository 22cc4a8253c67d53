"""Speaks to Truto's API: one method an endpoint. The only code that does; must not import pulumi."""

from __future__ import annotations

import copy
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from pulumi_truto.api import models
from pulumi_truto.api.connection import RETRYABLE_STATUSES, Adapter, Call, RequestPolicy, call_deadline
from pulumi_truto.config import Settings
from pulumi_truto.errors import (
    ConfigurationError,
    ConnectError,
    InvalidResponseError,
    TransportError,
    TrutoError,
    error_class,
)
from pulumi_truto.version import __version__
from pulumi_truto.webhook import inputs as rules

__all__ = ["CreatedWebhook", "TrutoClient"]

_Model = TypeVar("_Model", bound=models.Response)
_WEBHOOKS: Final = "/webhook"
_DETAIL_LENGTH: Final = 300
_PAGE_SIZE: Final = 100
#: No environment has that many webhooks: a list that goes on beyond is a list that never ends.
_MAXIMUM_PAGES: Final = 1000
#: A shorter string is no secret, and could be a part of any word.
_SHORTEST_SECRET: Final = 4
#: In a path there are ordinary words as well.
_SHORTEST_PATH_SECRET: Final = 8
_URL: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")


@dataclass(frozen=True)
class CreatedWebhook:
    """A new webhook, with the times of the request that made it in seconds of `time.monotonic`.

    Attributes:
        sent_at: when the request was sent.
        responded_at: when the head of the response was there: Truto had created the webhook by then.
    """

    webhook: models.Webhook
    sent_at: float
    responded_at: float


class TrutoClient:
    """A client for one Truto environment, safe to use from several threads.

    Every method raises `TrutoError` and nothing else: see `pulumi_truto.errors` for the tree. None of them logs
    or shows the token.

    Args:
        settings: the token and the base URL.
        policy: time, attempts and sizes.
        warn: takes what is no error and should be known, as an item of a list that cannot be read.
        cancelled: once it is set no new attempt begins.
    """

    def __init__(
        self,
        settings: Settings,
        policy: RequestPolicy | None = None,
        *,
        warn: Callable[[str], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        if settings.problems:
            raise ConfigurationError("; ".join(settings.problems))
        self.settings = settings
        self.policy = policy or RequestPolicy()
        self.cancelled = cancelled or threading.Event()
        self._warn = warn or (lambda _: None)
        self._session = requests.Session()
        # An auth object and no plain header: requests would let an entry of ~/.netrc override the header.
        self._session.auth = _Bearer(settings.api_token)
        self._session.headers.update(
            {
                "Accept": "application/json",
                # What is not compressed cannot grow beyond the size limit when it is unpacked.
                "Accept-Encoding": "identity",
                "User-Agent": f"pulumi-truto/{__version__}",
            }
        )
        # Ignore proxy variables when the API is on loopback.
        self._session.trust_env = not settings.is_loopback
        adapter = Adapter(self.policy)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._redacted = {settings.api_token: "[api token]"}

    def __repr__(self) -> str:
        return f"TrutoClient(base_url={self.settings.base_url!r})"

    def redact(self, *secrets: object) -> None:
        """From here on no error and no warning repeats these strings, or a part of them where they are URLs."""
        for secret in secrets:
            if isinstance(secret, str):
                self._redacted.update(dict.fromkeys(_parts_of(secret), "[secret]"))

    def for_a_last_look(self) -> TrutoClient:
        """The same client for a read that is due also after a cancel: what became of a request that was in flight."""
        other = copy.copy(self)
        other.cancelled = threading.Event()
        return other

    def deadline(self) -> float:
        """When a call that begins now has to end, in seconds of `time.monotonic`."""
        return time.monotonic() + self.policy.total_seconds

    def create_webhook(
        self, body: Mapping[str, Any], *, idempotency_key: str | None = None, deadline: float | None = None
    ) -> CreatedWebhook:
        """``POST /webhook``. The response holds the secret, unlike any other.

        Args:
            body: the webhook.
            idempotency_key: the same for every attempt of one create. Truto documents the header for other endpoints.
            deadline: when it has to end; by default after the usual time.
        """
        what = "create the webhook"
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response, call = self._send(what, "POST", _WEBHOOKS, deadline=deadline, json=body, headers=headers)
        try:
            webhook = self._parse(what, response, models.Webhook)
        except TrutoError as error:
            error.sent_at = call.sent_at
            raise
        assert call.sent_at is not None
        assert call.responded_at is not None
        return CreatedWebhook(webhook, call.sent_at, call.responded_at)

    def get_webhook(self, id_: str) -> models.Webhook:
        """``GET /webhook/{id}``."""
        what = f"read webhook {id_}"
        response, _ = self._send(what, "GET", f"/webhook/{_path(id_)}")
        return self._webhook(what, response, id_)

    def list_webhooks(
        self, cursor: str | None = None, *, page_size: int | None = None, deadline: float | None = None
    ) -> models.WebhookPage:
        """``GET /webhook``: one page. `iter_webhooks` goes through all of them."""
        size = min(page_size or _PAGE_SIZE, _PAGE_SIZE)
        params = {"limit": str(size), **({"next_cursor": cursor} if cursor else {})}
        what = "list the webhooks"
        response, _ = self._send(what, "GET", _WEBHOOKS, deadline=deadline, params=params)
        page = self._parse(what, response, models.WebhookPage)
        for each in page.unreadable:
            which = f"webhook {each.id}" if each.id else "an item without an id"
            self._warn(
                f"Truto's list of webhooks has {which} that is not what its API promises "
                f"({self.sanitize(each.reason)}). It was skipped"
            )
        return page

    def iter_pages(self) -> Iterator[models.WebhookPage]:
        """The pages of the list of webhooks, all of them within the time of one call."""
        deadline = self.deadline()
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MAXIMUM_PAGES):
            page = self.list_webhooks(cursor, deadline=deadline)
            yield page
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise InvalidResponseError("cannot list the webhooks: Truto's list of webhooks does not end")

    def iter_webhooks(self) -> Iterator[models.Webhook]:
        """Every webhook of the token's environment that can be read, page after page."""
        for page in self.iter_pages():
            yield from page.result

    def update_webhook(self, id_: str, body: Mapping[str, Any]) -> models.Webhook:
        """``PATCH /webhook/{id}``: what the body leaves out stays as it was."""
        what = f"update webhook {id_}"
        response, _ = self._send(what, "PATCH", f"/webhook/{_path(id_)}", json=body)
        return self._webhook(what, response, id_)

    def delete_webhook(self, id_: str) -> None:
        """``DELETE /webhook/{id}``. Truto responds with 200 and an object, or with 204 and nothing: both are fine."""
        what = f"delete webhook {id_}"
        response, _ = self._send(what, "DELETE", f"/webhook/{_path(id_)}")
        if response.status_code != 204:
            self._require_id(what, self._parse(what, response, models.Deleted).id, id_)

    def test_webhook(self, id_: str) -> bool:
        """``POST /webhook/test``: has Truto deliver a test event; whether the target accepted it."""
        what = f"test webhook {id_}"
        response, _ = self._send(what, "POST", "/webhook/test", json={"id": id_})
        return self._parse(what, response, models.TestResult).success

    def sanitize(self, text: str) -> str:
        """Foreign text made fit for one line of a log: no secrets, no control characters, not endless."""
        for secret, shown in self._redacted_longest_first():
            text = text.replace(secret, shown)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        # Also of a URL that nobody called a secret: a path or a query can be one.
        text = _URL.sub(_origin_only, text)
        return text if len(text) <= _DETAIL_LENGTH else text[: _DETAIL_LENGTH - 3] + "..."

    def _redacted_longest_first(self) -> list[tuple[str, str]]:
        return sorted(self._redacted.copy().items(), key=lambda item: -len(item[0]))

    def _webhook(self, what: str, response: requests.Response, id_: str) -> models.Webhook:
        webhook = self._parse(what, response, models.Webhook)
        self._require_id(what, webhook.id, id_)
        return webhook

    def _require_id(self, what: str, id_: str, expected: str) -> None:
        if id_ != expected:
            raise InvalidResponseError(
                f"cannot {what}: Truto's response is about another webhook, {self.sanitize(id_)}. Try again later"
            )

    def _send(
        self, what: str, method: str, path: str, *, deadline: float | None = None, **kwargs: Any
    ) -> tuple[requests.Response, Call]:
        """Sends, retries where `transport` says so, and returns a response with a 2xx status."""
        policy = self.policy
        started = time.monotonic()
        # To give a create up early would only make its outcome unknown.
        read_seconds = policy.total_seconds if method == "POST" else policy.read_seconds
        with call_deadline(policy, deadline or self.deadline(), self.cancelled) as call:
            try:
                response = self._session.request(
                    method,
                    self.settings.base_url + path,
                    timeout=(policy.connect_seconds, read_seconds),
                    allow_redirects=False,
                    **kwargs,
                )
                response.close()  # the body is read: hands the connection back for the next request
            except InvalidResponseError as error:
                failure: TrutoError = InvalidResponseError(f"cannot {what}: {error}. {self._misrouted_hint}")
            except (requests.exceptions.InvalidURL, LocationValueError):
                failure = ConfigurationError(f"cannot {what}: {self._no_such_host}")
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                is_sent = call.sent_at is not None
                failure = self._transport_error(what, error, time.monotonic() - started, is_sent=is_sent)
            else:
                if 200 <= response.status_code < 300:
                    return response, call
                failure = self._api_error(what, method, path, response, time.monotonic() - started)
            failure.sent_at = call.sent_at
            raise failure

    def _parse(self, what: str, response: requests.Response, model: type[_Model]) -> _Model:
        try:
            return model.of(response.content)
        except ValueError as error:
            raise InvalidResponseError(
                f"cannot {what}: Truto's response ({response.status_code}) is not what its API promises: "
                f"{self.sanitize(str(error))}. {self._misrouted_hint}"
            ) from None

    @property
    def _misrouted_hint(self) -> str:
        return (
            f"Check that the base URL {self.settings.base_url} is Truto's and that no proxy responds in its place; "
            "otherwise try again later"
        )

    @property
    def _no_such_host(self) -> str:
        if self._session.trust_env and requests.utils.get_environ_proxies(self.settings.base_url):
            return (
                f"the base URL {self.settings.base_url}, or the proxy that the environment names, is not the URL of a "
                "host that can exist. Check truto:baseUrl, HTTPS_PROXY and ALL_PROXY"
            )
        return f"the base URL {self.settings.base_url} names no host that can exist. Set truto:baseUrl"

    def _transport_error(self, what: str, error: Exception, took_seconds: float, *, is_sent: bool) -> TrutoError:
        base_url = self.settings.base_url
        after = f"gave up after {took_seconds:.1f} s"
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectError(
                f"cannot {what}: the certificate of {base_url} is not trusted ({cause.verify_message}). Behind a "
                "proxy that inspects TLS, set REQUESTS_CA_BUNDLE to its certificate"
            )
        if isinstance(cause, ConnectTimeoutError):
            return ConnectError(
                f"cannot {what}: no connection to {base_url}: {_connect_failure_reason(cause)} ({after}). Check the "
                "network, the proxy settings and truto:baseUrl; nothing was sent"
            )
        if not is_sent:
            return ConnectError(
                f"cannot {what}: no connection to {base_url}: {self.sanitize(str(cause) or type(cause).__name__)} "
                f"({after}). Check the network, the proxy settings and truto:baseUrl; nothing was sent"
            )
        if isinstance(error, requests.Timeout) or isinstance(cause, (ReadTimeoutError, TimeoutError)):
            reason = "the response did not come in time"
        else:
            reason = f"the connection broke off ({self.sanitize(type(cause).__name__)})"
        return TransportError(f"cannot {what}: {reason} from {base_url} ({after}). Try again later")

    def _api_error(
        self, what: str, method: str, path: str, response: requests.Response, took_seconds: float
    ) -> TrutoError:
        status = response.status_code
        if status < 400:
            where = self.sanitize(response.headers.get("Location", "elsewhere"))
            return InvalidResponseError(
                f"cannot {what}: {self.settings.base_url} redirects to {where} ({status}), and redirects are not "
                "followed, as the token would go along. Set truto:baseUrl to Truto's own address"
            )
        detail = self._detail(response)
        said = f': "{detail}"' if detail else ""
        if status in RETRYABLE_STATUSES[method]:
            said += f" (gave up after {took_seconds:.1f} s)"
        kind = error_class(status)
        reason = self.sanitize(response.reason or "")
        whole_path = urlsplit(self.settings.base_url).path + path
        message = f"cannot {what}: Truto answered {status} {reason}".rstrip() + f" to {method} {whole_path}{said}. "
        remedy = kind.remedy
        if status == 404 and path == _WEBHOOKS:  # which is always there
            remedy = f"Check truto:baseUrl, {self.settings.base_url}: Truto's API is not there"
        elif status in (401, 404):
            remedy += f" {self.settings.token_hint}"
        return kind(message + remedy, status=status, detail=detail)

    def _detail(self, response: requests.Response) -> str:
        """What the body of an error says; nothing of a proxy's HTML page or of a broken body."""
        try:
            envelope = models.ErrorEnvelope.of(response.content)
        except ValueError:
            return ""
        message = envelope.message or envelope.error or ""
        return self.sanitize("; ".join(message) if isinstance(message, list) else message)


class _Bearer(AuthBase):
    """Adds the token to each request, and shows it nowhere else."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "_Bearer()"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _origin_only(url: re.Match[str]) -> str:
    origin = url[1] + url[2]
    return origin if url[0] == origin else f"{origin}/..."


def _path(id_: str) -> str:
    """The id, if it is one; it goes into the path, where another string could reach another endpoint."""
    if not rules.ID.fullmatch(id_):
        raise ConfigurationError(
            f"{id_[:60]!r} is not the id of a webhook: Truto's ids are made of letters, digits, '-' and '_'"
        )
    return id_


def _parts_of(secret: str) -> set[str]:
    """What must not be repeated of a secret: all of it, and of a URL each of its parts too, as written and decoded."""
    parts = {secret}
    try:
        url = urlsplit(secret)
        if url.scheme and url.netloc:
            parts |= {url.netloc.rpartition("@")[0], url.path, url.query, f"{url.path}?{url.query}"}
            parts |= {pair.partition("=")[2] for pair in url.query.split("&")}
            parts |= {part for part in url.path.split("/") if len(part) >= _SHORTEST_PATH_SECRET}
    except ValueError:
        pass  # not a URL
    parts |= {unquote(part) for part in parts}
    return {part for part in parts if len(part) >= _SHORTEST_SECRET}


def _connect_failure_reason(error: ConnectTimeoutError) -> str:
    """Why there is no connection."""
    if isinstance(error, NameResolutionError):
        return "its name is not known (DNS)"
    if not isinstance(error, NewConnectionError):
        return "it does not answer"
    reason = error.__cause__
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(error).rpartition(": ")[2]


def _cause(error: BaseException) -> BaseException:
    """The innermost reason that requests and urllib3 wrapped."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        return _cause(error.reason)
    if isinstance(error, ConnectTimeoutError):
        return error
    inner = [each for each in error.args if isinstance(each, BaseException)]
    original = getattr(error, "original_error", None)  # of a proxy's error
    if isinstance(original, BaseException):
        inner.append(original)
    return _cause(inner[-1]) if inner else error
