"""The settings of one run of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pulumi.automation import ConfigValue

__all__ = ["ORGANIZATION", "RunSettings"]

#: The organization of every stack that is not in the Pulumi service.
ORGANIZATION: Final = "organization"


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run: a preview, an update, a refresh or a destroy.

    Attributes:
        project: the project's name.
        stack: the stack's name.
        config: the stack's configuration, keys with their namespace.
        dry_run: whether this is a preview, which changes nothing.
        parallel: the maximum number of operations in flight.
        has_mocks: whether mocks serve the packages that this engine cannot run.
    """

    project: str
    stack: str
    config: Mapping[str, ConfigValue]
    dry_run: bool
    parallel: int
    has_mocks: bool = False

    @property
    def config_values(self) -> dict[str, str]:
        """The values of the configuration, secrets in plain text."""
        return {key: each.value for key, each in self.config.items()}

    @property
    def config_secret_keys(self) -> list[str]:
        """The keys of the secret values."""
        return [key for key, each in self.config.items() if each.secret]
