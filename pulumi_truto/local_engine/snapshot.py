"""The state of a stack: its resources, in a file with every secret encrypted. Knows nothing of providers.

The form is Pulumi's deployment, version 3, as far as the engine has use for it.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pulumi_truto.property_values import SECRET, SIGNATURE, Properties, is_secret

__all__ = ["Crypter", "Resource", "Snapshot"]

VERSION: Final = 3
#: Pulumi's names of these in a deployment, where they are not simply camel case.
_NAMES: Final = {
    "urn": "urn",
    "custom": "custom",
    "id": "id",
    "type": "type",
    "inputs": "inputs",
    "outputs": "outputs",
    "parent": "parent",
    "provider": "provider",
    "dependencies": "dependencies",
    "additional_secret_outputs": "additionalSecretOutputs",
    "protect": "protect",
    "retain_on_delete": "retainOnDelete",
    "external": "external",
    "delete": "delete",
    "pending_replacement": "pendingReplacement",
    "property_dependencies": "propertyDependencies",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "replacement_trigger": "replacementTrigger",
    "init_errors": "initErrors",
}


@dataclass(eq=False)
class Resource:
    """A resource as it was when it was last touched.

    Attributes:
        provider: the reference ``<urn>::<id>`` of its provider; empty for a component or a provider.
        external: only read by the program, never managed.
        delete: replaced already, still to be deleted.
        pending_replacement: deleted already, still to be created again.
        init_errors: why the last operation failed although the resource is there.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    protect: bool = False
    retain_on_delete: bool = False
    external: bool = False
    delete: bool = False
    pending_replacement: bool = False
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replacement_trigger: Any = None

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[3]

    @property
    def provider_urn(self) -> str:
        """The URN of its provider; empty for a component or a provider."""
        return self.provider.rpartition("::")[0]

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider instance."""
        return self.type.startswith("pulumi:providers:")

    @property
    def is_managed(self) -> bool:
        """Whether a provider creates, updates and deletes it."""
        return self.custom and not self.is_provider and not self.external

    @property
    def is_default_provider(self) -> bool:
        """Whether this is the provider instance of a package that no program declares: it is not shown or counted."""
        return self.is_provider and self.name == "default"

    def follow(self, before: str, now: str) -> None:
        """Refers to another resource by its new URN."""
        if self.parent == before:
            self.parent = now
        if self.provider_urn == before:
            self.provider = now + self.provider.removeprefix(before)
        if before in self.dependencies:
            self.dependencies = [now if each == before else each for each in self.dependencies]
        if any(before in urns for urns in self.property_dependencies.values()):
            self.property_dependencies = {
                name: [now if each == before else each for each in urns]
                for name, urns in self.property_dependencies.items()
            }


class Crypter:
    """Encrypts the secrets of one stack with a passphrase."""

    def __init__(self, passphrase: str, salt: bytes) -> None:
        self.salt = salt
        key = Scrypt(salt=salt, length=32, n=2**14, r=8, p=1).derive(passphrase.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, value: Any) -> Any:
        """The value with every secret in it replaced by its cipher text."""
        if is_secret(value):
            text = json.dumps(value["value"])
            return {SIGNATURE: SECRET, "ciphertext": self._fernet.encrypt(text.encode()).decode()}
        if isinstance(value, dict):
            return {name: self.encrypt(each) for name, each in value.items()}
        return [self.encrypt(each) for each in value] if isinstance(value, list) else value

    def decrypt(self, value: Any) -> Any:
        """The opposite of `encrypt`."""
        if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
            try:
                text = self._fernet.decrypt(value["ciphertext"].encode())
            except InvalidToken:
                raise ValueError("the passphrase does not fit to the state: PULUMI_CONFIG_PASSPHRASE") from None
            return {SIGNATURE: SECRET, "value": json.loads(text)}
        if isinstance(value, dict):
            return {name: self.decrypt(each) for name, each in value.items()}
        return [self.decrypt(each) for each in value] if isinstance(value, list) else value


class Snapshot:
    """The resources of a stack, saved to the file after every change.

    During a run there are the resources that the run has settled, in order, and those of the last run that it has
    not come to. Both are saved, so that a run that stops half-way loses nothing. In a preview nothing is saved.
    """

    def __init__(self, file: Path, crypter: Crypter) -> None:
        self._file = file
        self._crypter = crypter
        self._lock = threading.Lock()
        self._recorded: list[Resource] = []
        self._olds: list[Resource] = []
        self._befores: dict[str, Resource] = {}
        self._current: dict[str, Resource] = {}
        self._dry_run = False
        self._changes = 0
        self._writing = threading.Lock()
        self._written = 0
        self._texts: dict[Resource, tuple[list[Any], str]] = {}
        self._load()

    @staticmethod
    def salt_of(file: Path) -> bytes | None:
        """The salt that the secrets in this file are encrypted with; ``None`` where there is no file yet."""
        if not file.exists():
            return None
        return base64.b64decode(json.loads(file.read_text(encoding="utf-8"))["salt"])

    @property
    def resources(self) -> list[Resource]:
        """Every resource, dependencies before what depends on them."""
        with self._lock:
            return [*self._recorded, *self._olds]

    @property
    def olds(self) -> list[Resource]:
        """What the run has not come to yet."""
        with self._lock:
            return list(self._olds)

    def begin(self, *, dry_run: bool) -> None:
        """Starts a run: nothing is settled yet."""
        with self._lock:
            self._dry_run = dry_run
            self._olds = [*self._recorded, *self._olds]
            self._recorded, self._current = [], {}
            self._befores = {each.urn: each for each in self._olds if not each.delete}

    def before(self, urn: str) -> Resource | None:
        """The resource of this URN as the run began."""
        return self._befores.get(urn)

    def now(self, urn: str) -> Resource | None:
        """The resource of this URN: settled by this run, or left by the last one."""
        return self._current.get(urn) or self._befores.get(urn)

    def record(self, new: Resource | None, old: Resource | None, *, save: bool = True) -> None:
        """Puts the new resource in place of the old one; ``None`` for a resource that is gone or was not there."""
        with self._lock:
            if old is not None:
                self._olds = [each for each in self._olds if each is not old]
                self._recorded = [each for each in self._recorded if each is not old]
            if new is not None:
                self._recorded.append(new)
                self._current[new.urn] = new
        if save:
            self.save()

    def rename(self, before: str, now: str) -> None:
        """Lets everything that refers to a URN refer to the one that it has now."""
        with self._lock:
            for each in [*self._recorded, *self._olds]:
                each.follow(before, now)

    def save(self) -> None:
        """Writes the file. What several threads ask for at once is written once."""
        if self._dry_run:
            return
        with self._lock:
            self._changes += 1
            mine = self._changes
        with self._writing:
            if self._written >= mine:
                return
            with self._lock:
                upto, resources = self._changes, [*self._recorded, *self._olds]
            self._write(resources)
            self._written = upto

    def export(self) -> dict[str, Any]:
        """The deployment, with its secrets encrypted."""
        resources = [self._crypter.encrypt(_to_json(each)) for each in self.resources]
        return {
            "manifest": {"time": "", "magic": "", "version": ""},
            "secrets_providers": {"type": "passphrase"},
            "resources": resources,
        }

    def _write(self, resources: list[Resource]) -> None:
        self._texts = {each: self._text(each) for each in resources}
        salt = base64.b64encode(self._crypter.salt).decode()
        texts = ",\n".join(text for _, text in self._texts.values())
        document = f'{{"version": {VERSION}, "salt": "{salt}", "resources": [\n{texts}\n]}}\n'
        # Written beside and moved into place: a process that dies here leaves the old state whole.
        temporary = self._file.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(document)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._file)

    def _text(self, resource: Resource) -> tuple[list[Any], str]:
        """The resource as text, encrypted and written out only where it is not what it was when it was last written.

        What a resource holds is replaced, never changed in place.
        """
        values = [getattr(resource, name) for name in _NAMES]
        known = self._texts.get(resource)
        if known is not None and all(old is new for old, new in zip(known[0], values, strict=True)):
            return known
        return values, json.dumps(self._crypter.encrypt(_to_json(resource)))

    def _load(self) -> None:
        if not self._file.exists():
            return
        document = json.loads(self._file.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise ValueError(f"{self._file}: version {document['version']} of the state is not known")
        self._recorded = [_from_json(self._crypter.decrypt(each)) for each in document["resources"]]


def _to_json(resource: Resource) -> dict[str, Any]:
    values = {external: getattr(resource, internal) for internal, external in _NAMES.items()}
    required = ("urn", "custom", "type")
    return {name: value for name, value in values.items() if name in required or value not in ("", [], {}, False, None)}


def _from_json(document: Mapping[str, Any]) -> Resource:
    return Resource(**{mine: document[theirs] for mine, theirs in _NAMES.items() if theirs in document})
