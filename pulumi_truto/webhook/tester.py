"""Tests a webhook: Truto delivers its test event, and the receiver has to accept it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import urlsplit

from pulumi_truto.api.deadline import current_deadline, deadline_in
from pulumi_truto.errors import (
    BadRequestError,
    InvalidResponseError,
    NotFoundError,
    ServerError,
    TransportError,
    TrutoError,
    WebhookTestFailedError,
)
from pulumi_truto.urls import ID
from pulumi_truto.webhook.delivery_log import describe_status, is_success
from pulumi_truto.webhook.inputs import UNKNOWN, InputError, describe_type

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.api.models import DeliveryLogEntry, Webhook

__all__ = [
    "TestValidationResult",
    "WebhookTestInputs",
    "WebhookTester",
    "check_test",
    "has_test_changes",
    "must_repeat",
]

_MAX_RETRY_SECONDS: Final = 3600
#: An older entry of the delivery log is of an earlier test. Truto's clock may be behind this machine's.
_LOG_TOLERANCE: Final = timedelta(minutes=1)


class WebhookTestInputs(TypedDict):
    """The inputs of a test in canonical form."""

    webhook_id: str
    triggers: list[Any]
    retry_for_seconds: float


@dataclass(frozen=True)
class TestValidationResult:
    """What `check_test` found; the inputs are meaningless if there are errors."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    inputs: WebhookTestInputs
    errors: list[InputError]


def check_test(declared: Mapping[str, Any]) -> TestValidationResult:
    """Validates the inputs of a test and brings them into canonical form."""
    webhook_id, triggers = declared.get("webhook_id"), declared.get("triggers")
    retry_for_seconds = declared.get("retry_for_seconds")
    errors = []
    if webhook_id is not UNKNOWN and not (isinstance(webhook_id, str) and ID.fullmatch(webhook_id)):
        errors.append(InputError("webhook_id", "must be the id of a webhook: pass `orders.id`, not `orders`"))
    triggers = [] if triggers is None else triggers
    if triggers is not UNKNOWN and not isinstance(triggers, (list, tuple)):
        errors.append(InputError("triggers", f"must be a list, not {describe_type(triggers)}"))
    retry_for_seconds = 0 if retry_for_seconds is None else retry_for_seconds
    if retry_for_seconds is not UNKNOWN and not _is_retry_time(retry_for_seconds):
        errors.append(InputError("retry_for_seconds", f"must be a number from 0 to {_MAX_RETRY_SECONDS}"))
    # Checked just now, or not used.
    inputs: Any = {"webhook_id": webhook_id, "triggers": triggers, "retry_for_seconds": retry_for_seconds}
    return TestValidationResult(inputs, errors)


def must_repeat(old: Mapping[str, Any], inputs: WebhookTestInputs) -> list[str]:
    """The inputs whose change repeats the test: another webhook, or another trigger."""
    repeating: tuple[tuple[str, Any], ...] = (("webhook_id", inputs["webhook_id"]), ("triggers", inputs["triggers"]))
    return [name for name, value in repeating if old.get(name, []) != value]


def has_test_changes(old: Mapping[str, Any], inputs: WebhookTestInputs) -> bool:
    """Whether anything changed, even if it repeats no test."""
    return any(old.get(name, []) != value for name, value in inputs.items())


@dataclass(frozen=True)
class _Reason:
    """Why a test failed.

    Attributes:
        is_rejection: Truto said that the receiver did not accept the test event; otherwise that is not known.
    """

    text: str
    is_rejection: bool


class WebhookTester:
    """Makes Truto deliver its test event.

    Args:
        client: the client of the webhook's environment.
        warn: receives warnings for the user.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None]) -> None:
        self._client = client
        self._warn = warn

    def run(self, inputs: WebhookTestInputs) -> str:
        """Returns when the receiver accepted the test event: UTC, as ``2024-09-01T10:00:00.000Z``.

        Raises:
            WebhookTestFailedError: the receiver did not accept it in time.
            NotFoundError: there is no such webhook.
            TrutoError: Truto could not deliver the test event.
        """
        id_ = inputs["webhook_id"]
        started = datetime.now(timezone.utc)
        webhook = self._read(id_)
        deadline = time.monotonic() + inputs["retry_for_seconds"]
        attempts = 0
        while True:
            attempts += 1
            reason = self._attempt(id_)
            if reason is None:
                break
            if not self._wait(attempts, deadline):
                raise self._failure(webhook, reason, attempts, started)
        if not webhook.is_active:
            self._warn(
                f"webhook {id_} is inactive: its receiver accepted the test event, but Truto delivers no other events "
                "to it"
            )
        return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _wait(self, retry: int, deadline: float) -> bool:
        """Waits before a retry; ``False`` if no time is left for it, or the run was cancelled."""
        seconds = self._client.policy.wait_seconds(retry)
        if time.monotonic() + seconds > min(deadline, current_deadline().custom_at):
            return False
        return not self._client.cancelled.wait(seconds)

    def _read(self, id_: str) -> Webhook:
        try:
            return self._client.get_webhook(id_)
        except NotFoundError as error:
            raise NotFoundError(
                f"cannot test webhook {id_}: Truto returned 404, so it was deleted or belongs to another environment. "
                f"Run `pulumi up --refresh`, or check the token. {self._client.settings.token_hint}",
                status=error.status,
                detail=error.detail,
            ) from None

    def _attempt(self, id_: str) -> _Reason | None:
        """Delivers the test event once; ``None`` if the receiver accepted it, or else the reason."""
        try:
            with deadline_in():
                is_accepted = self._client.test_webhook(id_)
            return None if is_accepted else _Reason("Truto reported success: false", is_rejection=True)
        except (BadRequestError, ServerError) as error:
            text = f"Truto returned {error.status}" + (f' with "{error.detail}"' if error.detail else "")
            return _Reason(text, is_rejection=isinstance(error, BadRequestError))
        except (TransportError, InvalidResponseError) as error:
            if not error.may_have_succeeded:
                raise
            return _Reason(str(error), is_rejection=False)

    def _failure(self, webhook: Webhook, reason: _Reason, attempts: int, started: datetime) -> WebhookTestFailedError:
        host = urlsplit(webhook.target_url).hostname or "an unknown host"
        tried = ("" if attempts == 1 else f" in {attempts} attempts") + current_deadline().describe()
        inactive = "" if webhook.is_active else " The webhook is inactive at Truto."
        receiver = f"the receiver of webhook {webhook.id} at {host}"
        status = self._receiver_status(webhook.id, started)
        if reason.is_rejection or (status is not None and not is_success(status.webhook_endpoint_status)):
            what, fix = f"{receiver} did not accept the test event", "Fix the receiver, then run `pulumi up` again"
        else:
            what, fix = f"cannot tell whether {receiver} accepted the test event", "Run `pulumi up` again"
        described = "" if status is None else f"; the receiver {describe_status(status.webhook_endpoint_status)}"
        if status is not None and status.webhook_endpoint_status in (401, 403):
            described += ", perhaps as it does not have the secret of this webhook"
        return WebhookTestFailedError(
            f"{what}{tried}: {reason.text.rstrip('.')}{described}.{inactive} The webhook and its secret are unchanged, "
            f"and safe in the state of the stack that manages them. {fix}: it repeats the test"
        )

    def _receiver_status(self, id_: str, started: datetime) -> DeliveryLogEntry | None:
        """The entry of the test in the delivery log, if there is one."""
        try:
            entries = self._client.list_deliveries(id_, event="test", limit=1)
        except TrutoError:
            return None
        if not entries or (entries[0].created_at or started) < started - _LOG_TOLERANCE:
            return None
        return entries[0]


def _is_retry_time(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MAX_RETRY_SECONDS  # type: ignore[operator]  # is_number says so
