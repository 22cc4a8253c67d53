"""The steps of a scenario.

A program can use `pulumi`, `truto`, `URL`, and:

- `IDS`: the ids of the webhooks at Truto, by the path of their target URL
- `STAGING`: the arguments of a `truto.Provider` for another Truto environment
- `prop(name)`: the name of a property in Pulumi, for options such as `ignore_changes`
- `Receiver(name, path, opts, hook_opts)`: a component with one webhook, `.hook`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Create", "Edit", "Fault", "Remove", "Run", "Step", "destroy", "preview", "refresh", "up"]


@dataclass(frozen=True)
class Run:
    """A run of the engine.

    Attributes:
        verb: the command.
        program: the new program; ``None`` keeps the previous one.
        any_order: whether the calls to Truto may come in any order; those that only read do not count then.
    """

    verb: Literal["preview", "up", "refresh", "destroy"]
    program: str | None = None
    any_order: bool = False


@dataclass(frozen=True)
class Create:
    """Somebody creates a webhook by hand."""

    path: str


@dataclass(frozen=True)
class Edit:
    """Somebody changes a webhook by hand."""

    path: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Remove:
    """Somebody deletes a webhook by hand."""

    path: str


@dataclass(frozen=True)
class Fault:
    """Truto rejects one call of this operation, after ``skip`` successful calls."""

    operation: str
    skip: int = 0
    fields: dict[str, Any] = field(default_factory=lambda: {"status": 422, "message": "refused"})


Step = Run | Create | Edit | Remove | Fault


def up(program: str, *, any_order: bool = False) -> Run:
    """`pulumi up` of this program."""
    return Run("up", program, any_order)


def preview(program: str) -> Run:
    """`pulumi preview` of this program."""
    return Run("preview", program)


def refresh(*, any_order: bool = False) -> Run:
    """`pulumi refresh`."""
    return Run("refresh", any_order=any_order)


def destroy(*, any_order: bool = False) -> Run:
    """`pulumi destroy`."""
    return Run("destroy", any_order=any_order)
