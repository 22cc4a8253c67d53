"""Request bodies and responses: in a response unknown fields are ignored, and wrong types are errors.

Facts are from Truto's API reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    StringConstraints,
    ValidationError,
    field_validator,
)

from pulumi_truto.times import utc_text
from pulumi_truto.urls import ID

__all__ = [
    "CreatedWebhook",
    "CronTrigger",
    "CronTriggerPage",
    "DeliveryLog",
    "DeliveryLogEntry",
    "ErrorEnvelope",
    "Named",
    "Response",
    "TestResult",
    "UnreadableWebhook",
    "Webhook",
    "WebhookPage",
]

Text = Annotated[StrictStr, StringConstraints(min_length=1, max_length=8192)]
Id = Annotated[StrictStr, StringConstraints(pattern=f"^{ID.pattern}$")]


_Model = TypeVar("_Model", bound="Response")


class Response(BaseModel):
    """The base of all responses."""

    # Errors are shown to the user and could contain the secret otherwise.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @classmethod
    def parse(cls: type[_Model], body: bytes) -> _Model:
        """The response with this body.

        Raises:
            ValueError: it does not match Truto's API. The message has the first reason and no value.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise ValueError(_first_reason(error)) from None


class Webhook(Response):
    """A webhook in a response.

    Attributes:
        event_types: ``None``, absent and ``[]`` all mean every event.
        created_at: in UTC. Truto writes ``2021-08-10T10:00:00.000Z`` in one place and ``2024-09-01 10:00:00`` in
            others; a time without a zone is taken as UTC.
    """

    id: Id
    target_url: Text
    is_active: StrictBool
    event_types: list[StrictStr] | None = None
    environment_id: StrictStr | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @field_validator("created_at", "updated_at", mode="before")
    @classmethod
    def _only_strings(cls, value: object) -> object:
        if value is not None and not isinstance(value, str):
            raise ValueError("must be a string")
        return value

    @field_validator("created_at", "updated_at")
    @classmethod
    def _times_in_utc(cls, value: datetime | None) -> datetime | None:
        return None if value is None else _in_utc(value)

    @property
    def created_at_text(self) -> str | None:
        """``created_at`` in one format, whichever Truto used, so that the format alone is never a change."""
        return _text(self.created_at)

    @property
    def updated_at_text(self) -> str | None:
        """``updated_at`` in the same format."""
        return _text(self.updated_at)


class CreatedWebhook(Webhook):
    """The response to the create, the only one with the signing secret: others may show a mask in its place."""

    secret: Text = Field(repr=False)


@dataclass(frozen=True)
class UnreadableWebhook:
    """An item of a list that does not match Truto's API: its id, if it has one, and the first reason."""

    id: str | None
    reason: str


class WebhookPage(Response):
    """One page of ``GET /webhook``.

    Attributes:
        result: the valid items. An invalid one must not hide the others.
        unreadable: the invalid items.
        next_cursor: ``None`` on the last page.
    """

    result: list[Webhook]
    unreadable: list[UnreadableWebhook] = Field(default_factory=list, init=False)
    next_cursor: StrictStr | None = None

    @classmethod
    def parse(cls, body: bytes) -> WebhookPage:
        """The page with this body; see `Response.of`."""
        envelope = _Envelope.parse(body)
        page = cls(result=[], next_cursor=envelope.next_cursor)
        for item in envelope.result:
            try:
                page.result.append(Webhook.model_validate(item))
            except ValidationError as error:
                id_ = item.get("id") if isinstance(item, dict) else None
                is_id = isinstance(id_, str) and ID.fullmatch(id_)
                page.unreadable.append(UnreadableWebhook(id_ if is_id else None, _first_reason(error)))
        return page


class _Envelope(Response):
    result: list[Any]
    next_cursor: StrictStr | None = None


class CronTrigger(Response):
    """A cron trigger of a sync job: of what it has, only what names a webhook."""

    id: Id
    webhook_id: Any = None
    args: Any = None

    @property
    def webhook_ids(self) -> set[str]:
        """The webhooks that it names, itself or in the arguments of its sync job."""
        in_args = self.args.get("webhook_id") if isinstance(self.args, dict) else None
        return {id_ for id_ in (self.webhook_id, in_args) if isinstance(id_, str)}


class CronTriggerPage(Response):
    """One page of ``GET /sync-job-cron-trigger``."""

    result: list[CronTrigger]
    next_cursor: StrictStr | None = None


class Named(Response):
    """The id in a response, whatever else is wrong with it."""

    id: Id


class TestResult(Response):
    """The response to ``POST /webhook/test``."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    success: StrictBool


class DeliveryLogEntry(Response):
    """One delivery in the log. Truto documents the three fields; another page calls the log "coming soon".

    Attributes:
        webhook_endpoint_status: the HTTP status of the receiver; ``None`` if it did not respond.
        created_at: in UTC; ``None`` if the entry has no readable time.
    """

    event: str | None = None
    webhook_id: str | None = None
    webhook_endpoint_status: int | None = None
    created_at: datetime | None = None

    @field_validator("*", mode="wrap")
    @classmethod
    def _or_none(cls, value: object, handler: Any) -> Any:
        """A field that cannot be read is as good as absent."""
        try:
            parsed = handler(value)
            return _in_utc(parsed) if isinstance(parsed, datetime) else parsed
        except ValueError:
            return None


class DeliveryLog(Response):
    """The newest entries of ``GET /log``, newest first if they have times."""

    result: list[DeliveryLogEntry]

    @property
    def newest_first(self) -> list[DeliveryLogEntry]:
        """The entries by their times; as they came if one has none."""
        if any(entry.created_at is None for entry in self.result):
            return self.result
        return sorted(self.result, key=lambda entry: str(entry.created_at), reverse=True)


class ErrorEnvelope(Response):
    """The body of an error. Every field is optional: the error of a proxy has none of them."""

    error: str | None = None
    message: str | list[str] | None = None


def _first_reason(error: ValidationError) -> str:
    error_details = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field_path = ".".join(str(part) for part in error_details["loc"])
    return f"{field_path}: {error_details['msg']}" if field_path else error_details["msg"]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("is out of range") from None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
