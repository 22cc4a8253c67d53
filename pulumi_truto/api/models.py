"""Request bodies and responses: in a response unknown fields are ignored, and wrong types are errors.

Facts are from Truto's API reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    StringConstraints,
    TypeAdapter,
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
    "Item",
    "Named",
    "NotificationDestination",
    "Page",
    "Response",
    "TestResult",
    "UnreadableItem",
    "Webhook",
]

Text = Annotated[StrictStr, StringConstraints(min_length=1, max_length=8192)]
Id = Annotated[StrictStr, StringConstraints(pattern=f"^{ID.pattern}$")]


_Model = TypeVar("_Model", bound="Response")


class Response(BaseModel):
    """The base of all responses."""

    # Errors are shown to the user and could contain the secret otherwise.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, defer_build=True)

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


_TIME: Final = TypeAdapter(datetime)


def _normalize_time(value: object) -> object:
    """The time in UTC, as ``2024-09-01T10:00:00.000Z``: the format alone is never a change.

    Truto writes ``2021-08-10T10:00:00.000Z`` in one place and ``2024-09-01 10:00:00`` in others. A time without a zone
    is taken as UTC.
    """
    if not isinstance(value, str):
        return value
    try:
        return utc_text(_in_utc(_TIME.validate_python(value)))
    except ValidationError:
        raise ValueError("is not a time") from None


#: A time in a response, in one format.
Time = Annotated[StrictStr | None, BeforeValidator(_normalize_time)]


class Item(Response):
    """A resource of Truto's in a response: the fields that all have."""

    id: Id
    is_active: StrictBool
    environment_id: StrictStr | None = None
    created_at: Time = None
    updated_at: Time = None

    @property
    def display_name(self) -> str:
        """A name for lists, and the base of a resource name."""
        return self.id


class Webhook(Item):
    """A webhook in a response.

    Attributes:
        event_types: ``None``, absent and ``[]`` all mean every event.
    """

    target_url: Text
    event_types: list[StrictStr] | None = None

    @property
    def display_name(self) -> str:
        """The URL."""
        return self.target_url


class NotificationDestination(Item):
    """A notification destination in a response. Its `config` is shown in plain, with the URL of a Slack webhook.

    Attributes:
        event_types: ``None``, absent and ``[]`` all mean every event.
    """

    type: Text
    config: dict[str, Any] = Field(repr=False)
    label: StrictStr | None = None
    event_types: list[StrictStr] | None = None

    @property
    def display_name(self) -> str:
        """The label, or else the type."""
        return self.label or self.type


class CreatedWebhook(Webhook):
    """The response to the create, the only one with the signing secret: others may show a mask in its place."""

    secret: Text = Field(repr=False)


_Item = TypeVar("_Item", bound=Item)


@dataclass(frozen=True)
class UnreadableItem:
    """An item of a list that does not match Truto's API: its id, if it has one, and the first reason."""

    id: str | None
    reason: str


@dataclass(frozen=True)
class Page(Generic[_Item]):
    """One page of a list.

    Attributes:
        result: the valid items. An invalid one must not hide the others.
        unreadable: the invalid items.
        next_cursor: ``None`` on the last page.
    """

    result: list[_Item]
    unreadable: list[UnreadableItem]
    next_cursor: str | None

    @classmethod
    def parse(cls, item: type[_Item], body: bytes) -> Page[_Item]:
        """The page with this body; see `Response.parse`."""
        envelope = _Envelope.parse(body)
        page = cls([], [], envelope.next_cursor)
        for value in envelope.result:
            try:
                page.result.append(item.model_validate(value))
            except ValidationError as error:
                id_ = value.get("id") if isinstance(value, dict) else None
                is_id = isinstance(id_, str) and ID.fullmatch(id_)
                page.unreadable.append(UnreadableItem(id_ if is_id else None, _first_reason(error)))
        return page


class _Envelope(Response):
    """A list: Truto uses either key for some resources."""

    result: list[Any] = Field(validation_alias=AliasChoices("result", "results"))
    next_cursor: StrictStr | None = None


class CronTrigger(Response):
    """A cron trigger of a sync job: only the fields that name a webhook."""

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
