"""The error responses of the Truto API."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pulumi_truto.sandbox.webhooks import Json

__all__ = ["ApiError"]

_KNOWN_STATUSES = frozenset(status.value for status in HTTPStatus)


class ApiError(Exception):
    """An error response of the API.

    Args:
        status: the HTTP status.
        message: what is wrong, for a person.
        headers: headers that belong to the error, such as ``Retry-After``.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def envelope(self) -> Json:
        """The body that Truto sends with every error."""
        return {
            "statusCode": self.status,
            "error": HTTPStatus(self.status).phrase if self.status in _KNOWN_STATUSES else "Error",
            "message": self.message,
        }
