"""A local Truto API for development and tests."""

try:
    from pulumi_truto.sandbox.server import Sandbox
except ModuleNotFoundError as error:
    hint = f"pulumi_truto.sandbox requires {error.name}: install pulumi-truto with its extra, pulumi-truto[sandbox]"
    raise ModuleNotFoundError(hint, name=error.name) from None

__all__ = ["Sandbox"]
