"""Shortcuts to validate the inputs of a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulumi_truto.input_errors import CheckResult
from pulumi_truto.webhook.webhook_type import WEBHOOK

URL: Final = "https://hooks.example.com/truto"


def check(declared: Mapping[str, Any], api_on_loopback: bool = False) -> CheckResult:
    """Checks the inputs of a new webhook."""
    return WEBHOOK.check(declared, {}, api_on_loopback=api_on_loopback)


def validate(api_on_loopback: bool = False, **inputs: Any) -> CheckResult:
    """Validates inputs with a valid target URL, unless another one is given."""
    return check({"target_url": URL, **inputs}, api_on_loopback=api_on_loopback)


def error_messages(api_on_loopback: bool = False, **inputs: Any) -> list[str]:
    """The messages of all errors, as the user reads them; see `validate`."""
    return [error.message(str) for error in validate(api_on_loopback, **inputs).errors]


def canonical(declared: Mapping[str, Any]) -> Any:
    """The canonical form of inputs, which must be valid."""
    result = check(declared)
    assert result.errors == []
    return result.inputs
