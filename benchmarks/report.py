"""Shows measured figures: a table, a JSON file and a picture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Row", "save", "table"]

#: Bars longer than this multiple of their target are cut off.
_MAX_BAR: Final = 3.0


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        group: the heading above it.
        name: the measured quantity.
        method: the way of measuring it.
        ours: the figure of this provider.
        naive: the figure of the naive provider; ``None`` if it has none.
        unit: "x" for a ratio, "%" for an addition, or the name of the counted things.
        limit: the lowest possible figure, in the same unit.
        target: the highest allowed figure; ``None`` for a row without a target.
        seconds: the measured times, for information.
    """

    group: str
    name: str
    method: str
    ours: float
    naive: float | None
    unit: str
    limit: float | None = None
    target: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return None if self.target is None else self.ours <= self.target

    def show(self, value: float | None) -> str:
        """One of the figures as text."""
        if value is None:
            return ""
        if self.unit == "x":
            return f"{value:.2f} x"
        return f"{value:+.1f} %" if self.unit == "%" else f"{value:,.4g} {self.unit}"


def table(rows: list[Row]) -> str:
    """All rows as text."""
    headings = ("what", "this provider", "naive", "limit", "target", "met", "seconds, for information")
    lines: list[tuple[str, ...]] = []
    widths = [len(name) for name in headings]
    group = method = ""
    for row in rows:
        if (row.group, row.method) != (group, method):
            group, method = row.group, row.method
            lines.append((f"{group} ({method})",))
        met = {None: "", True: "yes", False: "NO"}[row.met]
        target = "" if row.target is None else f"<= {row.show(row.target)}"
        seconds = ", ".join(f"{name} {value:.3f}" for name, value in row.seconds.items())
        line = (f"  {row.name}", row.show(row.ours), row.show(row.naive), row.show(row.limit), target, met, seconds)
        widths = [max(width, len(cell)) for width, cell in zip(widths, line, strict=True)]
        lines.append(line)
    ruler = "  ".join("-" * width for width in widths)
    text = [_line(headings, widths), ruler, *(_line(line, widths) for line in lines), ruler]
    targets = [row for row in rows if row.met is not None]
    text.append(f"{sum(row.met is True for row in targets)} of {len(targets)} targets met")
    return "\n".join(text)


def save(rows: list[Row], environment: dict[str, Any], folder: Path) -> None:
    """Writes ``latest.json`` and ``latest.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"environment": environment, "rows": [{**asdict(row), "met": row.met} for row in rows]}
    (folder / "latest.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _draw([row for row in rows if row.target is not None], environment, folder / "latest.png")


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    if len(cells) == 1:
        return cells[0]
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _draw(rows: list[Row], environment: dict[str, Any], file: Path) -> None:
    """How much of its target each figure takes: of this provider, and of the naive one."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(11, 0.5 + 0.36 * len(rows)), layout="constrained")
    for index, row in enumerate(rows):
        for value, offset, colour in ((row.naive, 0.2, "#c8c8c8"), (row.ours, -0.2, "#2f6fb0")):
            if value is None:
                continue
            share = _share(value, row.target)
            colour_now = "#c0392b" if colour != "#c8c8c8" and share > 1 else colour
            axes.barh(index + offset, min(share, _MAX_BAR), height=0.38, color=colour_now)
            arrow = " »" if share > _MAX_BAR else ""
            axes.text(min(share, _MAX_BAR) + 0.02, index + offset, row.show(value) + arrow, va="center", fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{_label(row)}  (<= {row.show(row.target)})" for row in rows], fontsize=7)
    axes.margins(y=0.005)
    axes.set_xlim(0, _MAX_BAR + 0.5)
    axes.set_xlabel("share of the target: this provider (blue, red where it is missed) and the naive one (grey)")
    axes.set_title(f"pulumi_truto {environment['pulumi_truto']}, {environment['when']}", fontsize=9)
    axes.invert_yaxis()
    figure.savefig(file, dpi=110)


def _label(row: Row) -> str:
    engine = row.method.partition("engine: ")[2].partition(",")[0]
    return f"{row.group}{f', {engine}' if engine else ''}: {row.name}"


def _share(value: float, target: float | None) -> float:
    if not target:
        return 0.0 if value <= 0 else _MAX_BAR + 1
    return max(0.0, value / target)
