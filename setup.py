"""Adds what depends on the address of the repository: its URLs, and the links in the README."""

import re
import runpy
from pathlib import Path

from setuptools import setup

version = runpy.run_path("pulumi_truto/version.py")
address = version["REPOSITORY"].rstrip("/")
readme = Path("README.md").read_text(encoding="utf-8")


def absolute(link: re.Match[str]) -> str:
    """A link to the file of this version: a package index has none of them."""
    form = "raw" if link[1].endswith((".png", ".svg")) else "blob"
    return f"]({address}/{form}/v{version['__version__']}/{link[1]})"


setup(
    long_description=re.sub(r"\]\((?![a-z]+:|#)(.+?)\)", absolute, readme) if address else readme,
    long_description_content_type="text/markdown",
    project_urls={
        "Source": address,
        "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }
    if address
    else {},
)
