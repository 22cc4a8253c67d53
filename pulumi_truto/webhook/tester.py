"""The test of a webhook as a resource: Truto delivers its test event, and the receiver has to accept it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final
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
from pulumi_truto.input_errors import describe_type
from pulumi_truto.resource_type import Property, ResourceType, Values
from pulumi_truto.times import utc_text
from pulumi_truto.urls import ID
from pulumi_truto.webhook.delivery_log import describe_status, is_success

if TYPE_CHECKING:
    from pulumi_truto.api.client import TrutoClient
    from pulumi_truto.api.models import DeliveryLogEntry, Webhook
    from pulumi_truto.session import ProviderSession

__all__ = ["WEBHOOK_TEST", "WebhookTestType", "WebhookTester"]

_MAX_RETRY_SECONDS: Final = 3600
#: An older entry of the delivery log is of an earlier test. Truto's clock may be behind this machine's.
_LOG_TOLERANCE: Final = timedelta(minutes=1)


def _check_webhook_id(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    is_id = isinstance(value, str) and ID.fullmatch(value)
    return ([] if is_id else ["must be the id of a webhook: pass `orders.id`, not `orders`"]), []


def _check_triggers(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    return ([] if isinstance(value, (list, tuple)) else [f"must be a list, not {describe_type(value)}"]), []


def _check_retry_for_seconds(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_valid = is_number and 0 <= value <= _MAX_RETRY_SECONDS  # type: ignore[operator]  # is_number says so
    return ([] if is_valid else [f"must be a number from 0 to {_MAX_RETRY_SECONDS}"]), []


_PROPERTIES: Final = (
    Property(
        name="webhook_id",
        type="string",
        output="The id of the tested webhook.",
        input="The id of the webhook to test.",
        is_required=True,
        replaces=True,
        check=_check_webhook_id,
    ),
    Property(
        name="triggers",
        type="array",
        output="A change of any of these values repeats the test.",
        input="Values of any kind. The test is repeated when one of them changes.",
        items="anything",
        default=(),
        replaces=True,
        check=_check_triggers,
        canonical=list,
        is_equal=lambda old, new: (old or []) == new,
    ),
    Property(
        name="retry_for_seconds",
        type="number",
        output="The maximum time for retries, in seconds.",
        input="How long to retry while the receiver does not accept the test event, for example because it "
        "is starting. At most 3600.",
        default=0,
        check=_check_retry_for_seconds,
    ),
    Property(
        name="tested_at",
        type="string",
        output="When the receiver accepted the test event: UTC, as `2024-09-01T10:00:00.000Z`.",
    ),
)


class WebhookTestType(ResourceType):
    """A test of a webhook. Only a create makes API calls, and a past test cannot drift."""

    name = "WebhookTest"
    properties = _PROPERTIES
    can_import = False

    def create(self, session: ProviderSession, inputs: Values) -> tuple[str, Values]:
        return str(uuid.uuid4()), {**inputs, "tested_at": WebhookTester(session.client, session.warn).run(inputs)}

    def read(self, session: ProviderSession, id_: str, state: Values) -> Values | None:
        return state

    def update(
        self,
        session: ProviderSession,
        id_: str,
        state: Values,
        inputs: Values,
        ignored: Collection[str] = (),
    ) -> Values:
        return {**inputs, "tested_at": state.get("tested_at")}

    def delete(self, session: ProviderSession, id_: str, state: Values) -> None:
        """Forgets the test."""


WEBHOOK_TEST: Final = WebhookTestType()


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

    def run(self, inputs: Values) -> str:
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
        return utc_text(datetime.now(timezone.utc))

    def _wait(self, retry: int, deadline: float) -> bool:
        """Waits before a retry; ``False`` if no time is left for it, or the run was cancelled."""
        seconds = self._client.policy.wait_seconds(retry)
        if time.monotonic() + seconds > min(deadline, current_deadline().custom_ends_at):
            return False
        return not self._client.cancelled.wait(seconds)

    def _read(self, id_: str) -> Webhook:
        try:
            return self._client.webhooks.get(id_)
        except NotFoundError as error:
            raise NotFoundError(
                f"cannot test webhook {id_}: Truto returned 404, so it was deleted or belongs to another environment. "
                f"Run `pulumi up --refresh`, or check the token {self._client.settings.token_hint}",
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
        effort = ("" if attempts == 1 else f" in {attempts} attempts") + current_deadline().describe()
        unchanged = "unchanged" if webhook.is_active else "inactive and unchanged"
        receiver = f"the receiver of webhook {webhook.id} at {host}"
        status = self._receiver_status(webhook.id, started)
        if reason.is_rejection or (status is not None and not is_success(status.webhook_endpoint_status)):
            failure, remedy = f"{receiver} did not accept the test event", "Fix the receiver and run"
        else:
            failure, remedy = f"cannot tell whether {receiver} accepted the test event", "Run"
        described = "" if status is None else f"; the receiver {describe_status(status.webhook_endpoint_status)}"
        if status is not None and status.webhook_endpoint_status in (401, 403):
            described += ", perhaps because it lacks this webhook's secret"
        return WebhookTestFailedError(
            f"{failure}{effort}: {reason.text.rstrip('.')}{described}. The webhook is {unchanged}. {remedy} "
            "`pulumi up` to repeat the test"
        )

    def _receiver_status(self, id_: str, started: datetime) -> DeliveryLogEntry | None:
        """The entry of the test in the delivery log, if there is one."""
        try:
            # The test may have used up the time of the operation.
            with deadline_in():
                entries = self._client.list_deliveries(id_, event="test", limit=1)
        except TrutoError:
            return None
        if not entries or (entries[0].created_at or started) < started - _LOG_TOLERANCE:
            return None
        return entries[0]
