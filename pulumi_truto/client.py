"""Speaks to Truto's API: one method an endpoint. The only code that does; must not import pulumi.

The models take longer to load than a connection takes to make, so they are loaded meanwhile: before anything is sent,
as a create whose answer could not be read would be lost.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

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

from pulumi_truto import rules
from pulumi_truto.errors import (
    ConfigurationError,
    InvalidResponseError,
    ConnectError,
    TransportError,
    TrutoError,
    error_class,
)
from pulumi_truto.pace import Pace
from pulumi_truto.settings import Settings
from pulumi_truto.transport import REPEATED_STATUSES, Adapter, RequestPolicy, within
from pulumi_truto.version import __version__

if TYPE_CHECKING:
    from pulumi_truto import models

__all__ = ["TrutoClient"]

_Model = TypeVar("_Model", bound="models.Answer")
_WEBHOOKS: Final = "/webhook"
_DETAIL_LENGTH: Final = 300
_PAGE_SIZE: Final = 100
#: No environment has that many webhooks: a list that goes on beyond is a list that never ends.
_MAXIMUM_PAGES: Final = 1000


class TrutoClient:
    """A client for one Truto environment, safe to use from several threads.

    Every method raises `TrutoError` and nothing else: see `pulumi_truto.errors` for the tree. None of them logs
    or shows the token.

    Args:
        settings: the token and the base URL.
        limits: time, tries and sizes.
    """

    def __init__(self, settings: Settings, limits: RequestPolicy | None = None) -> None:
        if settings.problems:
            raise ConfigurationError("; ".join(settings.problems))
        self._settings = settings
        self.limits = limits or RequestPolicy()
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
        # A proxy of the environment serves for the internet, never for this machine.
        self._session.trust_env = not settings.is_loopback
        adapter = Adapter(self.limits)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._concealed = {settings.api_token: "[api token]"}
        self._server_time: tuple[datetime, float] | None = None
        self._pace = Pace()

    def __repr__(self) -> str:
        return f"TrutoClient(base_url={self._settings.base_url!r})"

    def conceal(self, secret: object) -> None:
        """From here on no error shows this text, whatever Truto says."""
        if isinstance(secret, str):
            self._concealed[secret] = "[secret]"

    def create_webhook(self, body: Mapping[str, Any]) -> models.Webhook:
        """``POST /webhook``. The answer holds the secret, unlike any other."""
        return self._webhook("create the webhook", "POST", _WEBHOOKS, json=body)

    def get_webhook(self, id_: str) -> models.Webhook:
        """``GET /webhook/{id}``."""
        return self._webhook(f"read the webhook {id_}", "GET", f"/webhook/{id_}", expected_id=id_)

    def list_webhooks(self, cursor: str | None = None) -> models.WebhookPage:
        """``GET /webhook``: one page. `iter_webhooks` goes through all of them."""
        params = {"limit": str(_PAGE_SIZE), **({"next_cursor": cursor} if cursor else {})}
        what = "list the webhooks"
        answer = self._send(what, "GET", _WEBHOOKS, params=params)
        page: models.WebhookPage = self._parse(what, answer, _models().WebhookPage)
        return page

    def iter_webhooks(self) -> Iterator[models.Webhook]:
        """Every webhook of the token's environment, page after page."""
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(_MAXIMUM_PAGES):
            page = self.list_webhooks(cursor)
            yield from page.result
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise InvalidResponseError("cannot list the webhooks: Truto's list of webhooks does not end")

    def update_webhook(self, id_: str, body: Mapping[str, Any]) -> models.Webhook:
        """``PATCH /webhook/{id}``: what the body leaves out stays as it was."""
        return self._webhook(f"update the webhook {id_}", "PATCH", f"/webhook/{id_}", expected_id=id_, json=body)

    def delete_webhook(self, id_: str) -> None:
        """``DELETE /webhook/{id}``. Truto answers 200 with an object or 204 with nothing: both are fine."""
        what = f"delete the webhook {id_}"
        answer = self._send(what, "DELETE", f"/webhook/{_path(id_)}")
        if answer.status_code != 204:
            self._require_id(what, self._parse(what, answer, _models().Deleted).id, id_)

    def test_webhook(self, id_: str) -> bool:
        """``POST /webhook/test``: has Truto deliver a test event; whether the target accepted it."""
        what = f"test the webhook {id_}"
        answer = self._send(what, "POST", "/webhook/test", json={"id": id_})
        result: models.TestResult = self._parse(what, answer, _models().TestResult)
        return result.success

    def server_time(self) -> datetime | None:
        """The time on Truto's clock now, going by the last ``Date`` header; to the second at best."""
        if self._server_time is None:
            return None
        moment, at = self._server_time
        return moment + timedelta(seconds=time.monotonic() - at)

    def _webhook(
        self, what: str, method: str, path: str, expected_id: str | None = None, **kwargs: Any
    ) -> models.Webhook:
        if expected_id is not None:
            _path(expected_id)
        answer = self._send(what, method, path, **kwargs)
        webhook: models.Webhook = self._parse(what, answer, _models().Webhook)
        if expected_id is not None:
            self._require_id(what, webhook.id, expected_id)
        return webhook

    def _require_id(self, what: str, id_: str, expected: str) -> None:
        if id_ != expected:
            raise InvalidResponseError(
                f"cannot {what}: Truto's answer is about another webhook, {self._clean(id_)}. Try again later"
            )

    def _send(self, what: str, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Sends, repeats where `transport` says so, and returns an answer with a 2xx status."""
        url = self._settings.base_url + path
        limits = self.limits
        started = time.monotonic()
        try:
            # A tenth of the time for the request itself, and what goes with it: see `transport`.
            with within(limits, meanwhile=_models), self._pace.turn(0.8 * limits.total_seconds) as began_at:
                response = self._session.request(
                    method,
                    url,
                    timeout=(limits.connect_seconds, limits.read_seconds),
                    allow_redirects=False,
                    **kwargs,
                )
                self._note_time(response.headers.get("Date"))
                self._pace.note(response.headers, began_at)
                response.close()  # the body is read: hands the connection back for the next request
        except InvalidResponseError as error:
            raise InvalidResponseError(f"cannot {what}: {error}. {self._suspect}") from None
        except (requests.exceptions.InvalidURL, LocationValueError):
            raise ConfigurationError(
                f"cannot {what}: the base URL {self._settings.base_url} names no host that can exist. Set truto:baseUrl"
            ) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            took = time.monotonic() - started
            raise self._transport_error(what, error, took) from None
        if not 200 <= response.status_code < 300:
            raise self._api_error(what, method, path, response, time.monotonic() - started)
        return response

    def _note_time(self, date: str | None) -> None:
        if date is None:
            return
        try:
            moment = parsedate_to_datetime(date)
        except (ValueError, TypeError, OverflowError):
            return  # nonsense is as good as no header
        self._server_time = (moment.replace(tzinfo=moment.tzinfo or timezone.utc), time.monotonic())

    def _parse(self, what: str, response: requests.Response, model: type[_Model]) -> _Model:
        try:
            return model.of(response.content)
        except ValueError as error:
            raise InvalidResponseError(
                f"cannot {what}: Truto's answer ({response.status_code}) is not what its API promises: "
                f"{self._clean(str(error))}. {self._suspect}"
            ) from None

    @property
    def _suspect(self) -> str:
        return (
            f"Check that the base URL {self._settings.base_url} is Truto's and that no proxy answers in its place; "
            "otherwise try again later"
        )

    def _transport_error(self, what: str, error: Exception, took_seconds: float) -> TrutoError:
        base_url = self._settings.base_url
        after = f"gave up after {took_seconds:.1f} s"
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectError(
                f"cannot {what}: the certificate of {base_url} is not trusted ({cause.verify_message}). Behind a "
                "proxy that inspects TLS, set REQUESTS_CA_BUNDLE to its certificate"
            )
        if isinstance(cause, ConnectTimeoutError):
            return ConnectError(
                f"cannot {what}: no connection to {base_url}: {_why(cause)} ({after}). Check the network, the proxy "
                "settings and truto:baseUrl; nothing was sent"
            )
        if isinstance(error, requests.Timeout) or isinstance(cause, (ReadTimeoutError, TimeoutError)):
            reason = "the answer did not come in time"
        else:
            reason = f"the connection broke off ({self._clean(type(cause).__name__)})"
        return TransportError(f"cannot {what}: {reason} from {base_url} ({after}). Try again later")

    def _api_error(
        self, what: str, method: str, path: str, response: requests.Response, took_seconds: float
    ) -> TrutoError:
        status = response.status_code
        if status < 400:
            where = self._clean(response.headers.get("Location", "elsewhere"))
            return InvalidResponseError(
                f"cannot {what}: {self._settings.base_url} redirects to {where} ({status}), and redirects are not "
                "followed, as the token would go along. Set truto:baseUrl to Truto's own address"
            )
        detail = self._detail(response)
        said = f': "{detail}"' if detail else ""
        if status in REPEATED_STATUSES[method]:
            said += f" (gave up after {took_seconds:.1f} s)"
        kind = error_class(status)
        reason = self._clean(response.reason or "")
        whole_path = urlsplit(self._settings.base_url).path + path
        message = f"cannot {what}: Truto answered {status} {reason}".rstrip() + f" to {method} {whole_path}{said}. "
        remedy = kind.remedy
        if status == 404 and path == _WEBHOOKS:  # which is always there
            remedy = f"Check truto:baseUrl, {self._settings.base_url}: Truto's API is not there"
        return kind(message + remedy, status=status, detail=detail)

    def _detail(self, response: requests.Response) -> str:
        """What the body of an error says; nothing of a proxy's HTML page or of a broken body."""
        try:
            envelope: models.ErrorEnvelope = _models().ErrorEnvelope.of(response.content)
        except ValueError:
            return ""
        message = envelope.message or envelope.error or ""
        return self._clean("; ".join(message) if isinstance(message, list) else message)

    def _clean(self, text: str) -> str:
        """Foreign text made fit for one line of a log: no secrets, no control characters, not endless."""
        for secret, shown in tuple(self._concealed.items()):
            if len(secret) >= 8:  # a shorter one is no secret, and could be a part of any word
                text = text.replace(secret, shown)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= _DETAIL_LENGTH else text[: _DETAIL_LENGTH - 3] + "..."


def _models() -> ModuleType:
    """The models, and with them pydantic, loaded by the first to ask for them."""
    try:
        from pulumi_truto import models
    except Exception as error:
        raise ConfigurationError(
            f"nothing was sent, as no answer could be read: this installation of pydantic does not work ({error}). "
            "Install pulumi_truto anew, in an environment of its own"
        ) from error
    return models


class _Bearer(AuthBase):
    """Adds the token to each request, and shows it nowhere else."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "_Bearer()"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _path(id_: str) -> str:
    """The id, if it is one; it goes into the path, where another text could reach another endpoint."""
    if not rules.ID.fullmatch(id_):
        raise ConfigurationError(
            f"{id_[:60]!r} is not the id of a webhook: Truto's ids are made of letters, digits, '-' and '_'"
        )
    return id_


def _why(error: ConnectTimeoutError) -> str:
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
