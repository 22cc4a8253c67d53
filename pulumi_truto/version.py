"""The version of this package, written down in this one place only."""

__version__ = "0.1.0"
