"""A resource as a program wants it: what the monitor takes out of a request and the deployment brings about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi_truto.values import Properties

__all__ = ["Goal"]


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it, with the options that this engine supports."""

    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    delete_before_replace: bool | None = None
    protect: bool = False
    retain_on_delete: bool = False
    replacement_trigger: Any = None
    import_id: str = ""
