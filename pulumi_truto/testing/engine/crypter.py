"""Encrypts the secrets in a stack's state with a passphrase."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pulumi_truto.property_values import SECRET, SIGNATURE, is_secret

__all__ = ["Crypter"]


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
            return {name: self.encrypt(each) for name, each in value.items()}
        return [self.encrypt(each) for each in value] if isinstance(value, list) else value

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
            return {name: self.decrypt(each) for name, each in value.items()}
        return [self.decrypt(each) for each in value] if isinstance(value, list) else value
