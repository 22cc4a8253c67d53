"""Reads the sections of CHANGELOG.md."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from release.project import read

__all__ = ["UNRELEASED", "Section", "find_section"]

UNRELEASED: Final = "Unreleased"

_HEADING: Final = re.compile(r"^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


class Section(NamedTuple):
    """A section of the changelog.

    Attributes:
        date: when the version was released, as YYYY-MM-DD; empty if the heading has none.
        text: what changed, as Markdown.
    """

    date: str
    text: str

    @property
    def entries(self) -> int:
        """The number of changes."""
        return len(re.findall(r"^[-*+] ", self.text, re.MULTILINE))


def find_section(version: str) -> Section | None:
    """Returns the section of a version, or of what is not released yet (`UNRELEASED`); None if there is none."""
    parts = _HEADING.split(read("CHANGELOG.md"))
    for name, date, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if name == version:
            return Section(date or "", text.strip())
    return None
