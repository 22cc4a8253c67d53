"""The settings of one run of a stack, and the providers that its user passes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pulumi.automation import ConfigValue
from pulumi.runtime.mocks import Mocks

from pulumi_truto.testing.engine.urns import UrnBuilder

__all__ = ["DYNAMIC_PACKAGE", "ORGANIZATION", "Providers", "RunSettings"]

#: The package of the resources with a dynamic provider.
DYNAMIC_PACKAGE: Final = "pulumi-python"
#: The organization of every stack that is not in the Pulumi service.
ORGANIZATION: Final = "organization"


@dataclass(frozen=True)
class Providers:
    """The providers that the engine runs in addition to dynamic providers.

    Attributes:
        modules: the module that starts a provider, by package.
        preloaded: the modules that most programs and providers need, for the server that forks them.
        import_hint: the advice in place of the option ``import_``, which does not work with a dynamic provider.
        missing_hint: what to do if nothing serves a resource or function; ``{token}`` stands for its type token.
        lost_create_hint: the remedy if a provider ended during a create.
    """

    modules: Mapping[str, str] = field(default_factory=dict)
    preloaded: Sequence[str] = ()
    import_hint: str = "leave it out"
    missing_hint: str = "pass mocks for {token}, or use the Pulumi CLI"
    lost_create_hint: str = ""

    def module(self, package: str) -> str | None:
        """Returns the module that starts the provider of a package."""
        return "pulumi.dynamic" if package == DYNAMIC_PACKAGE else self.modules.get(package)


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run: a preview, an update, a refresh or a destroy.

    Attributes:
        project: the project's name.
        stack: the stack's name.
        root_dir: the folder of `Pulumi.yaml`.
        work_dir: the folder of the program, in which every process runs.
        env: the environment variables of every process.
        config: the stack's configuration, keys with their namespace.
        providers: the providers that the engine runs.
        mocks: serve all other packages.
        parallel: the maximum number of operations in flight.
        dry_run: whether this is a preview, which changes nothing.
    """

    project: str
    stack: str
    root_dir: Path
    work_dir: Path
    env: Mapping[str, str]
    config: Mapping[str, ConfigValue]
    providers: Providers
    mocks: Mocks | None = None
    parallel: int = 16
    dry_run: bool = False

    @property
    def urns(self) -> UrnBuilder:
        """Builds the stack's URNs."""
        return UrnBuilder(self.stack, self.project)

    @property
    def config_values(self) -> dict[str, str]:
        """The values of the configuration, secrets in plain text."""
        return {key: setting.value for key, setting in self.config.items()}

    @property
    def config_secret_keys(self) -> list[str]:
        """The keys of the secret values."""
        return [key for key, setting in self.config.items() if setting.secret]

    def serves(self, package: str) -> bool:
        """Whether a provider or mocks serve this package."""
        return self.mocks is not None or self.providers.module(package) is not None
