"""What goes over the wire, as pydantic models: unknown fields are tolerated, wrong types are not.

Imported while the first connection is made (see `pulumi_truto.client`); must not import pulumi or requests. Facts are
from Truto's API reference.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, TypeVar

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

from pulumi_truto.rules import ID

__all__ = ["Answer", "Deleted", "ErrorEnvelope", "TestResult", "Webhook", "WebhookPage"]

Text = Annotated[StrictStr, StringConstraints(min_length=1, max_length=8192)]
Id = Annotated[StrictStr, StringConstraints(pattern=f"^{ID.pattern}$")]


_Model = TypeVar("_Model", bound="Answer")


class Answer(BaseModel):
    """What all answers have in common."""

    # Errors are shown to the user and could hold the secret otherwise.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @classmethod
    def of(cls: type[_Model], body: bytes) -> _Model:
        """The answer with this body.

        Raises:
            ValueError: it is not what Truto's API promises; says the first reason, and nothing of what the body holds.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None


class Webhook(Answer):
    """A webhook as Truto shows it.

    Attributes:
        event_types: ``None``, absent and ``[]`` all mean every event.
        secret: the signing secret, on the answer to the create only.
        created_at: in UTC. Truto writes ``2021-08-10T10:00:00.000Z`` in one place and ``2024-09-01 10:00:00`` in
            others; a time without a zone is taken as UTC.
    """

    id: Id
    target_url: Text
    is_active: StrictBool
    event_types: list[StrictStr] | None = None
    environment_id: StrictStr | None = None
    secret: Text | None = Field(default=None, repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @field_validator("created_at", "updated_at", mode="before")
    @classmethod
    def _only_text(cls, value: object) -> object:
        if value is not None and not isinstance(value, str):
            raise ValueError("must be a text")
        return value

    @field_validator("created_at", "updated_at")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        try:
            return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
        except OverflowError:
            raise ValueError("is out of range") from None

    @property
    def created_at_text(self) -> str | None:
        """``created_at`` in one form, whichever Truto used, so that the form alone is never a change."""
        return _text(self.created_at)

    @property
    def updated_at_text(self) -> str | None:
        """``updated_at`` in one form, whichever Truto used."""
        return _text(self.updated_at)


class WebhookPage(Answer):
    """One page of ``GET /webhook``; ``next_cursor`` is ``None`` on the last one."""

    result: list[Webhook]
    next_cursor: StrictStr | None = None


class Deleted(Answer):
    """The answer to ``DELETE /webhook/{id}``, where it is not an empty 204."""

    id: Id


class TestResult(Answer):
    """The answer to ``POST /webhook/test``."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    success: StrictBool


class ErrorEnvelope(Answer):
    """The body of every error. Each field is optional: a proxy's error has none of them."""

    error: str | None = None
    message: str | list[str] | None = None


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
