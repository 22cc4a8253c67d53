"""Keeps the token, signing secrets and everything after the origin of a URL out of errors and warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit

__all__ = ["Redactor"]

_MAX_LENGTH: Final = 300
_URL: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")
_WEB_URL: Final = re.compile("(?i)https?://")
#: Such a part of a path, as in ``/webhooks/orders``, is a word of Truto's own messages too.
_WORD: Final = re.compile(r"[a-z]{0,12}|.")
#: A shorter value of a query could be any number.
_SHORTEST_VALUE: Final = 3


class Redactor:
    """Replaces known secrets, and all but the origin of any URL, in strings from elsewhere. Thread-safe.

    Args:
        api_token: the API token.
    """

    def __init__(self, api_token: str) -> None:
        self._secrets = {api_token: "[api token]"}
        self._url_parts: set[str] = set()

    def add_secret(self, secret: object) -> None:
        """From now on no text contains this signing secret."""
        if isinstance(secret, str) and secret:
            self._secrets[secret] = "[secret]"

    def add_urls(self, values: object) -> None:
        """From now on no text contains a part of these URLs after its origin, even where the text is not a URL.

        Args:
            values: a URL, or an object or list that contains URLs at any depth.
        """
        if isinstance(values, str) and _WEB_URL.match(values):
            self._url_parts.update(_parts_of(values))
        elif isinstance(values, Mapping):
            self.add_urls([*values.values()])
        elif isinstance(values, (list, tuple)):
            for value in values:
                self.add_urls(value)

    def sanitize(self, text: str) -> str:
        """The text, fit for one line of a log: no secrets, no control characters, at most 300 characters."""
        for secret, replacement in self._secrets.copy().items():
            text = text.replace(secret, replacement)
        text = _URL.sub(_origin_only, text)
        for part in sorted(self._url_parts.copy(), key=len, reverse=True):
            if part in text:
                start = "" if part.startswith("/") else "(?<![A-Za-z0-9])"
                text = re.sub(rf"{start}{re.escape(part)}(?![A-Za-z0-9])", "[url]", text)
        text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
        text = text.replace("##", "# #")  # Azure Pipelines runs `##vso[...]`, wherever it is in a line of the log
        return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 3] + "..."


def _origin_only(url: re.Match[str]) -> str:
    origin = url[1] + url[2]
    return origin if url[0] == origin else f"{origin}/..."


def _parts_of(url: str) -> Iterator[str]:
    """The parts after the origin, each as written and decoded in both ways."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    path, user = parts.path.rstrip("/"), parts.netloc.rpartition("@")[0]
    words = [word for word in path.split("/") if not _WORD.fullmatch(word)]
    values = re.split("[&=;:]", f"{parts.query}&{parts.fragment}&{user}")
    sections = [f"{parts.path}?{parts.query}", parts.query, parts.fragment, path, user]
    for part in [*sections, *words, *(value for value in values if len(value) >= _SHORTEST_VALUE)]:
        yield from {part, unquote(part), unquote_plus(part)} - {"", "?"}
