"""Draws docs/rotation.svg, the rotation of `make demo`, from a run on the Pulumi CLI: `make picture`."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from pulumi_truto.testing import cli_version

_ROOT: Final = Path(__file__).parents[2]
_PICTURE: Final = _ROOT / "docs" / "rotation.svg"
#: The lines that are shown, with their styles: the commands, the steps that Pulumi has finished, and the result.
_STYLES: Final = {
    r"\$ .*": "bold",
    r" \+\+ .* created .*": "green",
    r" ~  .* updated .*": "yellow",
    r" -- .* deleted .*": "red",
    r".* were lost\.": "bold green",
}


def main() -> int:
    """Runs the demo and draws its rotation. The exit code is 0 on success."""
    if cli_version() is None:
        print("error: the picture shows the Pulumi CLI: install it, or put it on PATH", file=sys.stderr)
        return 1
    demo = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    title, *output = demo.stdout.partition("\n== 8. ")[2].partition("\n\n== 9.")[0].splitlines()
    lines = [text for line in output if (text := _styled(line.removeprefix("   ")))]
    console = Console(record=True, width=max(map(len, lines)), file=io.StringIO())
    console.print(*lines, sep="\n")
    svg = console.export_svg(title=title, unique_id="rotation")
    # Without the fonts that the picture would load from the internet.
    _PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")
    return 0


def _styled(line: str) -> Text | None:
    """A line in its style, or None if the picture leaves it out."""
    return next((Text(line, style) for pattern, style in _STYLES.items() if re.fullmatch(pattern, line)), None)


if __name__ == "__main__":
    sys.exit(main())
