"""The snapshot of a stack: its resources, saved to a file in the form of Pulumi's deployment, version 3."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pulumi_truto.property_values import SECRET, SIGNATURE, is_secret
from pulumi_truto.testing.engine.resource import Resource

__all__ = ["DEPLOYMENT_VERSION", "Crypter", "Snapshot"]

DEPLOYMENT_VERSION: Final = 3


class Crypter:
    """Encrypts and decrypts the secrets of one stack.

    Args:
        passphrase: the passphrase; it may be empty.
        salt: the salt that the key is derived with.
    """

    def __init__(self, passphrase: str, salt: bytes) -> None:
        self.salt = salt
        key = Scrypt(salt=salt, length=32, n=2**14, r=8, p=1).derive(passphrase.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, value: Any) -> Any:
        """Returns the value with every secret in it replaced by its ciphertext."""
        if is_secret(value):
            plaintext = json.dumps(value["value"])
            return {SIGNATURE: SECRET, "ciphertext": self._fernet.encrypt(plaintext.encode()).decode()}
        if isinstance(value, dict):
            return {name: self.encrypt(item) for name, item in value.items()}
        return [self.encrypt(item) for item in value] if isinstance(value, list) else value

    def decrypt(self, value: Any) -> Any:
        """Returns the value with every ciphertext, and every plaintext of an export, replaced by the secret.

        Raises:
            ValueError: the passphrase is wrong.
        """
        if isinstance(value, dict) and value.get(SIGNATURE) == SECRET and "plaintext" in value:
            return {SIGNATURE: SECRET, "value": json.loads(value["plaintext"])}
        if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
            try:
                plaintext = self._fernet.decrypt(value["ciphertext"].encode())
            except InvalidToken:
                raise ValueError("PULUMI_CONFIG_PASSPHRASE is not the passphrase of this state") from None
            return {SIGNATURE: SECRET, "value": json.loads(plaintext)}
        if isinstance(value, dict):
            return {name: self.decrypt(item) for name, item in value.items()}
        return [self.decrypt(item) for item in value] if isinstance(value, list) else value


class Snapshot:
    """The resources of a stack, saved to the file after every change. Thread-safe.

    During a run, the snapshot has two parts: the resources that the run has recorded, in order, and the resources of
    the previous run that it has not visited yet. Both are saved, so that an interrupted run loses nothing. A preview
    saves nothing.
    """

    def __init__(self, file: Path, crypter: Crypter) -> None:
        self._file = file
        self._crypter = crypter
        self._lock = threading.Lock()
        self._recorded: list[Resource] = []
        self._unvisited: list[Resource] = []
        self._old_by_urn: dict[str, Resource] = {}
        self._new_by_urn: dict[str, Resource] = {}
        self._dry_run = False
        self._save_requests = 0
        self._save_lock = threading.Lock()
        self._saved_requests = 0
        self._serialized: dict[Resource, tuple[list[Any], str]] = {}
        self._load()

    @staticmethod
    def read_salt(file: Path) -> bytes | None:
        """Returns the salt of the secrets in a state file, or ``None`` if the file does not exist."""
        if not file.exists():
            return None
        return base64.b64decode(json.loads(file.read_text(encoding="utf-8"))["salt"])

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
        resources = [self._crypter.encrypt(resource.to_json()) for resource in self.resources]
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
        return [Resource.from_json(self._crypter.decrypt(document)) for document in documents]

    def _write(self, resources: list[Resource]) -> None:
        self._serialized = {resource: self._serialize(resource) for resource in resources}
        salt = base64.b64encode(self._crypter.salt).decode()
        lines = ",\n".join(line for _, line in self._serialized.values())
        document = f'{{"version": {DEPLOYMENT_VERSION}, "salt": "{salt}", "resources": [\n{lines}\n]}}\n'
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
        return values, json.dumps(self._crypter.encrypt(resource.to_json()))

    def _load(self) -> None:
        if not self._file.exists():
            return
        document = json.loads(self._file.read_text(encoding="utf-8"))
        if document["version"] != DEPLOYMENT_VERSION:
            raise ValueError(f"{self._file}: version {document['version']} of the state is not supported")
        self._recorded = self._read(document["resources"])
