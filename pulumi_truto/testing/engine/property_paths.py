"""Paths to nested properties, such as ``tags["a.b"].list[0]`` and ``list[*]`` (Pulumi's ``properties_path.go``)."""

from __future__ import annotations

import re
from typing import Any, Final

from pulumi_truto.property_values import contains_unknown, is_secret, make_secret, unwrap_secrets

__all__ = ["Path", "changed_paths", "contains", "parse", "reset"]

#: Names of properties, indices of lists, and "*" for every one of them.
Path = tuple[str | int, ...]

_ELEMENT: Final = re.compile(
    r"""\.(?!$)|(?P<name>[^.[]+)|\[(?:(?P<index>-?\d+)|(?P<star>\*)|"(?P<quoted>(?:\\"|[^"\\]|\\(?!"))*)")\]"""
)


def parse(text: str) -> Path:
    """Returns the path that a text stands for; the empty path if it stands for none."""
    if text.startswith(".") or not re.fullmatch(f"(?:{_ELEMENT.pattern})*", text):
        return ()
    return tuple(_key(match) for match in _ELEMENT.finditer(text) if match[0] != ".")


def _key(match: re.Match[str]) -> str | int:
    if match["index"]:
        return int(match["index"])
    return match["name"] or match["star"] or match["quoted"].replace('\\"', '"')


def contains(path: Path, other: Path) -> bool:
    """Whether the other path leads to the same value, or to a part of it."""
    return len(path) <= len(other) and all(key in ("*", other_key) for key, other_key in zip(path, other, strict=False))


def reset(new: Any, old: Any, path: Path) -> Any:
    """Returns the new value with the old one at a path: the option ``ignore_changes``.

    Nothing is added to a list or removed from it. A value that was secret stays secret.
    """
    if is_secret(new):
        return make_secret(reset(new["value"], unwrap_secrets(old), path))
    if not path or not isinstance(new, dict | list):
        return new
    key, rest, is_list = path[0], path[1:], isinstance(new, list)
    is_same_type = isinstance(unwrap_secrets(old), type(new))
    if not is_same_type and (is_list or rest or key == "*"):
        return new
    olds, news = _elements(old) if is_same_type else {}, _elements(new)
    for name in [name for name in {**news, **olds} if key in ("*", name)]:
        if rest:
            if name in news and (name in olds or not (is_list or key == "*")):
                news[name] = reset(news[name], olds.get(name), rest)
        elif name in olds and (name in news or not is_list):
            news[name] = olds[name]
        elif not is_list:
            news.pop(name, None)
    return list(news.values()) if is_list else news


def changed_paths(old: Any, new: Any) -> list[Path]:
    """Returns the path of every part that differs. A secret equals its plain value, and an unknown value nothing."""
    old, new = unwrap_secrets(old), unwrap_secrets(new)
    if type(old) is not type(new) or not isinstance(new, dict | list):
        is_changed = old != new or isinstance(old, bool) != isinstance(new, bool) or contains_unknown(new)
        return [()] if is_changed else []
    olds, news = _elements(old), _elements(new)
    return [
        (name, *path)
        for name in {**olds, **news}
        for path in (changed_paths(olds[name], news[name]) if name in olds and name in news else [()])
    ]


def _elements(value: Any) -> dict[Any, Any]:
    """Returns the elements of an object or a list by their names or indices; those of a secret as secrets."""
    if is_secret(value):
        return {name: make_secret(element) for name, element in _elements(value["value"]).items()}
    return dict(enumerate(value)) if isinstance(value, list) else dict(value)
