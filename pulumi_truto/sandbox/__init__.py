"""A local Truto API to develop and test against; it must not import pulumi nor the package's own client."""

from pulumi_truto.sandbox.server import Sandbox

__all__ = ["Sandbox"]
