"""Validates the input of the sandbox: JSON, and models whose errors are one line that names the field."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, WrapValidator
from pydantic_core import PydanticCustomError

__all__ = [
    "OMITTED",
    "Count",
    "HttpsUrl",
    "Json",
    "Seconds",
    "StrictModel",
    "check_choice",
    "is_loopback",
    "parse_json",
    "parse_json_object",
    "rule",
]

Json = dict[str, Any]
#: The default of a field where only its presence counts; see pydantic's ``exclude_unset``.
OMITTED: Any = None
_Model = TypeVar("_Model", bound="StrictModel")

_REASONS = {
    "missing": "is required",
    "bool_type": "must be a boolean",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "list_type": "must be an array",
    "dict_type": "must be an object",
}


class StrictModel(BaseModel):
    """The base of all models: nothing is converted, unknown fields are errors.

    A validator that raises a ValueError states the whole message, a `rule` the part after the name of the field.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    _unknown_field: ClassVar[str] = "unknown field {name!r}: one of {known}"

    @classmethod
    def from_json(cls: type[_Model], fields: Mapping[str, Any]) -> _Model:
        """Returns the model that a JSON object describes.

        Raises:
            ValueError: a field is unknown, missing or invalid. The message is one line.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            raise ValueError(cls._first_reason(error)) from None

    @classmethod
    def _first_reason(cls, error: ValidationError) -> str:
        details = error.errors(include_url=False, include_input=False)[0]
        kind, name = details["type"], ".".join(map(str, details["loc"]))
        if kind == "value_error":
            return str(details["ctx"]["error"])
        if kind == "extra_forbidden":
            return cls._unknown_field.format(name=name, known=", ".join(cls.model_fields))
        if kind == "literal_error":
            return f"{name} must be one of {details['ctx']['expected'].replace(' or ', ', ')}".replace("'", "")
        return f"{name} {_REASONS.get(kind, details['msg'])}"


def rule(text: str) -> WrapValidator:
    """Gives every error of a field the same text, such as "must be a number"."""

    def validate(value: Any, handler: Any) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("rule", text) from None

    return WrapValidator(validate)


Count = Annotated[int, Field(ge=0), rule("must be a non-negative integer")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), rule("must be a non-negative number of seconds")]


def check_choice(noun: str, choices: Collection[str], value: object) -> object:
    """Returns the value if it is one of the choices. For lists that no type can state.

    Raises:
        ValueError: the value is not one of the choices.
    """
    if value not in choices:
        raise ValueError(f"unknown {noun} {value!r}: one of {', '.join(choices)}")
    return value


def parse_json(body: bytes) -> Any:
    """Parses JSON strictly: unlike Python's parser, it rejects NaN, Infinity and numbers that overflow.

    Returns:
        The value; None if the body is not valid JSON.
    """
    try:
        return json.loads(body, parse_constant=_parse_finite_float, parse_float=_parse_finite_float)
    except (ValueError, RecursionError):
        return None


def _parse_finite_float(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):  # 1e999 is valid JSON, but no response could contain the parsed number.
        raise ValueError(literal)
    return number


def parse_json_object(body: bytes) -> Json:
    """Parses a request's body; an empty body is ``{}``.

    Raises:
        ValueError: the body is not a JSON object.
    """
    parsed = parse_json(body or b"{}")
    if not isinstance(parsed, dict):
        raise ValueError("the body must be a JSON object")
    return parsed


def _check_https_url(value: str, info: ValidationInfo) -> str:
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port  # reading these properties validates them
    except ValueError:
        host = None
    if not host or not value.isprintable() or " " in value:
        raise ValueError(f"{info.field_name} must be a valid URL")
    # Truto requires https. The sandbox also accepts http: a receiver under development seldom has a certificate.
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise ValueError(f"{info.field_name} must be an https:// URL")
    return value


HttpsUrl = Annotated[str, AfterValidator(_check_https_url)]


# The client has its own implementation. The sandbox shares no code with it, so that both cannot have the same bug.
def is_loopback(host: str | None) -> bool:
    """Whether a host name, or an address without brackets, is loopback. Does not resolve names."""
    if host is None or host.lower() == "localhost":
        return host is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)
