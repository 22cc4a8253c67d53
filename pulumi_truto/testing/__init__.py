"""Tests of your own Pulumi programs, with their real providers: a pytest plugin (extra ``testing``)."""

from pulumi_truto.testing.program_stack import ProgramStack

__all__ = ["ProgramStack"]
