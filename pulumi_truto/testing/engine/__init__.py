"""A local engine that runs a Pulumi program without the Pulumi CLI, for demos and tests."""

from pulumi_truto.testing.engine.stack import Stack, create_or_select_stack

__all__ = ["Stack", "create_or_select_stack"]
