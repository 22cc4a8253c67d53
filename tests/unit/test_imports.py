"""Which modules an import of the package loads."""

from __future__ import annotations

import sys

import pytest

from tests.support.commands import run


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import pulumi_truto.signature", ["pulumi", "requests", "pydantic", "grpc", "urllib3", "aiohttp"]),
        ("import pulumi_truto", ["requests", "pydantic", "urllib3", "aiohttp"]),
        ("from pulumi_truto import Webhook", ["requests", "pydantic", "urllib3", "aiohttp"]),
    ],
)
def test_import_loads_only_what_it_needs(statement: str, forbidden: list[str]) -> None:
    """A receiver needs only the standard library, and a program does not load modules that only API calls need."""
    code = f"import sys\n{statement}\nprint(*(name for name in {forbidden!r} if name in sys.modules))"
    assert run(sys.executable, "-c", code).stdout.split() == []
