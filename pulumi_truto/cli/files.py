"""Reads the JSON files that users give, and writes files that only they can read."""

from __future__ import annotations

import contextlib
import json
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from pulumi_truto.signature import secret_error

__all__ = ["parse_json", "read_secrets", "write_private"]


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8 or, with Windows, UTF-16.

    Raises:
        ValueError: it is not JSON, or its meaning is not certain. The message has no part of the data.
    """
    try:
        return json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_secrets(source: str | None) -> dict[str, str]:
    """The secrets by webhook id, from a file or, for ``-``, from standard input; none for ``None``.

    Raises:
        ValueError: it is not such a file, or a secret in it cannot be one. The message has no secret.
    """
    if source is None:
        return {}
    form = "--secrets must be a JSON object that maps webhook ids to secrets, both strings"
    standard_input = sys.stdin.buffer.read if sys.stdin else bytes
    try:
        secrets = parse_json(standard_input() if source == "-" else Path(source).read_bytes())
    except ValueError as error:
        raise ValueError(f"{form}: {error}") from None
    if not isinstance(secrets, dict) or not all(isinstance(secret, str) for secret in secrets.values()):
        raise ValueError(form)
    for id_, secret in secrets.items():
        if mistake := secret_error(secret):
            raise ValueError(f"the secret of webhook {id_} in --secrets {mistake}")
    return secrets


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, whole or not at all. A plain file of that name is replaced.

    Raises:
        OSError: it cannot be written. Nothing is left, and a file of that name is unchanged.
        ValueError: the path is a link, a folder or a device.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError(f"{path} is not a plain file. Name a new file")
    try:
        # In the same folder, because a file system replaces its own files only.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pulumi-truto-") as folder:
            file = Path(folder) / "new"
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            file.replace(path)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("an object has the same key twice")
    return values
