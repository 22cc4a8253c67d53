"""The format of the times that states and outputs have."""

from __future__ import annotations

from datetime import datetime

__all__ = ["utc_text"]


def utc_text(moment: datetime) -> str:
    """A moment in UTC, as ``2024-09-01T10:00:00.000Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
