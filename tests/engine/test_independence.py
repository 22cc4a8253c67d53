"""The local engine is Pulumi's, not Truto's."""

from __future__ import annotations

from pathlib import Path

import pulumi_truto.testing.engine

#: The package that the engine is in, and Pulumi's wire format, which the plugin shares.
OWN_NAMES = ("pulumi_truto.testing.engine", "pulumi_truto.property_values")


def test_engine_has_no_word_of_truto() -> None:
    """The engine names neither Truto nor this package: its user passes in the rest."""
    files = sorted(Path(pulumi_truto.testing.engine.__file__).parent.glob("*.py"))
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in OWN_NAMES:
            text = text.replace(name, "")
        assert "truto" not in text.lower(), file
