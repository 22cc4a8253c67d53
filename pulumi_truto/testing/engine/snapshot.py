"""The snapshot of a stack: its resources, saved to a file in the form of Pulumi's deployment, version 3."""

from __future__ import annotations

import base64
import functools
import json
import math
import os
import secrets
import struct
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pulumi_truto.property_values import SECRET, SIGNATURE, is_secret
from pulumi_truto.testing.engine.resource import Resource

__all__ = ["DEPLOYMENT_VERSION", "Snapshot", "encode"]

DEPLOYMENT_VERSION: Final = 3
#: The mark of a number that JSON does not have.
_NUMBER: Final = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"


@functools.lru_cache
def _derive_key(passphrase: str, salt: str) -> Fernet:
    key = Scrypt(salt=base64.b64decode(salt), length=32, n=2**14, r=8, p=1).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def encode(value: Any, key: Fernet | None = None) -> Any:
    """Returns the value as JSON has it: its secrets as ciphertexts, and numbers such as infinity in Pulumi's form."""
    if key is not None and is_secret(value):
        plaintext = json.dumps(encode(value["value"]))
        return {SIGNATURE: SECRET, "ciphertext": key.encrypt(plaintext.encode()).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {SIGNATURE: _NUMBER, "value": struct.pack(">d", value).hex()}
    if isinstance(value, dict):
        return {name: encode(item, key) for name, item in value.items()}
    return [encode(item, key) for item in value] if isinstance(value, list) else value


def _decode(value: Any, key: Fernet) -> Any:
    """Returns the value that was encoded; the secrets of an export may be plain text."""
    if is_secret(value):
        try:
            plaintext = value["plaintext"] if "plaintext" in value else key.decrypt(value["ciphertext"].encode())
        except InvalidToken:
            raise ValueError("PULUMI_CONFIG_PASSPHRASE is not the passphrase of this state") from None
        return {SIGNATURE: SECRET, "value": _decode(json.loads(plaintext), key)}
    if isinstance(value, dict):
        if value.get(SIGNATURE) == _NUMBER:
            return struct.unpack(">d", bytes.fromhex(value["value"]))[0]
        return {name: _decode(item, key) for name, item in value.items()}
    return [_decode(item, key) for item in value] if isinstance(value, list) else value


class Snapshot:
    """The resources of a stack, saved to the file after every change. Thread-safe.

    During a run, the snapshot has two parts: the resources that the run has recorded, in order, and the resources of
    the previous run that it has not visited yet. Both are saved, so that an interrupted run loses nothing. A preview
    saves nothing.

    Args:
        file: the state file, which may not exist yet.
        passphrase: encrypts the secrets; it may be empty.

    Raises:
        ValueError: the state has another passphrase or an unsupported version.
    """

    def __init__(self, file: Path, passphrase: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._unvisited: list[Resource] = []
        self._old_by_urn: dict[str, Resource] = {}
        self._new_by_urn: dict[str, Resource] = {}
        self._dry_run = False
        self._save_requests = 0
        self._save_lock = threading.Lock()
        self._saved_requests = 0
        self._serialized: dict[Resource, tuple[list[Any], str]] = {}
        document = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if document.get("version", DEPLOYMENT_VERSION) != DEPLOYMENT_VERSION:
            raise ValueError(f"{file}: version {document['version']} of the state is not supported")
        self._salt: str = document.get("salt") or base64.b64encode(secrets.token_bytes(16)).decode()
        self._key = _derive_key(passphrase, self._salt)
        self._recorded = self._read(document.get("resources", []))

    @property
    def resources(self) -> list[Resource]:
        """Every resource, dependencies before their dependents."""
        with self._lock:
            return [*self._recorded, *self._unvisited]

    @property
    def unvisited(self) -> list[Resource]:
        """The resources of the previous run that this run has not recorded yet."""
        with self._lock:
            return list(self._unvisited)

    def begin_run(self, *, dry_run: bool) -> None:
        """Starts a run: every resource is unvisited."""
        with self._lock:
            self._dry_run = dry_run
            self._unvisited = [*self._recorded, *self._unvisited]
            self._recorded, self._new_by_urn = [], {}
            self._old_by_urn = {resource.urn: resource for resource in self._unvisited if not resource.delete}

    def old(self, urn: str) -> Resource | None:
        """Returns the resource with this URN at the start of the run."""
        return self._old_by_urn.get(urn)

    def current(self, urn: str) -> Resource | None:
        """Returns the resource with this URN: recorded by this run, or otherwise left by the previous one."""
        return self._new_by_urn.get(urn) or self._old_by_urn.get(urn)

    def record(self, new: Resource | None, old: Resource | None, *, save: bool = True) -> None:
        """Replaces the old resource by the new one; ``None`` stands for a deleted or a not yet existing resource."""
        with self._lock:
            if old is not None:
                self._unvisited = [resource for resource in self._unvisited if resource is not old]
                self._recorded = [resource for resource in self._recorded if resource is not old]
            if new is not None:
                self._recorded.append(new)
                self._new_by_urn[new.urn] = new
        if save:
            self.save()

    def refresh(self, new: Resource | None, old: Resource) -> None:
        """Replaces a resource in its place in the order; ``None`` stands for one that does not exist any more."""
        with self._lock:
            index = self._unvisited.index(old)
            self._unvisited[index : index + 1] = [] if new is None else [new]
        self.save()

    def drop_dangling_references(self) -> None:
        """Drops every reference to a resource that does not come earlier, as Pulumi does after a refresh."""
        with self._lock:
            urns: set[str] = set()
            for resource in self._unvisited:
                resource.keep_references(urns)
                urns.add(resource.urn)

    def rename(self, old_urn: str, new_urn: str) -> None:
        """Replaces every reference to a URN in the snapshot."""
        with self._lock:
            for resource in [*self._recorded, *self._unvisited]:
                resource.update_references(old_urn, new_urn)

    def save(self) -> None:
        """Writes the file. Simultaneous calls share one write."""
        if self._dry_run:
            return
        with self._lock:
            self._save_requests += 1
            request = self._save_requests
        with self._save_lock:
            if self._saved_requests >= request:
                return
            with self._lock:
                requests, resources = self._save_requests, [*self._recorded, *self._unvisited]
            self._write(resources)
            self._saved_requests = requests

    def export(self) -> dict[str, Any]:
        """Returns the deployment with its secrets encrypted."""
        resources = [encode(resource.to_json(), self._key) for resource in self.resources]
        return {
            "manifest": {"time": "", "magic": "", "version": ""},
            "secrets_providers": {"type": "passphrase"},
            "resources": resources,
        }

    def replace(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Replaces all resources, by those of an export, and writes the file."""
        self._recorded, self._unvisited = self._read(documents), []
        self.save()

    def _read(self, documents: Sequence[Mapping[str, Any]]) -> list[Resource]:
        return [Resource.from_json(_decode(document, self._key)) for document in documents]

    def _write(self, resources: list[Resource]) -> None:
        self._serialized = {resource: self._serialize(resource) for resource in resources}
        lines = ",\n".join(line for _, line in self._serialized.values())
        document = f'{{"version": {DEPLOYMENT_VERSION}, "salt": "{self._salt}", "resources": [\n{lines}\n]}}\n'
        # Written to a second file and renamed: if the process dies here, the old state stays intact.
        temporary = self._file.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(document)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._file)

    def _serialize(self, resource: Resource) -> tuple[list[Any], str]:
        """Returns the values and the encrypted JSON of a resource, from the last write if no value was replaced."""
        values = resource.values()
        cached = self._serialized.get(resource)
        if cached is not None and all(old is new for old, new in zip(cached[0], values, strict=True)):
            return cached
        return values, json.dumps(encode(resource.to_json(), self._key))
