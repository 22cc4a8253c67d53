"""Errors and warnings about inputs. None contains a value, which can be a secret."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CheckResult", "InputError", "closest", "describe_type", "unexpected"]


@dataclass(frozen=True)
class InputError:
    """One error in one input, or a warning.

    Attributes:
        property: the input, or a part of one as in ``config.webhook_url``.
        reason: why it is invalid or looks like a mistake, and how to fix that. It never contains the value.
        suggestion: the name that was probably meant.
        known: the names that are possible.
    """

    property: str
    reason: str
    suggestion: str = ""
    known: tuple[str, ...] = ()

    def message(self, display_name: Callable[[str], str]) -> str:
        """The message for the user, with the names that the program uses.

        Pulumi gets it as an error of the whole resource. For an error of a property it would show the property's value,
        which may be a secret or a URL that contains one.
        """
        message = f"{display_name(self.property)}{'' if self.reason.startswith('[') else ' '}{self.reason}"
        if self.suggestion:
            return f"{message}. Did you mean {display_name(self.suggestion)}?"
        return f"{message}: it has {', '.join(map(display_name, self.known))}" if self.known else message


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Attributes:
        inputs: the canonical inputs; meaningless if there are errors.
        errors: every error of every input.
        warnings: accepted inputs that look like mistakes, in the same form.
    """

    inputs: dict[str, Any]
    errors: list[InputError] = field(default_factory=list)
    warnings: list[InputError] = field(default_factory=list)


def unexpected(declared: Collection[str], known: Collection[str], owner: str, prefix: str = "") -> list[InputError]:
    """The errors for declared names that are not known. Pulumi's own start with two underscores.

    Args:
        declared: the declared names.
        known: the known names.
        owner: the thing that has them, as in "a Webhook".
        prefix: the input that contains the names, with a dot; empty for inputs.
    """
    errors = []
    for name in sorted(declared):
        if name in known or name.startswith("__"):
            continue
        match = closest(name, known) or next((word for word in known if word.lower() == name.lower()), "")
        names = () if match else tuple(sorted(known))
        errors.append(InputError(prefix + name, f"is not an input of {owner}", match, names))
    return errors


def closest(name: str, names: Collection[str]) -> str | None:
    """The name that is most like a misspelt one; ``None`` if none is like it."""
    import difflib  # seldom needed, and the provider starts sooner without it

    return next(iter(difflib.get_close_matches(name, sorted(names), n=1)), None)


def describe_type(value: object) -> str:
    """The type of a value, in words that never show the value."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "null" if value is None else f"a value of the type {type(value).__name__}"
