"""Prints for a terminal and for the log of a CI system: a string from elsewhere is never a command to either."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["ask", "escape", "log", "show"]


def show(*lines: str) -> None:
    """Prints lines of the result."""
    for line in lines:
        _write(sys.stdout, escape(line) + "\n")


def log(message: str) -> None:
    """Prints a warning or an error."""
    _write(sys.stderr, escape(message) + "\n")


def ask(question: str) -> str:
    """Asks a question and returns the answer: empty if standard input is at its end or closed."""
    _write(sys.stderr, f"{escape(question)} ")
    return sys.stdin.readline() if sys.stdin else ""


def escape(line: str) -> str:
    r"""The text as one line without commands: control characters, and ``##[`` and ``##vso[`` anywhere in a line.

    The other commands of CI systems start a line, as no string from elsewhere does. The escapes mean the same in a
    Python string, and ``\u0023`` in a JSON string too.
    """
    printable = (
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in line
    )
    return "".join(printable).replace("##", r"#\u0023")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed, as `>&-` does; `print` would write to standard output in place of standard error
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        # Python would write the same again when it exits, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise
