"""Runs the suite from the command line."""

from __future__ import annotations

import sys

from tests.contract.command import main

if __name__ == "__main__":
    sys.exit(main())
