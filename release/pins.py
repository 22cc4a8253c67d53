"""Finds the actions and images that the workflows use, and those that somebody could exchange."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import yaml

__all__ = ["Use", "uses"]

#: The keys of a workflow, or of an action, that name what is downloaded and run.
_KEYS: Final = ("uses", "container", "image")
_ACTION: Final = re.compile(r"[^\s@]+@[0-9a-f]{40}")
_IMAGE: Final = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
#: What follows an action on its line; a mapping in braces ends first.
_COMMENT: Final = re.compile(r"[}\] ]* # v\d+\.\d+\.\d+")


class Use(NamedTuple):
    """A use of an action or of an image.

    Attributes:
        text: what is used, with the rest of its line.
        is_pinned: whether a hash says which one, and for an action a comment says which version that is.
    """

    text: str
    is_pinned: bool


def uses(file: Path) -> list[Use]:
    """Returns what a workflow or an action uses. What lies in `.github` itself is left out."""
    text = file.read_text(encoding="utf-8")
    found = []
    for key, node in _values(yaml.compose(text, Loader=yaml.SafeLoader)):
        comment = text[node.end_mark.index :].partition("\n")[0].rstrip()
        if key == "uses" and not node.value.startswith("docker://"):
            is_pinned = bool(_ACTION.fullmatch(node.value) and _COMMENT.fullmatch(comment))
        else:
            is_pinned = bool(_IMAGE.fullmatch(node.value))
        if not node.value.startswith("./.github/"):
            found.append(Use(node.value + comment, is_pinned))
    return found


def _values(node: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Yields the values of the keys, at any depth and however they are written."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in _KEYS and isinstance(value, yaml.ScalarNode):
                yield key.value, value
            else:
                yield from _values(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _values(each)
