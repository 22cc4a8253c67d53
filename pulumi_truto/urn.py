"""Takes URNs apart: ``urn:pulumi:<stack>::<project>::<parent's type>$<type>::<name>``."""

from __future__ import annotations

__all__ = ["name_of", "type_of"]


def type_of(urn: str) -> str:
    """The type of the resource, without the types of its parents; empty if this is not a URN."""
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") >= 3 else ""


def name_of(urn: str) -> str:
    """The name of the resource, which may contain anything."""
    return urn.split("::", 3)[3] if urn.count("::") >= 3 else ""
