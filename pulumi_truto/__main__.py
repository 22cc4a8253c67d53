"""``python -m pulumi_truto`` starts the native plugin. Pulumi does so for a folder with a ``PulumiPlugin.yaml``."""

from __future__ import annotations

import sys


def main() -> None:
    """Serves the plugin, or says that Python is too old: an old one may lack everything that the plugin imports."""
    if sys.version_info < (3, 10):  # noqa: UP036 - pip refuses it, but a source folder runs without pip
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"the Truto plugin needs Python 3.10 or later, and {sys.executable} is {version}. "
            "Delete the folder `venv` of the plugin, and run `pulumi install` with a newer Python first on PATH"
        )
    from pulumi_truto.plugin.server import serve

    serve()


if __name__ == "__main__":
    main()
