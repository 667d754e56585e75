"""Tables and charts of SCALE.md, from the line that `scale.py` prints on standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import plotext

AXES = {
    "bars": "one-minute bars: one strategy backtested and scored",
    "symbols": "symbols of 5,000 bars: one strategy backtested, and 20 scored",
    "strategies": "fresh random strategies of the whole language, 3,000 bars",
    "nodes": "nodes per strategy: 500 strategies scored, 3,000 bars",
    "window": "length of a window: mean and extremes, 50,000 bars",
}
FIGURES = {"seconds": "seconds", "mb": "peak memory, MB"}
WIDTH, HEIGHT = 72, 15


HEAD = """# How cost grows

Written by `benchmarks/charts.py` from the output of `benchmarks/scale.py`. Each case runs in a
separate process. Both axes of a chart are logarithmic: linear growth rises one decade per decade.
"""


def table(cases: dict[str, dict[str, float]]) -> list[str]:
    """Return a Markdown table with one row per figure and one column per size."""
    rows = ["| | " + " | ".join(f"{int(size):,}" for size in cases) + " |",
            "|---" * (len(cases) + 1) + "|"]  # fmt: skip
    for name, label in FIGURES.items():
        values = " | ".join(f"{each[name]:.3g}" if each[name] < 100 else f"{each[name]:,.0f}"
                            for each in cases.values())  # fmt: skip
        rows.append(f"| {label} | {values} |")
    return rows


def chart(cases: dict[str, dict[str, float]], name: str) -> str:
    """Return a chart of a figure over the sizes, with logarithmic axes."""
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
    figures = json.loads(sys.stdin.read())
    lines = HEAD.splitlines()
    for axis, about in AXES.items():
        growth = figures[f"{axis}_growth_per_doubling"]
        lines += ["", f"## {axis.capitalize()}", "", f"{about.capitalize()}. Factor per"
                  f" doubling: {growth:g}.", "", *table(figures[axis]), "", "```text",
                  chart(figures[axis], "seconds"), chart(figures[axis], "mb"), "```"]  # fmt: skip
    (Path(__file__).parent / "SCALE.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
