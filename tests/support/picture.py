"""Reads the picture of a rotation in the README."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from typing import Final

from tests.support.commands import REPOSITORY

__all__ = ["PICTURE", "normalize", "picture_lines"]

PICTURE: Final = REPOSITORY / "docs" / "rotation.svg"


def picture_lines() -> list[str]:
    """The lines of the picture, without the durations in brackets and the spaces between words."""
    lines = defaultdict[str, str](str)
    for top, text in re.findall(r'<text .*?y="([\d.]+)".*?>(.*?)</text>', PICTURE.read_text(encoding="utf-8")):
        lines[top] += html.unescape(text)
    return [normalize(line) for line in lines.values()]


def normalize(line: str) -> str:
    """A line of the picture or of a run, as `picture_lines` has it."""
    return " ".join(re.sub(r"\([\d.]+s\)$", "", line).split())
