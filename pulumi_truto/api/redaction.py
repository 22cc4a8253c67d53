"""Keeps secrets out of errors and warnings."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ["Redactor"]

_MAX_LENGTH: Final = 300
#: A shorter string is no secret, and could be part of any word.
_SHORTEST_SECRET: Final = 4
#: A path contains ordinary words too.
_SHORTEST_PATH_SECRET: Final = 8
_URL: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")


class Redactor:
    """Replaces known secrets in text from elsewhere. Thread-safe.

    Args:
        api_token: the first secret.
    """

    def __init__(self, api_token: str) -> None:
        self._redacted = {api_token: "[api token]"}

    def add(self, *secrets: object) -> None:
        """From now on no text contains these strings, nor a part of them if they are URLs."""
        for secret in secrets:
            if isinstance(secret, str):
                self._redacted.update(dict.fromkeys(_parts_of(secret), "[secret]"))

    def sanitize(self, text: str) -> str:
        """The text, fit for one line of a log: no secrets, no control characters, at most 300 characters."""
        for secret, shown in sorted(self._redacted.copy().items(), key=lambda item: -len(item[0])):
            text = text.replace(secret, shown)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        # Of every URL only the origin stays: a path or a query can be a secret that nobody marked as one.
        text = _URL.sub(_origin_only, text)
        return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 3] + "..."


def _origin_only(url: re.Match[str]) -> str:
    origin = url[1] + url[2]
    return origin if url[0] == origin else f"{origin}/..."


def _parts_of(secret: str) -> set[str]:
    """What must not appear of a secret: all of it, and of a URL each of its parts too, as written and decoded."""
    parts = {secret}
    try:
        url = urlsplit(secret)
        if url.scheme and url.netloc:
            parts |= {url.netloc.rpartition("@")[0], url.path, url.query, f"{url.path}?{url.query}"}
            parts |= {pair.partition("=")[2] for pair in url.query.split("&")}
            parts |= {part for part in url.path.split("/") if len(part) >= _SHORTEST_PATH_SECRET}
    except ValueError:
        pass  # not a URL
    parts |= {unquote(part) for part in parts}
    return {part for part in parts if len(part) >= _SHORTEST_SECRET}
