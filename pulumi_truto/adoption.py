"""Keeps a webhook from being adopted twice: by its own replacement above all, which would then be deleted. Pure.

With ``adopt`` left in the program, a replacement "creates" by taking over the webhook that it replaces, and Pulumi then
deletes the replaced one: the same. A provider is not told that a create is a replacement, so a run remembers which
webhooks it has met as managed already.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from pulumi_truto.errors import ConfigurationError
from pulumi_truto.rules import Fault

__all__ = ["Adoptions"]


class Adoptions:
    """The webhooks that one run has met as managed. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._managed: set[str] = set()

    def managed(self, id_: str) -> None:
        """Says that a resource of the stack is this webhook."""
        with self._lock:
            self._managed.add(id_)

    def check(self, old_inputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[Fault]:
        """The fault of an adoption that cannot be. Pulumi checks a replacement a second time, without old inputs."""
        adopted = inputs.get("adopt")
        if not isinstance(adopted, str) or not adopted:
            return []
        if old_inputs:
            if old_inputs.get("adopt") == adopted:
                self.managed(adopted)
            return []
        with self._lock:
            return [Fault("adopt", _REASON)] if adopted in self._managed else []

    def require_free(self, inputs: Mapping[str, Any]) -> None:
        """Raises `ConfigurationError` where a create would adopt a webhook that the stack has already."""
        adopted = inputs.get("adopt")
        if not adopted:
            return
        with self._lock:
            if adopted in self._managed:
                raise ConfigurationError(f"cannot adopt the webhook {adopted}: adopt {_REASON}")
            self._managed.add(adopted)


_REASON = (
    "names a webhook that this stack manages already: a replacement, or a second resource, would take it over, and the "
    "first of the two to go would delete it. Remove `adopt` where it has done its work, and run `pulumi up` again"
)
