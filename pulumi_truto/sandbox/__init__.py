"""A local Truto API to develop and test against; it must not import pulumi nor the package's own client."""

try:
    from pulumi_truto.sandbox.server import Sandbox
except ModuleNotFoundError as error:
    hint = f"pulumi_truto.sandbox needs {error.name}: install pulumi-truto with its extra, pulumi-truto[sandbox]"
    raise ModuleNotFoundError(hint, name=error.name) from None

__all__ = ["Sandbox"]
