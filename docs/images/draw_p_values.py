"""Picture of p-values: `p_values.svg`, from the lines of `benchmarks/verdict.py` in a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LINES = HERE.parents[1] / "benchmarks" / "verdict.jsonl"
PANELS = {
    "walk": "Random walks: no edge",
    "ar": "Autocorrelated returns: an edge",
}
SETTING = ("evaluations", "stale_epochs", "nulls", "bars", "overnight", "costs", "phi")
BINS, LEVEL_BINS = 20, 1  # the first bin has the p-values up to 0.05
WIDTH, HEIGHT, MARGIN, GAP = 300, 130, 46, 40


def read_p_values(part: str) -> list[float]:
    """Return the p-values of all lines of a part with the setting of the first one."""
    lines = [json.loads(each) for each in LINES.read_text("utf-8").splitlines()]
    lines = [each for each in lines if each["part"] == part]
    setting = {name: lines[0][name] for name in SETTING}
    same = [each for each in lines if {name: each[name] for name in SETTING} == setting]
    return [value for each in same for value in each["p_values"]]


def draw_panel(left: int, title: str, p_values: list[float]) -> list[str]:
    """Return the elements of a histogram, with a line at the mean of uniform p-values."""
    positions = np.ceil(np.array(p_values) * BINS - 1e-9).astype(int) - 1
    shares = np.bincount(positions, minlength=BINS) / len(p_values)
    top = max(float(shares.max()), 2 / BINS)
    bottom, width = MARGIN + HEIGHT, WIDTH / BINS
    drawn = [f'<text x="{left}" y="20" class="title">{title}, {len(p_values)} markets</text>']
    for index, share in enumerate(shares):
        height = HEIGHT * share / top
        color = "#c2410c" if index < LEVEL_BINS else "#64748b"
        drawn.append(
            f'<rect x="{left + index * width + 1:.1f}" y="{bottom - height:.1f}" '
            f'width="{width - 2:.1f}" height="{height:.1f}" fill="{color}"/>'
        )
    level = bottom - HEIGHT / BINS / top
    drawn += [
        f'<line x1="{left}" x2="{left + WIDTH}" y1="{level:.1f}" y2="{level:.1f}" class="mean"/>',
        f'<line x1="{left}" x2="{left + WIDTH}" y1="{bottom}" y2="{bottom}" class="axis"/>',
        f'<text x="{left}" y="{MARGIN - 10}" style="fill:#c2410c">p ≤ 0.05: {shares[0]:.0%}</text>',
    ]
    for tick in (0.0, 0.5, 1.0):
        drawn.append(
            f'<text x="{left + tick * WIDTH}" y="{bottom + 16}" class="tick">{tick:g}</text>'
        )
    return drawn


def main() -> None:
    """Write the picture."""
    total = (2 * MARGIN + len(PANELS) * WIDTH + (len(PANELS) - 1) * GAP, HEIGHT + MARGIN + 40)
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}">',
        "<style>text{font:12px sans-serif;fill:#334155}.title{font-weight:bold}"
        ".tick{text-anchor:middle}.axis{stroke:#334155}"
        ".mean{stroke:#0f172a;stroke-dasharray:4 3}</style>",
        f'<rect width="{total[0]}" height="{total[1]}" fill="#ffffff"/>',
    ]
    for index, (part, title) in enumerate(PANELS.items()):
        left = MARGIN + index * (WIDTH + GAP)
        elements += draw_panel(left, title, read_p_values(part))
    caption = "p-value of the null run; the dashed line is uniform"
    elements.append(
        f'<text x="{total[0] / 2}" y="{total[1] - 6}" class="tick">{caption}</text></svg>'
    )
    (HERE / "p_values.svg").write_text("\n".join(elements) + "\n", "utf-8")


if __name__ == "__main__":
    main()
