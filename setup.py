"""A shim for tools that still look for setup.py. Everything is declared in pyproject.toml."""

from setuptools import setup

setup()
