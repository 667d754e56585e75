"""The line that `scale.py` prints, read from standard input, as tables and charts in SCALE.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import plotext

AXES = {
    "bars": "bars a minute apart: one strategy in full, and scored",
    "symbols": "symbols of 5,000 bars: one strategy in full, and 20 scored",
    "strategies": "fresh random strategies of the whole language, 3,000 bars",
    "nodes": "nodes of a strategy: 500 of them scored, 3,000 bars",
    "window": "length of a window: mean and extremes of 50,000 bars",
}
FIGURES = {"seconds": "seconds", "mb": "peak memory, MB"}
WIDTH, HEIGHT = 72, 15


HEAD = """# How cost grows

Written by `benchmarks/charts.py` from what `benchmarks/scale.py` prints; each case in a process of
its own. Both scales of a chart are of ratios: what is linear climbs one decade a decade.
"""


def table(cases: dict[str, dict[str, float]]) -> list[str]:
    """A row a figure, a column a size."""
    rows = ["| | " + " | ".join(f"{int(size):,}" for size in cases) + " |",
            "|---" * (len(cases) + 1) + "|"]  # fmt: skip
    for name, label in FIGURES.items():
        values = " | ".join(f"{each[name]:.3g}" if each[name] < 100 else f"{each[name]:,.0f}"
                            for each in cases.values())  # fmt: skip
        rows.append(f"| {label} | {values} |")
    return rows


def chart(cases: dict[str, dict[str, float]], name: str) -> str:
    """A figure over the sizes, both by ratios."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(WIDTH, HEIGHT)
    plotext.title(FIGURES[name])
    plotext.xscale("log")
    plotext.yscale("log")
    sizes, values = list(map(int, cases)), [each[name] for each in cases.values()]
    plotext.plot(sizes, values, marker="braille")
    plotext.scatter(sizes, values, marker="●")
    plotext.xticks(sizes, [f"{each:,}" for each in sizes])
    return "\n".join(line.rstrip() for line in plotext.uncolorize(plotext.build()).splitlines())


def main() -> None:
    """Write SCALE.md."""
    found = json.loads(sys.stdin.read())
    lines = HEAD.splitlines()
    for axis, about in AXES.items():
        growth = found[f"{axis}_growth_a_doubling"]
        lines += ["", f"## {axis.capitalize()}", "", f"{about.capitalize()}. A doubling costs"
                  f" {growth:g} times as much.", "", *table(found[axis]), "", "```text",
                  chart(found[axis], "seconds"), chart(found[axis], "mb"), "```"]  # fmt: skip
    (Path(__file__).parent / "SCALE.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
