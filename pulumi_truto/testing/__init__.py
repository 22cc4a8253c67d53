"""Tests of your own Pulumi programs, with their real providers (extra ``testing``). Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_truto.testing.mocks import PulumiMocks, RecordingMocks
    from pulumi_truto.testing.stack import Engine, Preview, ProgramStack, cli_version, open_stack

__all__ = ["Engine", "Preview", "ProgramStack", "PulumiMocks", "RecordingMocks", "cli_version", "open_stack"]

if not TYPE_CHECKING:  # pytest loads the plugin in this package in every environment

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from pulumi_truto.testing import mocks

        if name in mocks.__all__:
            return getattr(mocks, name)
        from pulumi_truto.testing import stack  # requires the extra

        return getattr(stack, name)
